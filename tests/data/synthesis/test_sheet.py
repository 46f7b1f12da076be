from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsamatting.data.synthesis.sheet import contact_sheet
from lsamatting.errors import ImageError


def test_sheet_shows_composites_beside_their_alphas(tmp_path):
    def save(name, picture):
        cv2.imwrite(str(tmp_path / name), picture)
        return tmp_path / name

    foreground = save("fg.png", np.full((40, 80, 3), (0, 0, 200), np.uint8))  # red
    background = save("bg.png", np.full((30, 30, 3), (100, 0, 0), np.uint8))  # blue
    mask = np.zeros((40, 80), np.uint8)
    mask[:, :40] = 255
    alpha = save("alpha.png", mask)
    sheet = contact_sheet([(foreground, alpha, background)] * 3, columns=2, side=20)
    assert sheet.shape == (40, 80, 3)
    assert tuple(sheet[5, 3]) == (200, 0, 0)
    assert tuple(sheet[5, 16]) == (0, 0, 100)
    assert tuple(sheet[5, 23]) == (255, 255, 255)
    assert tuple(sheet[5, 36]) == (0, 0, 0)
    np.testing.assert_array_equal(sheet[:20, :40], sheet[20:, :40])
    with pytest.raises(ImageError, match=r"gone\.png"):
        contact_sheet([(foreground, tmp_path / "gone.png", background)])
