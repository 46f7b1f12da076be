"""Solid things: photo texture and shading inside a crisp outline that may leave the focus."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.defocus import defocus
from lsamatting.data.synthesis.noise import (
    octaves,
    slopes,
    smooth_field,
    smoothstep,
    standardise,
    warp,
)
from lsamatting.data.synthesis.outlines import random_outline
from lsamatting.data.synthesis.photos import Photos

Floats = NDArray[np.float32]


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a solid thing, all in focus, in parts, or not at all."""
    body = solid(rng, shape, photos)
    return body if rng.random() < 0.35 else unfocus(rng, body)


def solid(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a solid thing in focus: edges one to two pixels wide."""
    coverage = random_outline(rng, shape)
    colour = surface(rng, shape, photos)
    shaded = np.clip(colour * shading(rng, coverage)[..., None], 0, 1)
    if rng.random() < 0.4:
        shaded = np.clip(shaded + 0.7 * gloss(rng, coverage)[..., None], 0, 1)
    lens = rng.uniform(0.3, 0.75)  # standard deviation, pixels: no lens is perfectly sharp
    layer = np.dstack([shaded * coverage[..., None], coverage]).astype(np.float32)
    layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), lens), dtype=np.float32)
    return from_premultiplied(layer[..., :3], layer[..., 3])


def unfocus(rng: np.random.Generator, cutout: Cutout) -> Cutout:
    """Blur a cutout as a lens would: by a disk that grows away from a sharp zone, or evenly."""
    alpha = cutout.alpha
    height, width = alpha.shape
    largest = float(np.exp(rng.uniform(math.log(1.5), math.log(14.0))))
    if rng.random() < 0.25:
        radius = np.full(alpha.shape, largest * 0.6, dtype=np.float32)
    else:
        # Depth as a tilted plane plus a little relief; sharp where it meets the focal plane.
        angle = rng.uniform(0, 2 * math.pi)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        depth = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle)
        depth = depth + 0.15 * smooth_field(rng, (height, width), scale=min(height, width) / 2)
        away = np.abs(depth - rng.uniform(-0.4, 0.4))
        radius = largest * np.clip(away * 1.6 - rng.uniform(0, 0.15), 0, 1)
    layer = np.dstack([cutout.foreground * alpha[..., None], alpha]).astype(np.float32)
    blurred = defocus(layer, radius.astype(np.float32))
    return from_premultiplied(blurred[..., :3], blurred[..., 3])


def surface(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Floats:
    """Colours HxWx3 of a material: a photograph, a softened one, a pattern, or mottled paint."""
    height, width = shape
    choice = rng.random()
    if choice < 0.4:
        return photos.patch(rng, height, width)
    if choice < 0.6:
        soft = photos.patch(rng, height, width, smooth=float(rng.uniform(4, 30)))
        grain = octaves(rng, shape, scale=rng.uniform(3, 40), count=4, gain=0.6)
        mottled = soft * (1 + rng.uniform(0.02, 0.12) * grain[..., None])
        return np.asarray(np.clip(mottled, 0, 1), dtype=np.float32)
    if choice < 0.75:
        return pattern(rng, shape, photos)
    first, second = photos.palette(rng, 2)
    blend = smoothstep(-1.2, 1.2, octaves(rng, shape, scale=min(shape) / 2, count=6, gain=0.5))
    paint = first + (second - first) * blend[..., None] * np.float32(rng.uniform(0.1, 1))
    grain = octaves(rng, shape, scale=rng.uniform(1.5, 6), count=2)
    grained = paint * (1 + rng.uniform(0, 0.06) * grain[..., None])
    return np.asarray(np.clip(grained, 0, 1), dtype=np.float32)


def pattern(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Floats:
    """Colours HxWx3 with crisp borders: patches of a hide, stripes, spots or checks of a cloth."""
    colours = photos.palette(rng, 3)
    x, y = warp(rng, shape, amplitude=min(shape) * rng.uniform(0, 0.03), scale=min(shape) / 4)
    angle = rng.uniform(0, 2 * math.pi)
    pitch = min(shape) * float(np.exp(rng.uniform(math.log(0.015), math.log(0.15))))
    u = (x * math.cos(angle) - y * math.sin(angle)) * (math.pi / pitch)
    v = (x * math.sin(angle) + y * math.cos(angle)) * (math.pi / pitch)
    choice = rng.random()
    if choice < 0.4:
        level = octaves(rng, shape, scale=pitch * 3, count=4, gain=0.4)
        slope = 1 / pitch
    elif choice < 0.7:
        level, slope = np.sin(u), math.pi / pitch
    else:
        level, slope = np.sin(u) * np.sin(v), math.pi / pitch
    edge = slope * rng.uniform(0.6, 4.0)  # borders one to some pixels wide
    threshold = rng.uniform(-0.4, 0.5)
    mask = smoothstep(threshold - edge, threshold + edge, level)[..., None]
    drift = smoothstep(-1, 1, smooth_field(rng, shape, scale=min(shape) / 2))[..., None]
    ground = colours[0] + (colours[1] - colours[0]) * drift * np.float32(rng.uniform(0, 0.6))
    grain = octaves(rng, shape, scale=rng.uniform(1.5, 6), count=2)[..., None]
    mixed = ground + (colours[2] - ground) * mask
    return np.asarray(np.clip(mixed * (1 + rng.uniform(0, 0.05) * grain), 0, 1), dtype=np.float32)


def relief(rng: np.random.Generator, coverage: Floats) -> Floats:
    """Height HxW of a rounded body over its outline, in pixels: a quarter circle at the rim."""
    inside = np.asarray(
        cv2.distanceTransform((coverage > 0.5).astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32
    )
    round_off = max(2.0, float(inside.max()) * rng.uniform(0.3, 1.0))
    t = np.clip(inside / round_off, 0, 1)
    height = round_off * np.sqrt(1 - (1 - t) ** 2)
    # The ridges that the distance has along the medial axis are not wanted.
    return np.asarray(cv2.GaussianBlur(height, (0, 0), max(1.0, round_off / 6)), dtype=np.float32)


def shading(rng: np.random.Generator, coverage: Floats) -> Floats:
    """Brightness factor HxW of a body lit from one side, about 1 on average."""
    strength = rng.uniform(0.2, 0.8)
    gy, gx = slopes(relief(rng, coverage) * rng.uniform(0.4, 1.0))
    angle, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 1.2)
    light = -(gx * math.cos(angle) + gy * math.sin(angle)) + rise
    lambert = light / np.sqrt(gx * gx + gy * gy + 1) / math.hypot(1, rise)
    sky = octaves(rng, (coverage.shape[0], coverage.shape[1]), scale=max(coverage.shape), count=2)
    return np.asarray(1 + strength * (np.clip(lambert, 0, 1) - 0.65) + 0.08 * sky, dtype=np.float32)


def gloss(rng: np.random.Generator, coverage: Floats) -> Floats:
    """Highlights HxW in [0, 1] of a shiny body."""
    gy, gx = slopes(relief(rng, coverage))
    at = rng.normal(0, 0.5, 2)
    miss = (gx - at[0]) ** 2 + (gy - at[1]) ** 2
    uneven = standardise(smooth_field(rng, (coverage.shape[0], coverage.shape[1]), scale=60))
    return np.asarray(
        np.exp(-miss / rng.uniform(0.005, 0.06)) * np.clip(0.8 + 0.2 * uneven, 0, 1),
        dtype=np.float32,
    )
