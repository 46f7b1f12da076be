from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.synthesis.cutout import Cutout, extend_colours, from_premultiplied, over


def random_cutout(seed, shape=(20, 30)):
    rng = np.random.default_rng(seed)
    return Cutout(rng.random((*shape, 3), dtype=np.float32), rng.random(shape, dtype=np.float32))


def test_layers_show_what_two_compositions_show():
    top, bottom = random_cutout(0), random_cutout(1)
    background = np.random.default_rng(2).random((20, 30, 3))

    def on(cutout, behind):
        alpha = cutout.alpha[..., None]
        return alpha * cutout.foreground + (1 - alpha) * behind

    np.testing.assert_allclose(
        on(over(top, bottom), background), on(top, on(bottom, background)), atol=2e-3
    )
    np.testing.assert_allclose(
        over(top, bottom).alpha, 1 - (1 - top.alpha) * (1 - bottom.alpha), atol=1e-6
    )


def test_layers_of_unequal_size_are_refused():
    with pytest.raises(ValueError, match="cannot layer"):
        over(random_cutout(0), random_cutout(0, (5, 5)))


def test_known_colours_are_kept_and_unknown_ones_lie_between():
    alpha = np.zeros((64, 80), np.float32)
    alpha[20:30, 10:20], alpha[20:30, 60:70] = 1, 0.5
    colour = np.zeros((64, 80, 3), np.float32)
    colour[:, :40], colour[:, 40:] = (1, 0.2, 0), (0.4, 0.8, 0)
    cutout = from_premultiplied(colour * alpha[..., None], alpha)
    known = alpha > 0
    np.testing.assert_allclose(cutout.foreground[known], colour[known], atol=1e-6)
    low, high = np.array([0.4, 0.2, 0]) - 1e-5, np.array([1, 0.8, 0]) + 1e-5
    assert (cutout.foreground >= low).all()
    assert (cutout.foreground <= high).all()
    # Nearer to the left patch, the left colour; and no step anywhere between.
    assert cutout.foreground[25, 5, 0] > 0.9
    assert cutout.foreground[25, 75, 0] < 0.5
    assert np.abs(np.diff(cutout.foreground[25, 20:60, 0])).max() < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (50, 3), (33, 64)])
def test_any_size_and_no_known_pixel_at_all(shape):
    nothing = extend_colours(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32))
    assert nothing.shape == (*shape, 3)
    assert np.isfinite(nothing).all()
    weight = np.zeros(shape, np.float32)
    weight[0, 0] = 1
    one = extend_colours(np.full((*shape, 3), 0.3, np.float32) * weight[..., None], weight)
    np.testing.assert_allclose(one, 0.3, atol=1e-4)
