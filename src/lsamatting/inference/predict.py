"""From an image and a trimap to its alpha through a network, computing only what is needed."""

from __future__ import annotations

from collections.abc import MutableMapping
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.errors import TrimapError
from lsamatting.inference.precision import Precision
from lsamatting.network.inputs import trimap_tensor
from lsamatting.network.lsanet import STRIDE, LSANet
from lsamatting.priors import compute_priors
from lsamatting.windows import window_around

MARGIN = 64
"""Pixels of known region around the unknown region that the network sees by default."""


def predict_alpha(
    network: LSANet,
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    *,
    device: torch.device | str = "cpu",
    margin: int = MARGIN,
    precision: Precision = Precision.AUTO,
    timings: MutableMapping[str, float] | None = None,
) -> NDArray[np.float32]:
    """Estimate the opacity of every pixel.

    The image is cropped to the unknown region and `margin` around it, padded by reflection to a
    multiple of the network's stride, and put back; known pixels are 0 and 1.

    Parameters
    ----------
    network:
        In evaluation mode, on `device`.
    image:
        H×W×3, gamma-encoded RGB in [0, 1].
    trimap:
        H×W with 0, 128 (unknown) and 255.
    device:
        Where the network is.
    margin:
        Known pixels kept around the unknown region.
    precision:
        Number format of the network's arithmetic.
    timings:
        If given, receives seconds under `priors` and `network`.

    Returns
    -------
    ndarray
        H×W float32 in [0, 1].

    Raises
    ------
    TrimapError
        Image and trimap differ in size.
    """
    if image.shape[:2] != trimap.shape:
        raise TrimapError(
            f"the trimap is {trimap.shape[1]}×{trimap.shape[0]} pixels, "
            f"the image {image.shape[1]}×{image.shape[0]}; they must be equal"
        )
    spent = timings if timings is not None else {}
    spent.update(priors=0.0, network=0.0)
    alpha = np.asarray(trimap == 255, np.float32)
    unknown = trimap == 128
    window = window_around(unknown, margin)
    if window is None:
        return alpha
    started = perf_counter()
    height, width = unknown[window].shape
    seen = pad_to_stride(np.ascontiguousarray(image[window], np.float32))
    marks = pad_to_stride(np.ascontiguousarray(trimap[window]))
    priors = compute_priors(seen, marks, which=network.config.priors)
    spent["priors"] = perf_counter() - started

    started = perf_counter()
    with torch.inference_mode(), precision.context(device):
        raw = network(
            _to_tensor(seen, device),
            trimap_tensor(marks).to(device),
            _to_tensor(priors, device) if network.config.priors else None,
        )
        estimate = raw[0, 0, :height, :width].float().clamp_(0, 1).cpu().numpy()
    spent["network"] = perf_counter() - started
    inside = unknown[window]
    alpha[window][inside] = estimate[inside]
    return alpha


def pad_to_stride(array: NDArray[Any]) -> NDArray[Any]:
    """Extend H×W or H×W×C below and to the right, by reflection, to multiples of the stride."""
    bottom, right = -array.shape[0] % STRIDE, -array.shape[1] % STRIDE
    if not bottom and not right:
        return array
    return np.asarray(cv2.copyMakeBorder(array, 0, bottom, 0, right, cv2.BORDER_REFLECT_101))


def _to_tensor(array: NDArray[np.float32], device: torch.device | str) -> Tensor:
    return torch.from_numpy(array)[None].permute(0, 3, 1, 2).to(device)
