"""Solid things whose edge has another colour than their inside: rims, stickers, stripes, handles.

What lies at the edge then tells little about the known foreground further in.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.noise import smooth_field, smoothstep
from lsamatting.data.synthesis.outlines import random_outline
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.solids import gloss, shading, surface, unfocus

Floats = NDArray[np.float32]


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a marked solid thing, mostly in focus."""
    coverage = random_outline(rng, shape)
    marks = [mark for mark in (two_materials, stripes, stickers, rim) if rng.random() < 0.45]
    colour = surface(rng, shape, photos)
    for mark in marks or [rim]:
        colour = mark(rng, colour, coverage, photos)
    body = finish(rng, colour, coverage)
    return body if rng.random() < 0.65 else unfocus(rng, body)


def finish(rng: np.random.Generator, colour: Floats, coverage: Floats) -> Cutout:
    """Light a painted body, and show it through a lens that is not perfectly sharp."""
    lit = np.clip(colour * shading(rng, coverage)[..., None], 0, 1)
    if rng.random() < 0.3:
        lit = np.clip(lit + 0.6 * gloss(rng, coverage)[..., None], 0, 1)
    layer = np.dstack([lit * coverage[..., None], coverage]).astype(np.float32)
    layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.3, 0.75)), np.float32)
    return from_premultiplied(layer[..., :3], layer[..., 3])


def rim(rng: np.random.Generator, colour: Floats, coverage: Floats, photos: Photos) -> Floats:
    """Paint a band of one colour along the edge, perhaps a line of another inside of it."""
    depth = inside_distance(coverage)
    width = min(coverage.shape) * math.exp(rng.uniform(math.log(0.004), math.log(0.06)))
    painted = blend(colour, paint(rng, photos), 1 - smoothstep(width - 0.8, width + 0.8, depth))
    if rng.random() < 0.35:
        start, end = width * rng.uniform(1.2, 2), width * rng.uniform(2.2, 3.5)
        line = smoothstep(start - 0.8, start + 0.8, depth)
        line *= 1 - smoothstep(end - 0.8, end + 0.8, depth)
        painted = blend(painted, paint(rng, photos), line)
    return painted


def stripes(rng: np.random.Generator, colour: Floats, coverage: Floats, photos: Photos) -> Floats:
    """Paint one to five stripes across the body, straight or bent."""
    across = _axis(rng, (coverage.shape[0], coverage.shape[1]))
    for _ in range(int(rng.integers(1, 6))):
        middle = rng.uniform(-0.35, 0.35) * min(coverage.shape)
        half = min(coverage.shape) * math.exp(rng.uniform(math.log(0.005), math.log(0.08)))
        share = 1 - smoothstep(half - 0.8, half + 0.8, np.abs(across - middle))
        colour = blend(colour, paint(rng, photos), share)
    return colour


def two_materials(
    rng: np.random.Generator, colour: Floats, coverage: Floats, photos: Photos
) -> Floats:
    """Give one end of the body another material, as a handle has."""
    shape = (coverage.shape[0], coverage.shape[1])
    across = _axis(rng, shape) - rng.uniform(-0.25, 0.25) * min(shape)
    other = surface(rng, shape, photos) if rng.random() < 0.6 else paint(rng, photos)
    return blend(colour, other, smoothstep(-0.8, 0.8, across))


def stickers(rng: np.random.Generator, colour: Floats, coverage: Floats, photos: Photos) -> Floats:
    """Stick one to eight labels on the body, most of them over its edge."""
    height, width = coverage.shape
    edge = np.argwhere((coverage > 0.2) & (coverage < 0.8))
    body = np.argwhere(coverage > 0.8)
    for _ in range(int(rng.integers(1, 9))):
        places = edge if rng.random() < 0.65 and len(edge) else body
        if not len(places):
            return colour
        centre = places[int(rng.integers(len(places)))][::-1]
        radius = min(height, width) * math.exp(rng.uniform(math.log(0.02), math.log(0.16)))
        corners = label(rng) * radius
        if rng.random() < 0.4:
            colour = blend(
                colour, paint(rng, photos), filled((height, width), corners * 1.2 + centre)
            )
        what = paint(rng, photos)
        if rng.random() < 0.3:
            what = photos.patch(rng, height, width)
        colour = blend(colour, what, filled((height, width), corners + centre))
    return colour


def label(rng: np.random.Generator) -> NDArray[np.float64]:
    """Outline, N x 2, of a label of radius 1 about the origin: round, a polygon or a star."""
    corners = int(rng.choice([3, 4, 4, 4, 5, 6, 8, 40, 40]))
    angles = np.arange(corners) * 2 * math.pi / corners + rng.uniform(0, 2 * math.pi)
    radii = np.ones(corners)
    if corners == 5 or (corners == 40 and rng.random() < 0.2):
        angles = np.linspace(0, 2 * math.pi, 2 * corners, endpoint=False) + angles[0]
        radii = np.tile([1.0, rng.uniform(0.4, 0.85)], corners)
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=1)
    return points * [1, rng.uniform(0.4, 1)]


def paint(rng: np.random.Generator, photos: Photos) -> Floats:
    """One colour: white, black, a signal colour or a photograph's."""
    choice = rng.random()
    if choice < 0.25:
        return np.full(3, rng.uniform(0.85, 1), np.float32)
    if choice < 0.4:
        return np.full(3, rng.uniform(0.02, 0.15), np.float32)
    colour = photos.palette(rng, 1)[0]
    if choice < 0.65:  # Pulled away from its own grey until one channel is full or empty.
        grey = colour.mean()
        away = (colour - grey) / max(float(np.abs(colour - grey).max()), 0.05)
        colour = np.clip(grey + away * rng.uniform(0.3, 0.6), 0, 1)
    return np.asarray(colour, np.float32)


def inside_distance(coverage: Floats) -> Floats:
    """Distance of the body's pixels to its edge, HxW in px; 0 outside."""
    body = (coverage > 0.5).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(body, cv2.DIST_L2, 5), np.float32)


def _axis(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Position of each pixel along a random direction, in px from the middle, slightly bent."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    along = (x - shape[1] / 2) * math.cos(angle) + (y - shape[0] / 2) * math.sin(angle)
    bend = rng.uniform(0, 0.06) * min(shape)
    return np.asarray(along + bend * smooth_field(rng, shape, scale=min(shape) / 2), np.float32)


def filled(shape: tuple[int, int], corners: NDArray[np.float64]) -> Floats:
    """Coverage, HxW in [0, 1], of a polygon of N x 2 corners in px."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(canvas / np.float32(255), np.float32)


def blend(colour: Floats, other: Floats, share: Floats | NDArray[np.bool_]) -> Floats:
    """Paint `other` over HxWx3 colours where `share`, HxW, is 1."""
    return np.asarray(colour + (other - colour) * share[..., None].astype(np.float32), np.float32)
