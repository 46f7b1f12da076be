"""True mattes as data sets have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import DatasetError
from lsamatting.images import read_grey, read_grey_bytes


def read_truth(path: Path) -> NDArray[np.float32]:
    """Read a true matte, HxW in [0, 1].

    Raises
    ------
    ImageError
        It cannot be read.
    DatasetError
        It is of 0 and 1 where white is 255 or more, and would be all but transparent.
    """
    values, depth = read_grey(path)
    _check_scale(path, float(values.max()), 0 if depth == 32 else 1 / (2**depth - 1))
    return values


def read_truth_bytes(path: Path) -> NDArray[np.uint8]:
    """Read a true matte as `read_truth` does, in 8 bits: HxW uint8."""
    values = read_grey_bytes(path)
    # What 16 bits hold of it may be nothing in 8.
    if values.max() <= 1:
        read_truth(path)
    return values


def _check_scale(path: Path, largest: float, one: float) -> None:
    if 0 < largest <= one * 1.001:
        raise DatasetError(
            f"{path}: its values are 0 and 1 only, and white is {round(1 / one)}; accepted are "
            "mattes on the whole scale"
        )
