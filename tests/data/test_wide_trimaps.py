from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.data.wide_trimaps import (
    WideTrimaps,
    add_blots,
    band_trimap,
    make_translucent,
    make_trimap,
    paint_over,
    painted_trimap,
)

WIDE = WideTrimaps(bands=0.3, painted=0.2)


def soft_alpha(seed: int, side: int = 64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.random((5, 5), dtype=np.float32) * 5 - 2
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR).clip(0, 1)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    towards_background=st.floats(1, 9),
    towards_foreground=st.floats(1, 9),
)
def test_the_trimap_equals_a_slow_dilation(seed, towards_background, towards_foreground) -> None:
    rng = np.random.default_rng(seed)
    alpha = cv2.resize(rng.random((4, 4), dtype=np.float32) * 3 - 1, (24, 24)).clip(0, 1)
    trimap = make_trimap(
        alpha, towards_background=towards_background, towards_foreground=towards_foreground
    )
    ys, xs = np.mgrid[:24, :24]
    for y in range(24):
        for x in range(24):
            distance = np.hypot(ys - y, xs - x)
            to_visible = distance[alpha > 0].min(initial=np.inf)
            to_clear = distance[alpha < 1].min(initial=np.inf)
            # The distance transform is right to about 2 %: leave what is that close open.
            if to_visible > 1.03 * towards_background:
                assert trimap[y, x] == 0
            elif to_clear > 1.03 * towards_foreground:
                assert trimap[y, x] == 255
            elif to_visible < 0.97 * towards_background and to_clear < 0.97 * towards_foreground:
                assert trimap[y, x] == 128


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0), (1.0, 255), (0.5, 128)])
def test_the_trimap_of_one_opacity(value: float, expected: int) -> None:
    alpha = np.full((8, 9), value, np.float32)
    trimap = make_trimap(alpha, towards_background=3, towards_foreground=3)
    assert (trimap == expected).all()


def test_the_manners_are_as_frequent_as_configured() -> None:
    rng = np.random.default_rng(0)
    drawn = [WIDE.draw_manner(rng, certain=False) for _ in range(4000)]
    assert drawn.count("bands") == pytest.approx(1200, abs=120)
    assert drawn.count("painted") == pytest.approx(800, abs=120)
    certain = [WIDE.draw_manner(rng, certain=True) for _ in range(4000)]
    assert certain.count("bands") == pytest.approx(2400, abs=120)
    assert certain.count("painted") == pytest.approx(1600, abs=120)


def test_the_papers_trimaps_cost_no_random_number() -> None:
    """So the paper's augmentation is the same with and without this module."""
    rng, untouched = np.random.default_rng(0), np.random.default_rng(0)
    assert WideTrimaps().draw_manner(rng, certain=True) == "paper"
    assert rng.random() == untouched.random()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), shrink=st.floats(0.5, 4), loose=st.booleans())
def test_whatever_is_known_is_true(seed: int, shrink: float, loose: bool) -> None:
    alpha = soft_alpha(seed)
    low, high = (0.05, 0.95) if loose else (0.0, 1.0)
    for make in (band_trimap, painted_trimap):
        rng = np.random.default_rng(seed)
        trimap = make(rng, alpha, WIDE, shrink=shrink, low=low, high=high)
        assert trimap.dtype == np.uint8
        assert set(np.unique(trimap)) <= {0, 128, 255}
        blotted = add_blots(rng, trimap, WIDE, shrink=shrink)
        assert (blotted[trimap == 128] == 128).all()
        for known in (trimap, blotted):
            assert (alpha[known == 0] <= low).all()
            assert (alpha[known == 255] >= high).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_band_leaves_something_known_on_either_side(seed: int) -> None:
    alpha = soft_alpha(seed)
    widest = WideTrimaps(bands=1, band_distance=(500, 500))
    trimap = band_trimap(np.random.default_rng(seed), alpha, widest, shrink=1)
    assert (trimap == 0).any() == (alpha <= 0).any()
    assert (trimap == 255).any() == (alpha >= 1).any()


def test_bands_are_even_in_the_logarithm_of_their_growth() -> None:
    alpha = np.zeros((3, 400), np.float32)
    alpha[:, :4] = 0.5
    config = WideTrimaps(bands=1, band_distance=(2, 200))
    rng = np.random.default_rng(0)
    grown = np.array(
        [(band_trimap(rng, alpha, config, shrink=2) == 128)[0].sum() - 4 for _ in range(3000)]
    )
    # Half of the growths lie below the geometric mean, 20 px of the picture, 10 of the sample.
    assert np.median(grown) == pytest.approx(10, rel=0.15)
    assert grown.max() > 80


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), radius=st.floats(2, 20))
def test_strokes_cover_the_region_and_stay_near_it(seed: int, radius: float) -> None:
    region = soft_alpha(seed) > 0.7
    covered = paint_over(np.random.default_rng(seed), region, radius)
    assert covered[region].all()
    far = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5) > 4 * radius + 3
    # A stroke's chord between two places of the region may leave it, by less than half its length.
    assert not covered[far].any()


def test_without_anything_soft_there_is_nothing_to_paint() -> None:
    nothing = np.zeros((40, 40), np.float32)
    rng = np.random.default_rng(0)
    assert (painted_trimap(rng, nothing, WIDE, shrink=1) == 0).all()
    trimap = np.zeros((40, 40), np.uint8)
    assert (add_blots(rng, trimap, WIDE, shrink=1) == 0).all()


def test_a_translucent_subject_has_no_opaque_pixel_and_keeps_its_outline() -> None:
    for seed in range(20):
        alpha = soft_alpha(seed)
        made = make_translucent(np.random.default_rng(seed), alpha)
        assert made.dtype == np.float32
        assert (made <= 0.95 * alpha + 1e-6).all()
        assert ((made > 0) == (alpha > 0)).all()
