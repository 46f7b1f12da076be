"""What a subject is put on: a colour, or a picture made to fit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.colour import parse_colour
from lsamatting.errors import ConfigError
from lsamatting.images import DEFAULT_MAX_PIXELS, read_picture

FloatArray = NDArray[np.float32]


def read_backdrop(text: str, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> FloatArray:
    """Read the picture of that path, or else a colour.

    Returns
    -------
    ndarray
        H×W×3 or (3,), float32 in [0, 1].

    Raises
    ------
    ConfigError
        It is neither a file nor a colour.
    ImageError
        The file cannot be read.
    """
    if Path(text).exists():
        return read_picture(text, max_pixels=max_pixels).pixels
    try:
        return parse_colour(text)
    except ConfigError as error:
        raise ConfigError(f"{text}: no such file, and as a colour: {error}") from error


def fit_backdrop(backdrop: FloatArray, height: int, width: int) -> FloatArray:
    """Scale a picture to cover height×width and keep its middle; a colour stays as it is."""
    if backdrop.ndim == 1:
        return backdrop
    rows, columns = backdrop.shape[:2]
    scale = max(height / rows, width / columns)
    # Cropped first: scaling what nobody sees would cost time.
    seen_rows = min(rows, max(1, round(height / scale)))
    seen_columns = min(columns, max(1, round(width / scale)))
    top, left = (rows - seen_rows) // 2, (columns - seen_columns) // 2
    seen = backdrop[top : top + seen_rows, left : left + seen_columns]
    if seen.shape[:2] == (height, width):
        return seen
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(seen, (width, height), interpolation=method), np.float32)
