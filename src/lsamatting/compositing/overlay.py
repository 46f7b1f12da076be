"""One picture that shows a result: image, trimap, alpha and composite side by side."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

PANEL = 1024
"""Panels longer than this many pixels are scaled down; an overlay is for looking at."""

GAP = 6
"""White pixels between two panels."""


def overlay(
    image: FloatArray, trimap: NDArray[np.uint8], alpha: FloatArray, composite: FloatArray
) -> FloatArray:
    """Put four pictures of one size beside each other.

    Parameters
    ----------
    image, composite:
        H×W×3 float32 in [0, 1].
    trimap:
        H×W uint8 of 0, 128 and 255.
    alpha:
        H×W float32 in [0, 1].

    Returns
    -------
    ndarray
        h×(4w + gaps)×3 float32 in [0, 1], where h×w is H×W or a smaller copy of that shape.
    """
    return side_by_side(image, trimap, alpha, composite)


def side_by_side(*pictures: NDArray[Any], longest: int = PANEL) -> FloatArray:
    """Put pictures of one size beside each other, with a white gap between two.

    Parameters
    ----------
    pictures:
        H×W or H×W×3, float32 in [0, 1] or uint8.
    longest:
        Longer pictures are scaled down to this many pixels a side.

    Returns
    -------
    ndarray
        h×w×3 float32 in [0, 1].
    """
    height, width = pictures[0].shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    panels: list[NDArray[Any]] = []
    for picture in pictures:
        shown: NDArray[Any] = picture
        if shown.dtype == np.uint8:
            shown = shown.astype(np.float32) / 255
        if scale < 1:
            shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
        if shown.ndim == 2:
            shown = np.dstack((shown, shown, shown))
        panels += [shown, np.ones((size[1], GAP, 3), np.float32)]
    return np.concatenate(panels[:-1], axis=1).astype(np.float32)
