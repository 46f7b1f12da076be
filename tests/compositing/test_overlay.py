from __future__ import annotations

import numpy as np

from lsamatting.compositing.overlay import GAP, PANEL, overlay


def test_four_panels_in_order():
    image = np.full((20, 30, 3), 0.1, np.float32)
    trimap = np.full((20, 30), 255, np.uint8)
    alpha = np.full((20, 30), 0.3, np.float32)
    composite = np.full((20, 30, 3), 0.4, np.float32)
    shown = overlay(image, trimap, alpha, composite)
    assert shown.shape == (20, 4 * 30 + 3 * GAP, 3)
    for index, value in enumerate((0.1, 1.0, 0.3, 0.4)):
        start = index * (30 + GAP)
        np.testing.assert_allclose(shown[:, start : start + 30], value, rtol=1e-6)
        np.testing.assert_array_equal(shown[:, start + 30 : start + 30 + GAP], 1)


def test_large_pictures_are_shown_smaller():
    side = 2 * PANEL
    image = np.zeros((side // 4, side, 3), np.float32)
    plain = np.zeros((side // 4, side), np.uint8)
    shown = overlay(image, plain, plain.astype(np.float32), image)
    assert shown.shape == (PANEL // 4, 4 * PANEL + 3 * GAP, 3)
