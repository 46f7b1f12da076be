"""What a network is given: values as it expects them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def trimap_tensor(trimap: NDArray[np.uint8], *, unknown: float = 0.5) -> Tensor:
    """Make of H×W with 0, 128 and 255 the network's 1×1×H×W with 0, `unknown` and 1."""
    values = np.array([0, unknown, 1], np.float32)
    classes = (trimap > 0).astype(np.uint8) + (trimap == 255)
    return torch.from_numpy(values[classes])[None, None]
