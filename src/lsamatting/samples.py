"""Pictures as integers, as most files hold them, and as the numbers that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
"""uint8 or uint16, of which the largest stands for 1, or float32. A large picture is kept as it was
stored, a quarter of what it takes in floating point, and read in parts."""


def as_float(samples: Samples) -> NDArray[np.float32]:
    """Give what samples of any shape stand for; those of float32 are not copied.

    In C order, also of the turned views that a camera's orientation leaves.
    """
    if samples.dtype == np.float32:
        return np.ascontiguousarray(samples)
    result = np.empty(samples.shape, np.float32)
    top = np.float32(np.iinfo(samples.dtype).max)
    np.divide(samples, top, out=result, dtype=np.float32)
    return result
