"""Writing the files of a dataset: whole or not at all, folders made as needed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import DatasetError
from lsamatting.replacing import replacing

Bytes = NDArray[np.uint8]

_OPTIONS = {".png": [cv2.IMWRITE_PNG_COMPRESSION, 3], ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 93]}


def write_bytes(path: Path, picture: Bytes) -> None:
    """Write HxWx3 RGB or HxW grey, uint8, as PNG or JPEG by the name's suffix.

    Raises DatasetError if the file cannot be written.
    """
    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    _, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(stored), _OPTIONS[path.suffix])
    write_content(path, encoded.tobytes())


def write_content(path: Path, content: bytes) -> None:
    """Write a file in one move. Raises DatasetError if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written ({error.strerror})") from None


def to_bytes(values: NDArray[np.float32]) -> Bytes:
    """Values in [0, 1], clipped, as uint8."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
