"""What a network is given: values as it expects them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def trimap_values(trimap: NDArray[np.uint8], *, unknown: float = 0.5) -> NDArray[np.float32]:
    """Make of H×W with 0, 128 and 255 the network's H×W float32 with 0, `unknown` and 1."""
    values = np.array([0, unknown, 1], np.float32)
    classes = (trimap > 0).astype(np.uint8) + (trimap == 255)
    laid: NDArray[np.float32] = values[classes]
    return laid
