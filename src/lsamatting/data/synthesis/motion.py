"""Motion blur: what moves while the shutter is open is averaged along its path."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.noise import pixel_grid, smooth_field, smoothstep
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.solids import solid

Floats = NDArray[np.float32]


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a solid thing that moves, turns, nears or waves a part while the shutter is open."""
    still = solid(rng, shape, photos)
    layer = np.dstack([still.foreground * still.alpha[..., None], still.alpha])
    moved = smear(layer, *movement(rng, shape))
    return from_premultiplied(moved[..., :3], moved[..., 3])


def movement(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Path (dx, dy) in pixels, each HxW, that every point covers during the exposure."""
    height, width = shape
    x, y = pixel_grid(shape)
    length = float(np.exp(rng.uniform(math.log(8), math.log(80))))
    angle = rng.uniform(0, 2 * math.pi)
    choice = rng.random()
    cx, cy = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
    radius = 0.5 * min(shape)
    if choice < 0.25:  # a turn about a point
        dx, dy = -(y - cy) / radius * length, (x - cx) / radius * length
    elif choice < 0.35:  # towards the camera
        dx, dy = (x - cx) / radius * length, (y - cy) / radius * length
    else:
        dx = np.full(shape, length * math.cos(angle), dtype=np.float32)
        dy = np.full(shape, length * math.sin(angle), dtype=np.float32)
    if choice > 0.7:  # a part only: a hand, a wing, a wheel
        where = smooth_field(rng, shape, scale=min(shape) / 2)
        share = smoothstep(-0.8, 0.8, where)
        dx, dy = dx * share, dy * share
    return np.asarray(dx, dtype=np.float32), np.asarray(dy, dtype=np.float32)


def smear(picture: Floats, dx: Floats, dy: Floats) -> Floats:
    """Average HxWxC (premultiplied, if it has opacity) along a straight path centred on each pixel.

    dx, dy: HxW, the whole path in pixels. By doubling: each pass averages the picture shifted
    forwards and backwards by a quarter of the path, then an eighth …, so that n passes give 2ⁿ
    evenly spaced positions at most a pixel apart. Exact for one common path; where paths vary
    over the picture, they should do so slowly compared with their length.
    """
    longest = float(np.sqrt((dx * dx + dy * dy).max()))
    if longest < 1e-3:
        return picture
    x, y = pixel_grid((picture.shape[0], picture.shape[1]))
    result = picture
    for k in range(max(1, math.ceil(math.log2(longest)))):
        step = np.float32(2.0 ** -(k + 2))
        ahead, behind = (
            cv2.remap(
                result,
                x + sign * step * dx,
                y + sign * step * dy,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for sign in (-1, 1)
        )
        result = np.asarray((ahead + behind) * np.float32(0.5), dtype=np.float32)
    return result
