"""What a subject is put on: a colour, or a picture made to fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from lsamatting.choices import Transfer
from lsamatting.colour import parse_colour
from lsamatting.errors import ConfigError
from lsamatting.images import DEFAULT_MAX_PIXELS, check_values, read_picture

FloatArray = NDArray[np.float32]


def read_backdrop(
    source: str | Path | Image.Image | ArrayLike,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    transfer: Transfer | None = None,
    tell: Callable[[str], None] | None = None,
) -> FloatArray:
    """Read a picture or a colour.

    Parameters
    ----------
    source:
        A path, or else a colour's name; a PIL image; three numbers in [0, 1]; or an array that
        `read_picture` takes. A float array of H×W×3 may reach beyond [0, 1], as linear light does.
    max_pixels:
        Larger pictures are refused.
    transfer:
        What floating-point values of a file mean, as for `read_picture`.
    tell:
        Called with each note about a file.

    Returns
    -------
    ndarray
        H×W×3 or (3,), float32, gamma-encoded.

    Raises
    ------
    ConfigError
        It is neither a file nor a colour.
    ImageError
        The picture cannot be read.
    """
    if isinstance(source, str | Path):
        if str(source) and Path(source).exists():
            picture = read_picture(source, max_pixels=max_pixels, transfer=transfer, opacity=False)
            if tell is not None:
                for note in picture.notes:
                    tell(f"{source}: {note}")
            return picture.pixels
        try:
            return parse_colour(str(source))
        except ConfigError as error:
            raise ConfigError(f"'{source}': no such file, and as a colour: {error}") from error
    if isinstance(source, Image.Image):
        return read_picture(source, max_pixels=max_pixels).pixels
    array = np.asarray(source)
    if array.ndim < 2:
        if array.shape != (3,) or not np.all((array >= 0) & (array <= 1)):
            raise ConfigError(f"colour {source}; accepted are three numbers from 0 to 1")
        return array.astype(np.float32)
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype.kind == "f":
        check_values("the backdrop", array)
        return array.astype(np.float32, copy=False)
    return read_picture(array, max_pixels=max_pixels).pixels


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
