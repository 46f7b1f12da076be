"""Random smooth fields: the raw material of smoke, wrinkles, warps and uneven light."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], *, scale: float) -> Field:
    """A random field of zero mean and about unit variance that varies over `scale` pixels.

    Normal values on a lattice of pitch `scale`, at a random offset and angle (so that no
    axis shows), joined by cubic interpolation. Returns HxW float32.
    """
    height, width = shape
    scale = max(float(scale), 1.0)
    side = math.ceil(math.hypot(height, width) / scale) + 6
    lattice = rng.standard_normal((side, side), dtype=np.float32)
    angle = rng.uniform(0.0, 2.0 * math.pi)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    middle = (side - 1) / 2 + rng.uniform(-0.5, 0.5, size=2)
    to_lattice = np.array(
        [
            [cos, -sin, middle[0] - cos * width / 2 + sin * height / 2],
            [sin, cos, middle[1] - sin * width / 2 - cos * height / 2],
        ]
    )
    field = cv2.warpAffine(
        lattice,
        to_lattice,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    # Interpolation between lattice points averages, and so loses about a third of the variance.
    return np.asarray(field * 1.22, dtype=np.float32)


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
        # Coarse octaves are drawn small: they hold nothing that enlarging them would lose.
        shrink = max(1, int(scale // 8))
        small = (-(-shape[0] // shrink), -(-shape[1] // shrink))
        layer = smooth_field(rng, small, scale=scale / shrink)
        if shrink > 1:
            layer = np.asarray(
                cv2.resize(layer, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32
            )
        total += height * (1.0 - 2.0 * np.abs(layer) if ridged else layer)
        height *= gain
        scale = max(scale / 2, 1.0)
    return standardise(total)


def standardise(field: Field) -> Field:
    """Shift and scale a field to zero mean and unit variance (a constant becomes zero)."""
    spread = float(field.std())
    centred = field - field.mean()
    return np.asarray(centred / spread if spread > 1e-8 else centred, dtype=np.float32)


def smoothstep(low: float, high: float, values: Field) -> Field:
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
    """The pixel grid, displaced smoothly: `amplitude` pixels rms, varying over `scale` pixels."""
    x, y = pixel_grid(shape)
    dx = octaves(rng, shape, scale=scale, count=2, gain=0.3)
    dy = octaves(rng, shape, scale=scale, count=2, gain=0.3)
    return x + amplitude * dx, y + amplitude * dy


def swirl(
    rng: np.random.Generator, shape: tuple[int, int], *, amplitude: float, scale: float, steps: int
) -> tuple[Field, Field]:
    """The pixel grid, carried `steps` times along the curl of a random field.

    A curl has no divergence: shapes are drawn out into curling filaments as air does it, and
    never bunch up. `amplitude` is the rms path per step, in pixels.
    """
    potential = octaves(rng, shape, scale=scale, count=3, gain=0.4)
    vy, vx = np.gradient(potential)
    speed = float(np.sqrt(np.mean(vx * vx + vy * vy))) + 1e-12
    flow_x, flow_y = vy * (amplitude / speed), -vx * (amplitude / speed)
    x, y = pixel_grid(shape)
    for _ in range(steps):
        step_x, step_y = sample(flow_x, x, y), sample(flow_y, x, y)
        x, y = x + step_x, y + step_y
    return np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)


def sample(picture: Field, x: Field, y: Field) -> Field:
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
