from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.synthesis.lens import blur_by, photograph


def test_blur_grows_with_the_amount_and_keeps_the_light():
    canvas = np.zeros((80, 80, 4), np.float32)
    canvas[40, 20], canvas[40, 60] = 1, 1
    amount = np.zeros((80, 80), np.float32)
    amount[:, 40:] = 1
    soft = blur_by(canvas, amount, 1.0, 4.0)
    assert soft[40, 20, 3] == pytest.approx(1 / (2 * np.pi), rel=0.05)
    assert soft[40, 60, 3] == pytest.approx(1 / (2 * np.pi * 16), rel=0.05)
    assert soft[:, :40].sum() == pytest.approx(4, rel=0.02)


def test_colour_stays_what_it_is_when_its_edge_goes_soft():
    canvas = np.zeros((96, 96, 4), np.float32)
    canvas[30:60, 30:60] = (0.8, 0.4, 0.2, 1)
    for seed in range(6):
        cutout = photograph(np.random.default_rng(seed), canvas)
        np.testing.assert_allclose(
            cutout.foreground, np.broadcast_to([0.8, 0.4, 0.2], (96, 96, 3)), atol=0.01
        )
