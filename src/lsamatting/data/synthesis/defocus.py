"""Defocus: blur by the image of the lens's aperture, with a radius that varies over the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def disk(radius: float) -> Floats:
    """Aperture of `radius` pixels: a kernel of sum 1 whose rim pixels hold the covered share."""
    reach = max(0, math.ceil(radius - 0.5))
    fine = 8
    ticks = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (ticks[:, None] ** 2 + ticks[None, :] ** 2 <= max(radius, 0.05) ** 2).astype(float)
    side = 2 * reach + 1
    covered = inside.reshape(side, fine, side, fine).mean(axis=(1, 3))
    if covered.sum() == 0:
        covered[reach, reach] = 1.0
    return np.asarray(covered / covered.sum(), dtype=np.float32)


def blur_disk(picture: Floats, radius: float) -> Floats:
    """Convolve HxW or HxWxC with a disk of `radius` pixels; borders are mirrored.

    Wide disks work on a reduced picture, whose own smoothing is small beside theirs.
    """
    if radius < 0.6:
        return picture
    factor = max(1, int(radius / 5))
    height, width = picture.shape[:2]
    reduced = picture
    if factor > 1:
        size = (max(1, width // factor), max(1, height // factor))
        reduced = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    blurred = cv2.filter2D(reduced, -1, disk(radius / factor), borderType=cv2.BORDER_REFLECT_101)
    if factor > 1:
        blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(blurred, dtype=np.float32)


def defocus(picture: Floats, radius: Floats, *, levels: int = 5) -> Floats:
    """Blur HxWxC (premultiplied, if it has opacity) with the disk radius given for each pixel.

    radius: HxW, pixels. The picture is blurred at `levels` radii between the smallest and the
    largest, and each pixel mixes the two nearest.
    """
    low, high = float(radius.min()), float(radius.max())
    if high - low < 0.05:
        return blur_disk(picture, high)
    # Closer together where they are small: from 1 to 2 pixels matters as much as from 8 to 16.
    radii = low + (high - low) * np.linspace(0.0, 1.0, levels) ** 1.6
    position = np.interp(radius, radii, np.arange(levels)).astype(np.float32)
    result = np.zeros_like(picture)
    for index, level in enumerate(radii):
        share = np.clip(1.0 - np.abs(position - index), 0.0, 1.0)
        result += share[..., None] * blur_disk(picture, float(level))
    return result
