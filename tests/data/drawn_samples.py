from __future__ import annotations

import cv2
import numpy as np

from lsamatting.data.cache import DecodedBackground, DecodedCutout


def smooth(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    grid = rng.integers(0, 256, (5, 5, channels), dtype=np.uint8)
    picture = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return picture.reshape(height, width, channels)


def blob(height: int, width: int, sigma: float = 6) -> DecodedCutout:
    rng = np.random.default_rng(3)
    alpha = np.zeros((height, width), np.uint8)
    cv2.circle(alpha, (width // 2, height // 2), min(height, width) // 4, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), sigma)

    def points(mask: np.ndarray) -> np.ndarray:
        return np.argwhere(mask)[:, ::-1].astype(np.int32)

    return DecodedCutout(
        smooth(rng, height, width), alpha, points(alpha > 0), points((alpha > 0) & (alpha < 255))
    )


def photo(height: int = 200, width: int = 300) -> DecodedBackground:
    return DecodedBackground(smooth(np.random.default_rng(4), height, width), 1.0)
