from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.compositing.equation import composite
from lsamatting.data.augment_config import AugmentConfig, Realism
from lsamatting.data.views import View, background_view, foreground_view, warp
from tests.data.drawn_samples import blob, photo, smooth


def test_a_straight_view_is_the_crop_itself() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    view = View((30.5, 40.5), side=32)
    np.testing.assert_array_equal(
        warp(picture, view, 32, border=cv2.BORDER_REFLECT), picture[25:57, 15:47]
    )


@pytest.mark.parametrize("flip", [(True, False), (False, True), (True, True)])
def test_a_flipped_view_is_the_flipped_crop(flip: tuple[bool, bool]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    expected = picture[25:57, 15:47]
    expected = expected[:, ::-1] if flip[0] else expected
    expected = expected[::-1] if flip[1] else expected
    view = View((30.5, 40.5), side=32, flip=flip)
    np.testing.assert_array_equal(warp(picture, view, 32, border=cv2.BORDER_REFLECT), expected)


def test_a_quarter_turn_is_the_turned_crop() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    view = View((30.5, 40.5), side=32, angle=math.pi / 2)
    turned = warp(picture, view, 32, border=cv2.BORDER_REFLECT).astype(int)
    assert np.abs(turned - np.rot90(picture[25:57, 15:47])).max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0, 99),
    y=st.floats(0, 149),
    side=st.floats(10, 300),
    angle=st.floats(0, 6.3),
    flip=st.tuples(st.booleans(), st.booleans()),
)
def test_a_view_equals_the_warp_of_the_whole_picture(x, y, side, angle, flip) -> None:
    """On smooth pictures neither the cut nor the area average changes more than a few levels."""
    picture = smooth(np.random.default_rng(1), 150, 100)
    view = View((x, y), side, angle, flip)
    whole = cv2.warpAffine(
        cv2.copyMakeBorder(picture, 250, 250, 250, 250, cv2.BORDER_REFLECT),
        view.matrix(40) + np.array([[0, 0, 250], [0, 0, 250]]),
        (40, 40),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    corners = view.matrix(40) @ np.array([[0, 0, 39, 39], [0, 39, 0, 39], [1, 1, 1, 1]])
    inside = (corners.min(axis=1) > 0).all() and (corners.max(axis=1) < (99, 149)).all()
    ours = warp(picture, view, 40, border=cv2.BORDER_REFLECT)
    assert ours.shape == (40, 40, 3)
    if inside:
        assert np.abs(ours.astype(int) - whole).max() <= 12


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    shrunk = warp(stripes, View((127.5, 127.5), side=200), 40, border=cv2.BORDER_REFLECT)
    assert np.abs(shrunk.astype(int) - 127.5).max() < 30


def test_augmented_parts_make_the_augmented_composite() -> None:
    """Warping F, α and B by one view, then blending, is warping the blend."""
    rng = np.random.default_rng(0)
    cutout = blob(160, 160, sigma=12)
    back = smooth(rng, 160, 160)
    view = View((80, 75), side=70, angle=0.7, flip=(True, False))

    def see(picture: np.ndarray) -> np.ndarray:
        return warp(picture, view, 64, border=cv2.BORDER_REFLECT).astype(np.float32) / 255

    def unit(picture: np.ndarray) -> np.ndarray:
        return picture.astype(np.float32) / 255

    blended = composite(unit(cutout.foreground), unit(cutout.alpha), unit(back))
    of_parts = composite(see(cutout.foreground), see(cutout.alpha), see(back))
    of_whole = see(np.round(blended * 255).astype(np.uint8))
    assert np.abs(of_parts - of_whole).max() < 0.02


def test_the_crop_is_centred_on_a_visible_pixel_or_on_an_edge() -> None:
    cutout = blob(100, 100, sigma=2)
    rng = np.random.default_rng(0)
    edges = AugmentConfig(realism=Realism(edge_centre=1))
    for _ in range(50):
        x, y = foreground_view(rng, cutout, 64, AugmentConfig()).centre
        assert cutout.alpha[int(y), int(x)] > 0
        x, y = foreground_view(rng, cutout, 64, edges).centre
        assert 0 < cutout.alpha[int(y), int(x)] < 255


@pytest.mark.parametrize("rotate", [0.0, 1.0])
def test_crops_kept_inside_do_not_reach_over_the_border(rotate: float) -> None:
    config = AugmentConfig(rotate=rotate, crop_side=(0.3, 0.6), realism=Realism(keep_inside=1))
    cutout = blob(100, 100, sigma=12)
    rng = np.random.default_rng(0)
    for _ in range(50):
        matrix = foreground_view(rng, cutout, 100, config).matrix(100)
        edges = np.array([[-0.5, -0.5, 99.5, 99.5], [-0.5, 99.5, -0.5, 99.5], [1, 1, 1, 1]])
        corners = matrix @ edges
        assert corners.min() >= -0.5 - 1e-6
        assert corners.max() <= 99.5 + 1e-6


def test_the_background_is_cropped_inside_its_photograph() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        view = background_view(rng, photo(120, 200).picture, 640, AugmentConfig(rotate=0))
        assert view.side == 120
        assert view.centre[1] == pytest.approx(59.5)
        assert 59.5 <= view.centre[0] <= 139.5


def test_wide_crops_are_no_larger_than_the_foregrounds_picture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert (
            foreground_view(rng, blob(200, 150), 96, AugmentConfig(), crop_side=(1, 4)).side <= 150
        )
