"""Colours of animals' coats and people's hair, as smooth maps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.noise import smooth_field
from lsamatting.data.synthesis.photos import Photos

Floats = NDArray[np.float32]

# Dark and light end of natural coats and hair, gamma-encoded sRGB.
_NATURAL = np.array(
    [
        [[0.05, 0.045, 0.045], [0.22, 0.2, 0.19]],  # black
        [[0.1, 0.07, 0.05], [0.36, 0.26, 0.18]],  # dark brown
        [[0.2, 0.12, 0.07], [0.58, 0.4, 0.26]],  # brown
        [[0.32, 0.16, 0.06], [0.85, 0.55, 0.28]],  # ginger
        [[0.4, 0.3, 0.18], [0.88, 0.76, 0.56]],  # fawn, blond
        [[0.45, 0.36, 0.28], [0.93, 0.86, 0.76]],  # cream
        [[0.2, 0.2, 0.2], [0.62, 0.61, 0.6]],  # grey
        [[0.5, 0.5, 0.52], [0.95, 0.95, 0.95]],  # white
        [[0.28, 0.24, 0.2], [0.74, 0.68, 0.6]],  # grey-brown
    ],
    dtype=np.float32,
)


# How often each occurs among animals that are photographed; sums to 1.
_FREQUENCY = (0.07, 0.08, 0.12, 0.12, 0.17, 0.15, 0.1, 0.11, 0.08)


def colour_pair(rng: np.random.Generator, photos: Photos) -> Floats:
    """Pick the dark and the light colour (2x3) of one coat: natural, or out of a photograph."""
    if rng.random() < 0.8:
        first, second = _NATURAL[rng.choice(len(_NATURAL), size=2, p=_FREQUENCY)]
        share = np.float32(rng.uniform(0, 0.3))
        pair = first * (1 - share) + second * share
        tint = rng.normal(1, 0.05, size=3).astype(np.float32)
        return np.asarray(np.clip(pair * tint, 0.01, 0.98), dtype=np.float32)
    colours = photos.palette(rng, 6)
    order = np.argsort(colours.mean(axis=1))
    return colours[order[[1, 4]]]


def coat(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Floats:
    """Colour of a coat at every pixel, HxWx3 in [0, 1]: low contrast, sometimes patterned."""
    height, width = shape
    if rng.random() < 0.15:
        # A photograph's own colours, softened until no foreign texture is left.
        return photos.patch(rng, height, width, smooth=rng.uniform(4, 25))
    texture = photos.patch(rng, height, width, smooth=rng.uniform(3, 30)).mean(axis=2)
    level = (texture - texture.mean()) / (texture.std() + 0.03)
    level = 0.5 + rng.uniform(0.12, 0.4) * level
    dark, light = colour_pair(rng, photos)
    colours = dark + np.clip(level, 0, 1)[..., None] * (light - dark)
    if rng.random() < 0.6:
        other_dark, other_light = colour_pair(rng, photos)
        other = other_dark + np.clip(level, 0, 1)[..., None] * (other_light - other_dark)
        share = _pattern(rng, shape)[..., None]
        colours = colours * (1 - share) + other * share
    return np.asarray(np.clip(colours, 0, 1), dtype=np.float32)


def _pattern(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Share in [0, 1] of a second colour: large patches, spots or stripes with soft borders."""
    kind = rng.choice(3, p=[0.5, 0.25, 0.25])
    small = min(shape)
    if kind == 0:
        field = smooth_field(rng, shape, scale=rng.uniform(0.12, 0.35) * small)
    elif kind == 1:
        field = smooth_field(rng, shape, scale=rng.uniform(0.025, 0.06) * small) - 0.5
    else:
        warp = smooth_field(rng, shape, scale=0.15 * small) * rng.uniform(0.5, 1.5)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        angle, pitch = rng.uniform(0, np.pi), rng.uniform(0.04, 0.1) * small
        field = np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / pitch + 2 * warp)
        field = field - rng.uniform(0, 0.5)
    sharpness = rng.uniform(1.5, 6)
    return np.asarray(1 / (1 + np.exp(-sharpness * field)), dtype=np.float32)


def roundness(rng: np.random.Generator, distance: Floats, depth: float) -> Floats:
    """Factor HxW by which light models a body: a dome that is `depth` pixels deep at its outline.

    distance: signed distance to the outline, negative inside.
    """
    # The dome is smooth: a coarse grid holds it.
    step = 6
    shape = distance.shape
    size = (-(-shape[1] // step), -(-shape[0] // step))
    coarse = cv2.resize(distance, size, interpolation=cv2.INTER_AREA)
    inside = np.clip(-coarse / depth, 0, 1)
    dome = cv2.GaussianBlur(np.sqrt(inside * (2 - inside)), (0, 0), 0.25 * depth / step)
    gy, gx = np.gradient(dome * (depth / step))
    angle, slant = rng.uniform(-np.pi, 0), rng.uniform(0.2, 0.9)
    light = 1 - (np.cos(angle) * gx + np.sin(angle) * gy) * slant
    light /= np.sqrt(1 + gx * gx + gy * gy)
    factor = np.clip(1 + rng.uniform(0.2, 1.0) * (light - 0.9), 0.3, 1.6)
    soft = cv2.GaussianBlur(factor.astype(np.float32), (0, 0), 1.5)
    grown = cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, dtype=np.float32)
