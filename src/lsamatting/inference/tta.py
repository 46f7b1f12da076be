"""Test-time augmentation: the average over scaled, turned and mirrored pictures (section 5)."""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lsamatting.choices import Padding
from lsamatting.errors import ConfigError
from lsamatting.inference.frame import (
    MARGIN,
    Frame,
    check_same_size,
    frame_picture,
    lay_out,
)
from lsamatting.inference.precision import Precision
from lsamatting.inference.predict import Estimator, plain_estimator
from lsamatting.inference.symmetry import Symmetry, SymmetryCount, square_symmetries
from lsamatting.network.lsanet import LSANet

Pixels = TypeVar("Pixels", NDArray[np.float32], NDArray[np.uint8])

SMALLEST_SCALE = 0.1
LARGEST_SCALE = 4.0


@dataclass(frozen=True)
class Averaging:
    """Over what is averaged; the defaults are the paper's 24 runs.

    Raises
    ------
    ConfigError
        A scale is not between 0.1 and 4, there is none, or there are no such symmetries.
    """

    scales: tuple[float, ...] = (0.8, 1.0, 1.25)
    """Factors by which the picture is resized."""

    symmetries: SymmetryCount = 8
    """1, 2 (mirror image), 4 (quarter turns) or 8 (both)."""

    def __post_init__(self) -> None:
        accepted = f"accepted are {SMALLEST_SCALE} to {LARGEST_SCALE:.0f}"
        if not self.scales:
            raise ConfigError(f"averaging needs at least one scale; {accepted}")
        for scale in self.scales:
            if not (math.isfinite(scale) and SMALLEST_SCALE <= scale <= LARGEST_SCALE):
                raise ConfigError(f"scale {scale} of averaging; {accepted}")
        counts = get_args(SymmetryCount)
        if self.symmetries not in counts:
            raise ConfigError(
                f"{self.symmetries} symmetries to average over; "
                f"accepted are {', '.join(map(str, counts))}"
            )

    @property
    def runs(self) -> int:
        """How often the network runs."""
        return len(self.scales) * self.symmetries


def average_alpha(
    network: LSANet,
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    averaging: Averaging,
    *,
    device: torch.device | str = "cpu",
    padding: Padding = "window",
    margin: int = MARGIN,
    precision: Precision = Precision.AUTO,
    estimator: Estimator | None = None,
    timings: MutableMapping[str, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Estimate the opacity of every pixel as the average of several runs.

    At each scale the picture (cubic) and the trimap (nearest neighbour) are resized, what is
    computed of them is chosen and their colour priors are computed once; then the network runs on
    each symmetry of that. Every run is clipped to [0, 1] and has its known pixels set before it
    counts. Only sums are kept, so memory is that of the largest run.

    Parameters
    ----------
    network, image, trimap, device, padding, margin, precision, estimator:
        As for `lsamatting.inference.predict.predict_alpha`; the estimator is called once per run.
    averaging:
        Scales and symmetries.
    timings:
        If given, receives seconds under `priors` and `network`.
    progress:
        Called after each run with the number of runs done and of all. Runs at a scale at which
        nothing is unknown are not made.

    Returns
    -------
    ndarray
        H×W float32 in [0, 1]; known pixels are 0 and 1.

    Raises
    ------
    TrimapError
        Image and trimap differ in size.
    """
    check_same_size(image, trimap)
    spent = timings if timings is not None else {}
    spent.update(priors=0.0, network=0.0)
    known = np.asarray(trimap == 255, np.float32)
    unknown = trimap == 128
    if not unknown.any():
        return known
    estimate = estimator or plain_estimator(network, precision=precision)
    symmetries = square_symmetries(averaging.symmetries)
    total = np.zeros_like(known)
    for number, scale in enumerate(averaging.scales):
        started = perf_counter()
        resized, marks = _resize(image, trimap, scale)
        frame = frame_picture(
            resized, marks, padding=padding, margin=margin, priors=network.config.priors
        )
        spent["priors"] += perf_counter() - started
        started = perf_counter()
        if frame is None:
            # Nearest neighbours left a thin unknown region out.
            alpha = np.asarray(marks == 255, np.float32)
        else:
            summed = np.zeros(frame.trimap.shape, np.float32)
            for done, symmetry in enumerate(symmetries, start=number * len(symmetries) + 1):
                summed += _run(frame, symmetry, estimate, padding=padding, device=device)
                if progress is not None:
                    progress(done, averaging.runs)
            alpha = frame.restore(summed / np.float32(len(symmetries)))
        total += _resize_to(alpha, known.shape, cv2.INTER_CUBIC)
        spent["network"] += perf_counter() - started
    return np.where(unknown, np.clip(total / np.float32(len(averaging.scales)), 0, 1), known)


def _run(
    frame: Frame,
    symmetry: Symmetry,
    estimate: Estimator,
    *,
    padding: Padding,
    device: torch.device | str,
) -> NDArray[np.float32]:
    """Turn a frame, run the network, and turn its estimate back: H×W of the frame's size."""
    layout = lay_out(
        symmetry.apply(frame.image),
        symmetry.apply(frame.trimap),
        symmetry.apply(frame.priors),
        # Refinement makes a tensor of it, and tensors have no negative strides.
        np.ascontiguousarray(symmetry.apply(frame.counted)),
        padding=padding,
        device=device,
    )
    return np.clip(symmetry.undo(estimate(layout)[layout.place]), 0, 1)


def _resize(
    image: NDArray[np.float32], trimap: NDArray[np.uint8], scale: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Resize a picture and its trimap, as the authors do."""
    height, width = trimap.shape
    shape = (max(int(scale * height), 1), max(int(scale * width), 1))
    # Cubic interpolation overshoots.
    return (
        np.clip(_resize_to(image, shape, cv2.INTER_CUBIC), 0, 1),
        _resize_to(trimap, shape, cv2.INTER_NEAREST),
    )


def _resize_to(array: Pixels, shape: tuple[int, ...], interpolation: int) -> Pixels:
    if array.shape[:2] == shape:
        return array
    resized = cv2.resize(array, shape[1::-1], interpolation=interpolation)
    return np.asarray(resized, array.dtype)
