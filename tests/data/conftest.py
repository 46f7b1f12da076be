from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lsamatting.data.cache import PictureCache


@pytest.fixture
def cache(tmp_path: Path) -> PictureCache:
    """Backgrounds of one colour each, by which they can be told."""
    pairs, backgrounds = [], []
    for number in range(3):
        alpha = np.zeros((80, 80), np.uint8)
        alpha[30:50, 30:50] = 255
        foreground, opacity = tmp_path / f"fg{number}.png", tmp_path / f"alpha{number}.png"
        cv2.imwrite(str(foreground), np.full((80, 80, 3), 80 * number, np.uint8))
        cv2.imwrite(str(opacity), alpha)
        pairs.append((foreground, opacity))
    for number in range(7):
        file = tmp_path / f"bg{number}.png"
        cv2.imwrite(str(file), np.full((50, 50, 3), 30 * number, np.uint8))
        backgrounds.append(file)
    return PictureCache(pairs, backgrounds, folder=tmp_path, gib=0)
