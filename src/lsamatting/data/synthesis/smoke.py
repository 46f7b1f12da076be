"""Smoke, steam, cloud, fog and flame: warped noise read as optical thickness."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout
from lsamatting.data.synthesis.noise import (
    octaves,
    pixel_grid,
    sample,
    slopes,
    smooth_field,
    smoothstep,
    standardise,
    swirl,
)
from lsamatting.data.synthesis.photos import Photos, blur

Floats = NDArray[np.float32]


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Smoke, a cloud, wisps, fog or a flame, over the frame or part of it."""
    choice = rng.random()
    if choice < 0.3:
        thickness = plume(rng, shape)
    elif choice < 0.55:
        thickness = cloud(rng, shape)
    elif choice < 0.8:
        thickness = wisps(rng, shape)
    elif choice < 0.9:
        thickness = fog(rng, shape)
    else:
        return flame(rng, shape)
    # Light that passes a thickness t keeps exp(−t) of itself (Beer and Lambert).
    alpha = np.asarray(1 - np.exp(-thickness), dtype=np.float32)
    return Cutout(tint(rng, thickness, photos), alpha)


def plume(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Smoke that rises from a point (at any edge) and widens and thins as it goes."""
    height, width = shape
    x, y = swirl(
        rng, shape, amplitude=min(shape) * rng.uniform(0.01, 0.035), scale=min(shape) / 3, steps=4
    )
    angle = rng.normal(0, 0.6) if rng.random() < 0.7 else rng.uniform(0, 2 * math.pi)
    up_x, up_y = math.sin(angle), -math.cos(angle)
    base_x = width * (0.5 - 0.45 * up_x + rng.normal(0, 0.08))
    base_y = height * (0.5 - 0.45 * up_y + rng.normal(0, 0.05))
    along = ((x - base_x) * up_x + (y - base_y) * up_y) / max(shape)
    across = ((x - base_x) * up_y - (y - base_y) * up_x) / max(shape)
    spread = rng.uniform(0.02, 0.07) + rng.uniform(0.15, 0.4) * np.maximum(along, 0)
    profile = np.exp(-0.5 * (across / spread) ** 2)
    fade = smoothstep(-0.03, 0.05, along) * np.exp(-np.maximum(along, 0) / rng.uniform(0.4, 1.5))
    detail = sample(octaves(rng, shape, scale=min(shape) / 4, count=6, gain=0.55), x, y)
    uneven = np.exp(rng.uniform(0.5, 1.2) * detail - 0.3)
    return np.asarray(rng.uniform(0.8, 4.0) * profile * fade * uneven, dtype=np.float32)


def cloud(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Draw a cumulus: dense inside, billowed and here sharper, there softer at its rim."""
    height, width = shape
    x, y = swirl(rng, shape, amplitude=min(shape) * 0.01, scale=min(shape) / 5, steps=3)
    far = np.full(shape, 9.0, dtype=np.float32)
    size = min(shape) * rng.uniform(0.12, 0.25)
    centre_x, centre_y = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.4, 0.65)
    for _ in range(int(rng.integers(2, 8))):
        puff = size * rng.uniform(0.5, 1.4)
        px = centre_x + rng.normal(0, 1.4) * size
        py = centre_y + rng.normal(0, 0.5) * size
        far = np.minimum(far, np.hypot(x - px, (y - py) * 1.2) / puff)
    billow = octaves(rng, shape, scale=size, count=6, gain=0.55, ridged=True)
    level = 1.0 - far + rng.uniform(0.2, 0.5) * sample(billow, x, y)
    softness = 0.5 + 0.5 * smoothstep(-1, 1, smooth_field(rng, shape, scale=size * 1.5))
    body = np.maximum(level + 0.15, 0) / softness
    return np.asarray(rng.uniform(1.0, 5.0) * body**1.5, dtype=np.float32)


def wisps(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Filaments drawn out by curling air: incense, vapour, ink in water."""
    amplitude = min(shape) * rng.uniform(0.02, 0.05)
    x, y = swirl(rng, shape, amplitude=amplitude, scale=min(shape) / 2.5, steps=7)
    sheets = sample(octaves(rng, shape, scale=min(shape) / 3, count=2, gain=0.3), x, y)
    # A crossing of zero, seen edge on, is a filament; the slope decides how thin it looks.
    width = rng.uniform(0.05, 0.2)
    line = np.exp(-np.abs(sheets) / width) + 0.25 * smoothstep(0, 1.2, sheets)
    fine = np.exp(0.6 * sample(octaves(rng, shape, scale=min(shape) / 8, count=5), x, y))
    where = smoothstep(-0.3, 1.0, octaves(rng, shape, scale=min(shape) / 2, count=2))
    return np.asarray(rng.uniform(0.8, 3.0) * line * fine * where, dtype=np.float32)


def fog(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Draw a bank over the whole frame, thicker towards one side, with soft holes."""
    height, width = shape
    x, y = pixel_grid(shape)
    angle = rng.normal(math.pi / 2, 0.5)
    side = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle)
    patches = octaves(rng, shape, scale=min(shape) / 2, count=6, gain=0.5)
    depth = rng.uniform(0.3, 1.5) * (0.5 + side * rng.uniform(0.5, 2)) + 0.4 * patches
    return np.asarray(np.maximum(depth, 0) * rng.uniform(0.7, 2), dtype=np.float32)


def tint(rng: np.random.Generator, thickness: Floats, photos: Photos) -> Floats:
    """Nearly constant grey, white or tinted colour, darker on the side away from the light."""
    shape = (thickness.shape[0], thickness.shape[1])
    choice = rng.random()
    if choice < 0.65:
        colour = np.full(3, rng.uniform(0.75, 1.0)) + rng.normal(0, 0.02, 3)
    elif choice < 0.85:
        colour = np.full(3, rng.uniform(0.1, 0.7)) + rng.normal(0, 0.03, 3)
    else:
        colour = photos.palette(rng, 1)[0].astype(np.float64)
    # Light reaches a point through what lies towards it: blurred thickness, shifted that way.
    reach = min(shape) / rng.uniform(12, 40)
    heavy = 4 * blur(np.minimum(thickness / 4, 1), reach)
    # The wide blur leaves a faint lattice.
    heavy = np.asarray(cv2.GaussianBlur(heavy, (0, 0), reach / 4), dtype=np.float32)
    gy, gx = slopes(heavy)
    angle = rng.normal(-math.pi / 2, 0.8)
    lit = standardise((-(gx * math.cos(angle) + gy * math.sin(angle))).astype(np.float32))
    shade = 1 + rng.uniform(0.03, 0.15) * np.tanh(lit)
    drift = smooth_field(rng, shape, scale=max(shape) / 2)[..., None] * rng.normal(0, 0.012, 3)
    shade_rgb = shade[..., None] + drift - 0.03 * heavy[..., None]
    return np.clip(colour * shade_rgb, 0, 1).astype(np.float32)


def flame(rng: np.random.Generator, shape: tuple[int, int]) -> Cutout:
    """Fire: tongues that rise and thin out, from red at the rim to yellow-white in the heart."""
    height, width = shape
    x, y = swirl(rng, shape, amplitude=min(shape) * 0.015, scale=min(shape) / 5, steps=4)
    rise = (height * 0.92 - y) / height
    centre = width * rng.uniform(0.35, 0.65)
    spread = width * rng.uniform(0.12, 0.3) * np.clip(1.1 - rise, 0.1, 1.1)
    envelope = np.exp(-(((x - centre) / spread) ** 2)) * smoothstep(-0.05, 0.08, rise)
    # Tongues are tall: the noise is read on a grid that is compressed upwards.
    noise = octaves(rng, shape, scale=min(shape) / 5, count=4, gain=0.5)
    tongues = sample(noise, x, y * np.float32(0.4))
    heat = np.clip(envelope * (1.3 - rise) * (1 + 0.45 * tongues) * 1.4 - 0.15, 0, 2)
    ramp = np.array([[0.6, 0.1, 0.02], [0.95, 0.35, 0.05], [1.0, 0.7, 0.2], [1.0, 0.95, 0.75]])
    colour = np.stack(
        [np.interp(heat, [0.0, 0.4, 0.9, 1.5], ramp[:, channel]) for channel in range(3)], axis=-1
    )
    alpha = 1 - np.exp(-rng.uniform(1.0, 2.5) * heat)
    return Cutout(colour.astype(np.float32), alpha.astype(np.float32))
