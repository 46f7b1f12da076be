"""Pictures side by side, to look at: square cells, and strips of text between them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

SIDE = 240
"""Width and height of a cell."""

INNER = SIDE - 4
"""The most of it that a picture takes."""

_BAND = 22
_GROUND = 30
_INK = 230


def to_bytes(picture: NDArray[Any]) -> Bytes:
    """Give HxW or HxWx3 values in [0, 1] as HxWx3 uint8."""
    levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


def fit(picture: Bytes) -> Bytes:
    """Scale a picture so that it just fits into a cell."""
    height, width = picture.shape[:2]
    scale = INNER / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def cell(picture: Bytes) -> Bytes:
    """Put a picture of at most `INNER` pixels in the middle of a cell."""
    place = np.full((SIDE, SIDE, 3), _GROUND, np.uint8)
    top, left = ((SIDE - length) // 2 for length in picture.shape[:2])
    place[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return place


def strip(width: int, text: str) -> Bytes:
    """Draw a line of text, in ASCII as far as it goes: the font knows no more."""
    band = np.full((_BAND, width, 3), _GROUND, np.uint8)
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(band, plain, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (_INK,) * 3, 1, cv2.LINE_AA)
    return band
