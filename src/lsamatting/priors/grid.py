"""Between the image and the coarser grids on which priors are computed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""(width, height), as OpenCV has it."""


def shrink(array: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Average H×W or H×W×C down to `size`."""
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_AREA), np.float32)


def enlarge(array: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Interpolate H×W or H×W×C bilinearly up to `size`."""
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_LINEAR), np.float32)


def shrink_known(known: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    """Bring a mask down to `size`; a pixel there is known only if all that it covers is."""
    return np.asarray(shrink(known.astype(np.float32), size) > 1 - 1e-4)
