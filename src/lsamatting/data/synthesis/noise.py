"""Random smooth fields: the raw material of smoke, wrinkles, warps and uneven light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Reals = NDArray[np.floating[Any]]


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], *, scale: float) -> Field:
    """Draw a random field of zero mean and about unit variance that varies over `scale` pixels.

    Normal values on a lattice of pitch `scale` at a random offset, joined by cubic B-splines
    (twice differentiable, so that light on its slopes shows no lattice). Returns HxW float32.
    """
    height, width = shape
    scale = max(float(scale), 1.0)
    down = _spline_weights(height, scale, float(rng.uniform()))
    along = _spline_weights(width, scale, float(rng.uniform()))
    lattice = rng.standard_normal((down.shape[1], along.shape[1]), dtype=np.float32)
    # Σ w² is 0.479 on average along each axis: a blend of lattice points varies less than they.
    return np.asarray(down @ lattice @ along.T / np.float32(0.479), dtype=np.float32)


def _spline_weights(length: int, scale: float, offset: float) -> Field:
    """Weight of each lattice point (columns) at each pixel (rows)."""
    position = np.arange(length) / scale + offset + 1.0
    points = int(position[-1]) + 3
    t = np.abs(position[:, None] - np.arange(points)[None, :])
    near = 2.0 / 3.0 - t * t + t**3 / 2.0
    far = np.clip(2.0 - t, 0.0, None) ** 3 / 6.0
    return np.where(t < 1.0, near, far).astype(np.float32)


def octaves(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    scale: float,
    count: int = 5,
    gain: float = 0.5,
    ridged: bool = False,
) -> Field:
    """Sum of `count` smooth fields, each half the scale and `gain` times the height of the last.

    `ridged` folds every octave to 1 − 2|x|, which gives the creases of billows and filaments.
    Zero mean and unit variance over the frame. Returns HxW float32.
    """
    total = np.zeros(shape, dtype=np.float32)
    height = 1.0
    for _ in range(count):
        layer = smooth_field(rng, shape, scale=scale)
        total += height * (1.0 - 2.0 * np.abs(layer) if ridged else layer)
        height *= gain
        scale = max(scale / 2, 1.0)
    return standardise(total)


def slopes(field: Reals) -> tuple[Field, Field]:
    """Slope of HxW down the rows and along the columns, per pixel: (dy, dx), each HxW float32."""
    dy, dx = np.gradient(field)
    return np.asarray(dy, dtype=np.float32), np.asarray(dx, dtype=np.float32)


def standardise(field: Reals) -> Field:
    """Shift and scale a field to zero mean and unit variance (a constant becomes zero)."""
    spread = float(field.std())
    centred = field - field.mean()
    return np.asarray(centred / spread if spread > 1e-8 else centred, dtype=np.float32)


def smoothstep(low: float, high: float, values: Reals) -> Field:
    """0 below `low`, 1 above `high`, and the cubic 3t² − 2t³ between them."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def pixel_grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    """Coordinates (x, y) of every pixel, each HxW float32; what `sample` takes."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return x, y


def warp(
    rng: np.random.Generator, shape: tuple[int, int], *, amplitude: float, scale: float
) -> tuple[Field, Field]:
    """Displace the pixel grid smoothly: `amplitude` pixels rms, varying over `scale` pixels."""
    x, y = pixel_grid(shape)
    dx = octaves(rng, shape, scale=scale, count=2, gain=0.3)
    dy = octaves(rng, shape, scale=scale, count=2, gain=0.3)
    return x + amplitude * dx, y + amplitude * dy


def swirl(
    rng: np.random.Generator, shape: tuple[int, int], *, amplitude: float, scale: float, steps: int
) -> tuple[Field, Field]:
    """Carry the pixel grid `steps` times along the curl of a random field.

    A curl has no divergence: shapes are drawn out into curling filaments as air does it, and
    never bunch up. `amplitude` is the rms path per step, in pixels.
    """
    potential = octaves(rng, shape, scale=scale, count=3, gain=0.4)
    vy, vx = slopes(potential)
    speed = float(np.sqrt(np.mean(vx * vx + vy * vy))) + 1e-12
    flow_x, flow_y = vy * (amplitude / speed), -vx * (amplitude / speed)
    x, y = pixel_grid(shape)
    for _ in range(steps):
        step_x, step_y = sample(flow_x, x, y), sample(flow_y, x, y)
        x, y = x + step_x, y + step_y
    return np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)


def sample(picture: Reals, x: Reals, y: Reals) -> Field:
    """Read `picture` (HxW or HxWxC) at the positions (x, y), bilinearly, mirrored outside."""
    return np.asarray(
        cv2.remap(
            np.asarray(picture, dtype=np.float32),
            np.asarray(x, dtype=np.float32),
            np.asarray(y, dtype=np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        dtype=np.float32,
    )
