"""From an image and a trimap to its alpha through a network, computing only what is needed."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from lsamatting.choices import Padding
from lsamatting.inference.frame import MARGIN, Layout, frame_picture, lay_out
from lsamatting.inference.precision import Precision
from lsamatting.network.lsanet import LSANet

Estimator = Callable[[Layout], NDArray[np.float32]]
"""What turns a layout into opacity in [0, 1], H×W of the layout's size: a network's plain run, or
one with backpropagating refinement."""


def plain_estimator(
    network: LSANet, *, precision: Precision = Precision.AUTO
) -> Callable[[Layout], NDArray[np.float32]]:
    """Run the network once, on the device of the layout."""

    def estimate(layout: Layout) -> NDArray[np.float32]:
        with torch.inference_mode(), precision.context(layout.image.device):
            raw = network(layout.image, layout.trimap, layout.priors)
            clamped: NDArray[np.float32] = raw[0, 0].float().clamp_(0, 1).cpu().numpy()
        return clamped

    return estimate


def predict_alpha(
    network: LSANet,
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    *,
    device: torch.device | str = "cpu",
    padding: Padding = "window",
    margin: int = MARGIN,
    precision: Precision = Precision.AUTO,
    estimator: Estimator | None = None,
    timings: MutableMapping[str, float] | None = None,
) -> NDArray[np.float32]:
    """Estimate the opacity of every pixel.

    Parameters
    ----------
    network:
        In evaluation mode, on `device`.
    image:
        H×W×3, gamma-encoded RGB in [0, 1].
    trimap:
        H×W with 0, 128 (unknown) and 255; known pixels become 0 and 1.
    device:
        Where the network is.
    padding:
        What the network sees of the picture, see `lsamatting.inference.frame.Padding`.
    margin:
        Known pixels kept around the unknown region, with `window` padding.
    precision:
        Number format of the network's arithmetic.
    estimator:
        What computes in place of the network's plain run.
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
    spent = timings if timings is not None else {}
    spent.update(priors=0.0, network=0.0)
    started = perf_counter()
    frame = frame_picture(
        image, trimap, padding=padding, margin=margin, priors=network.config.priors
    )
    if frame is None:
        return np.asarray(trimap == 255, np.float32)
    spent["priors"] = perf_counter() - started

    started = perf_counter()
    layout = lay_out(
        frame.image, frame.trimap, frame.priors, frame.counted, padding=padding, device=device
    )
    estimate = (estimator or plain_estimator(network, precision=precision))(layout)
    spent["network"] = perf_counter() - started
    return frame.restore(estimate[layout.place])
