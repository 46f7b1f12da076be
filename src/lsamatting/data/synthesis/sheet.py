"""Contact sheet: a look at many mattes at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.photos import read_rgb

Bytes = NDArray[np.uint8]


def contact_sheet(
    items: Sequence[tuple[Path, Path, Path]], *, columns: int = 6, side: int = 240
) -> Bytes:
    """Picture (RGB, uint8) of rows of pairs: a composite and its alpha.

    items: (foreground, alpha, background) files. columns: pairs per row. side: height in pixels of
    a row; each picture is fitted into a square of it. Raises ImageError naming an unreadable
    file.
    """
    rows = -(-len(items) // columns)
    sheet = np.full((rows * side, columns * 2 * side, 3), 64, dtype=np.uint8)
    for n, (foreground_path, alpha_path, background_path) in enumerate(items):
        alpha = _fit(read_rgb(alpha_path), side)
        foreground = _fit(read_rgb(foreground_path), side)
        height, width = alpha.shape[:2]
        background = cv2.resize(
            read_rgb(background_path), (width, height), interpolation=cv2.INTER_AREA
        )
        share = alpha.astype(np.float32) / 255
        composite = share * foreground + (1 - share) * background
        top, left = n // columns * side, n % columns * 2 * side
        sheet[top : top + height, left : left + width] = np.rint(composite)
        sheet[top : top + height, left + side : left + side + width] = alpha
    return sheet


def _fit(picture: Bytes, side: int) -> Bytes:
    scale = side / max(picture.shape[:2])
    size = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
