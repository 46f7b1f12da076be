"""Test-time augmentation: the average over scaled, turned and mirrored pictures (section 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError
from lsamatting.inference.strokes import Stroke
from lsamatting.inference.symmetry import SymmetryCount
from lsamatting.samples import Samples, as_float

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


SINGLE = Averaging(scales=(1.0,), symmetries=1)
"""One run of the network: no averaging."""


def resize_picture(
    image: Samples, trimap: NDArray[np.uint8], scale: float
) -> tuple[Samples, NDArray[np.uint8]]:
    """Resize H×W×3 samples (cubic) and their H×W trimap (nearest neighbour), as the authors do.

    Sides become the integer part of scale × side, at least 1. Integers become those of 16 bits, a
    channel at a time, which is closer than any picture's values are and half of floating point.
    """
    height, width = trimap.shape
    shape = (max(int(scale * height), 1), max(int(scale * width), 1))
    if shape == (height, width):
        return image, trimap
    marks = _resize(trimap, shape, cv2.INTER_NEAREST)
    # Cubic interpolation overshoots.
    if image.dtype == np.float32:
        return np.clip(_resize(image, shape, cv2.INTER_CUBIC), 0, 1), marks
    resized = np.empty((*shape, image.shape[2]), np.uint16)
    for channel in range(image.shape[2]):
        plane = _resize(as_float(image[..., channel]), shape, cv2.INTER_CUBIC)
        np.clip(plane, 0, 1, out=plane)
        plane *= np.float32(65535)
        resized[..., channel] = np.rint(plane, out=plane)
    return resized, marks


def resize_stroke(stroke: Stroke, shape: tuple[int, ...]) -> Stroke:
    """Bring a stroke to a picture's height and width, by nearest neighbour."""
    mask = _resize(stroke.mask.astype(np.uint8), shape, cv2.INTER_NEAREST)
    return Stroke(mask.astype(np.bool_), stroke.value)


def resize_back(alpha: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Bring opacity back to a picture's height and width; it may overshoot [0, 1] a little."""
    return _resize(alpha, shape, cv2.INTER_CUBIC)


def _resize(array: Pixels, shape: tuple[int, ...], interpolation: int) -> Pixels:
    if array.shape[:2] == shape:
        return array
    resized = cv2.resize(array, shape[1::-1], interpolation=interpolation)
    return np.asarray(resized, array.dtype)
