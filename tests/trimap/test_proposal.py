from __future__ import annotations

import numpy as np
import pytest

from lsamatting.errors import TrimapError
from lsamatting.trimap.proposal import propose_trimap

HEIGHT, WIDTH = 150, 200
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
AWAY = np.hypot(ROWS - 75, COLUMNS - 100)


def disc(front: tuple[float, ...], back: tuple[float, ...], noise: float = 0.02):
    rng = np.random.default_rng(1)
    inside = (AWAY < 45)[..., None]
    image = inside * np.array(front) + ~inside * np.array(back)
    return (image + rng.normal(0, noise, image.shape)).clip(0, 1).astype(np.float32)


def box(top: int, bottom: int, left: int, right: int):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


INSIDE, OUTSIDE = box(70, 78, 90, 110), box(4, 10, 10, 190)


@pytest.mark.parametrize("background", [OUTSIDE, np.zeros_like(OUTSIDE)])
def test_a_scribble_finds_what_looks_like_it(background):
    image = disc((0.8, 0.2, 0.2), (0.2, 0.6, 0.3))
    trimap = propose_trimap(image, foreground=INSIDE, background=background)
    assert trimap.foreground[AWAY < 38].all()
    assert trimap.background[AWAY > 56].all()
    assert trimap.unknown[np.abs(AWAY - 45) < 1].mean() > 0.95


def test_strokes_stay_what_they_were_drawn_as():
    image = disc((0.8, 0.2, 0.2), (0.2, 0.6, 0.3))
    wrong = box(74, 76, 20, 40)
    trimap = propose_trimap(image, foreground=INSIDE | wrong, background=OUTSIDE)
    assert trimap.foreground[INSIDE | wrong].all()
    assert trimap.background[OUTSIDE].all()


@pytest.mark.parametrize("white", [1, 255])
def test_masks_of_integers_mean_the_same(white):
    image = disc((0.8, 0.2, 0.2), (0.2, 0.6, 0.3))
    drawn = (mask.astype(np.uint8) * np.uint8(white) for mask in (INSIDE, OUTSIDE))
    trimap = propose_trimap(image, **dict(zip(("foreground", "background"), drawn, strict=True)))
    expected = propose_trimap(image, foreground=INSIDE, background=OUTSIDE)
    np.testing.assert_array_equal(trimap.values, expected.values)


def test_the_band_is_wider_where_colours_do_not_tell():
    clear = propose_trimap(
        disc((0.9, 0.1, 0.1), (0.1, 0.5, 0.9)), foreground=INSIDE, background=OUTSIDE
    )
    vague = propose_trimap(
        disc((0.6, 0.4, 0.4), (0.4, 0.4, 0.6), 0.08), foreground=INSIDE, background=OUTSIDE
    )
    assert vague.counts.unknown > 1.3 * clear.counts.unknown


def test_the_same_strokes_give_the_same_proposal():
    image = disc((0.8, 0.2, 0.2), (0.5, 0.4, 0.3), 0.1)
    first, second = (
        propose_trimap(image, foreground=INSIDE, background=OUTSIDE).values for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_mistakes():
    image = disc((0.8, 0.2, 0.2), (0.2, 0.6, 0.3))
    with pytest.raises(TrimapError, match="no stroke on the subject"):
        propose_trimap(image, foreground=np.zeros_like(INSIDE), background=OUTSIDE)
    with pytest.raises(TrimapError, match="overlap"):
        propose_trimap(image, foreground=INSIDE, background=INSIDE)
    with pytest.raises(TrimapError, match="pixels"):
        propose_trimap(image, foreground=INSIDE[:50], background=OUTSIDE)
