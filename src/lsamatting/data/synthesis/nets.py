"""Nets, lace, gauze, fences and webs: periodic threads under smooth warps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout
from lsamatting.data.synthesis.noise import octaves, pixel_grid, slopes, smooth_field, smoothstep
from lsamatting.data.synthesis.outlines import random_outline
from lsamatting.data.synthesis.photos import Photos

Floats = NDArray[np.float32]
Reals = NDArray[np.floating[Any]]

FINE = 2  # threads are drawn at this multiple of the size, then averaged down


@dataclass(frozen=True)
class Threads:
    """A pattern of threads.

    coverage: HxW in [0, 1]. across: HxW in [0, 1], how far from a thread's axis to its side.
    """

    coverage: Floats
    across: Floats


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a net, mesh, fence, lace, gauze or web with folds, over all or part of the frame."""
    fine = (shape[0] * FINE, shape[1] * FINE)
    folds = octaves(rng, shape, scale=min(shape) / rng.uniform(1.5, 5), count=2, gain=0.3)
    choice = rng.random()
    # Pitch and thread in picture pixels.
    pitch = float(np.exp(rng.uniform(math.log(7), math.log(70))))
    thread = float(np.clip(pitch * np.exp(rng.uniform(math.log(0.03), math.log(0.2))), 0.5, 7))
    if choice < 0.12:
        threads = web(rng, fine, thread=rng.uniform(0.4, 1.4) * FINE)
    else:
        u, v, stretch = cloth_coordinates(rng, shape, folds, pitch=pitch)
        half = np.asarray(thread / 2 * FINE * np.ones_like(u), dtype=np.float32)
        unit = np.asarray(pitch * FINE / stretch, dtype=np.float32)  # fine pixels per cell
        if choice < 0.3:
            threads = square_net(u, v, unit, half)
        elif choice < 0.45:
            threads = knotted_net(u, v, unit, half, slack=rng.uniform(0.1, 0.3))
        elif choice < 0.6:
            threads = hexagon_net(u, v, unit, half)
        elif choice < 0.85:
            threads = lace(rng, u, v, unit, half)
        else:
            threads = square_net(u * 6, v * 6, unit / 6, half * 0.5)  # gauze
    alpha, across = threads.coverage, threads.across
    if rng.random() < 0.35:
        alpha = alpha + (1 - alpha) * rng.uniform(0.05, 0.35)  # the ground is not quite empty
    size = shape[::-1]
    alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    across = np.asarray(cv2.resize(across, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    if rng.random() < 0.3:
        part = random_outline(rng, shape)
        alpha = alpha * part
        across = 1 - (1 - across) * part  # no threads to be shaded where there is no net
    colour = thread_colour(rng, shape, photos, across, folds)
    return Cutout(colour, np.clip(alpha, 0, 1).astype(np.float32))


def cloth_coordinates(
    rng: np.random.Generator, shape: tuple[int, int], folds: Reals, *, pitch: float
) -> tuple[Floats, Floats, Floats]:
    """Position (u, v) on the cloth, in cells, at FINE times the size, and the local stretch.

    Turned, seen a little in perspective, and drawn together along the folds. Stretch: cells per
    pixel relative to a flat cloth.
    """
    height, width = shape
    x, y = pixel_grid(shape)
    x, y = x - width / 2, y - height / 2
    angle = rng.uniform(0, 2 * math.pi)
    lean = rng.normal(0, 0.25, 2) / max(shape)
    depth = 1 + np.clip(lean[0] * x + lean[1] * y, -0.4, 0.4)
    u = (x * math.cos(angle) - y * math.sin(angle)) / depth
    v = (x * math.sin(angle) + y * math.cos(angle)) / depth
    ease = pitch * rng.uniform(0.0, 0.7) + min(shape) * rng.uniform(0.0, 0.02)
    u = (u + ease * folds) / pitch
    v = (v + ease * octaves(rng, shape, scale=min(shape) / 3, count=2, gain=0.3)) / pitch
    uy, ux = slopes(u)
    vy, vx = slopes(v)
    stretch = np.sqrt(np.abs(ux * vy - uy * vx)) * pitch
    fine = (width * FINE, height * FINE)
    grown = [
        np.asarray(
            cv2.resize(f.astype(np.float32), fine, interpolation=cv2.INTER_LINEAR),
            dtype=np.float32,
        )
        for f in (u, v, np.clip(stretch, 0.3, 3))
    ]
    return grown[0], grown[1], grown[2]


def thread_coverage(distance: Reals, half_width: Reals | float) -> Floats:
    """Share of a pixel at `distance` pixels from a straight thread's axis that the thread covers.

    The overlap of [d − ½, d + ½] with [−w, w]: exact for threads along an axis, also where they
    are thinner than a pixel.
    """
    high = np.minimum(distance + 0.5, half_width)
    low = np.maximum(distance - 0.5, -np.asarray(half_width))
    return np.asarray(np.clip(high - low, 0, 1), dtype=np.float32)


def _threads(distances: list[Reals], half: Reals) -> Threads:
    """Union of thread families, given the distance in pixels to the nearest thread of each."""
    open_share = np.ones(half.shape, dtype=np.float32)
    nearest = np.full(half.shape, np.inf, dtype=np.float32)
    for distance in distances:
        open_share *= 1 - thread_coverage(distance, half)
        nearest = np.minimum(nearest, distance, dtype=np.float32)
    across = np.minimum(nearest / half, 1)
    return Threads(1 - open_share, across.astype(np.float32))


def _to_line(cells: Reals) -> Floats:
    """Distance, in cells, to the nearest whole number."""
    return np.asarray(np.abs(cells - np.round(cells)), dtype=np.float32)


def square_net(u: Reals, v: Reals, unit: Reals, half: Reals) -> Threads:
    """Threads along the whole numbers of u and of v; `unit` pixels per cell, `half` width."""
    return _threads([_to_line(u) * unit, _to_line(v) * unit], half)


def knotted_net(u: Reals, v: Reals, unit: Reals, half: Reals, *, slack: float) -> Threads:
    """Fishing net: threads that swing from knot to knot, and the knots."""
    swing = slack * np.cos(2 * math.pi * v)
    one = _to_line(u + swing)
    other = _to_line(u + 0.5 - swing)
    slope = np.sqrt(1 + (2 * math.pi * slack * np.sin(2 * math.pi * v)) ** 2)
    threads = _threads([one * unit / slope, other * unit / slope], half)
    knots = np.hypot(_to_line(u + 0.25), _to_line(v + 0.25))
    knots = np.minimum(knots, np.hypot(_to_line(u - 0.25), _to_line(v - 0.25)))
    knot = np.clip(2.0 * half - knots * unit + 0.5, 0, 1)
    coverage = 1 - (1 - threads.coverage) * (1 - knot)
    return Threads(coverage.astype(np.float32), threads.across)


def hexagon_net(u: Reals, v: Reals, unit: Reals, half: Reals) -> Threads:
    """Tulle or wire netting: the walls between hexagonal cells."""
    root = math.sqrt(3.0)

    def offset(au: Reals, av: Reals) -> tuple[Reals, Reals]:
        return au - np.round(au), av - root * np.round(av / root)

    a, b = offset(u, v), offset(u - 0.5, v - root / 2)
    nearer = a[0] ** 2 + a[1] ** 2 < b[0] ** 2 + b[1] ** 2
    x = np.abs(np.where(nearer, a[0], b[0]))
    y = np.abs(np.where(nearer, a[1], b[1]))
    wall = 0.5 - np.maximum(x, 0.5 * x + root / 2 * y)
    return _threads([np.asarray(wall * unit, dtype=np.float32)], half)


def lace(rng: np.random.Generator, u: Reals, v: Reals, unit: Reals, half: Reals) -> Threads:
    """Draw a fine ground with flowers: petals outlined by heavier thread, filled more densely."""
    ground = hexagon_net(u * 4, v * 4, unit / 4, np.minimum(half * 0.5, unit / 16))
    period = rng.uniform(1.5, 4.0)
    au, av = u / period, v / period
    row = np.round(av)
    au = au + 0.5 * (row % 2)
    x, y = au - np.round(au), av - row
    r, theta = np.hypot(x, y), np.arctan2(y, x)
    petals = int(rng.integers(4, 9))
    size = rng.uniform(0.25, 0.38)
    rim = size * (1 + rng.uniform(0.15, 0.4) * np.cos(petals * theta))
    scale = unit * period
    outline = np.abs(r - rim) * scale * rng.uniform(0.75, 0.95)
    heart = np.abs(r - size * 0.3) * scale
    veins = np.abs(np.sin(petals * theta / 2)) * r * scale
    veins = np.where((r < rim) & (r > size * 0.3), veins, 1e3)
    curls = np.abs(np.hypot(np.abs(x) - 0.5, y) - rng.uniform(0.08, 0.16)) * scale
    heavy = _threads(
        [np.asarray(d, dtype=np.float32) for d in (outline, heart, veins, curls)], half
    )
    filled = np.clip((rim - r) * scale + 0.5, 0, 1) * rng.uniform(0.0, 0.9)
    coverage = 1 - (1 - ground.coverage) * (1 - heavy.coverage) * (1 - filled)
    return Threads(coverage.astype(np.float32), np.minimum(ground.across, heavy.across))


def web(rng: np.random.Generator, shape: tuple[int, int], *, thread: float) -> Threads:
    """Draw a spider's web: spokes at uneven angles, and a sagging spiral between them."""
    x, y = pixel_grid(shape)
    centre = np.array(shape[::-1]) * rng.uniform(0.35, 0.65, 2)
    x, y = x - np.float32(centre[0]), y - np.float32(centre[1])
    r, theta = np.hypot(x, y), np.arctan2(y, x)
    spokes = int(rng.integers(12, 34))
    # Uneven angles: a monotonic map of the angle onto the count of spokes.
    uneven = theta + 0.3 * np.sin(theta + rng.uniform(0, 7)) + 0.1 * np.sin(3 * theta)
    turn = uneven * spokes / (2 * math.pi)
    step = 2 * math.pi / spokes
    spoke = _to_line(turn) * step * r
    pitch = min(shape) * rng.uniform(0.015, 0.05)
    sag = 1 - rng.uniform(0.08, 0.25) * (1 - (2 * _to_line(turn)) ** 2) * 0.5
    rings = r / (pitch * sag) + theta / (2 * math.pi)
    extent = min(shape) * rng.uniform(0.4, 0.7)
    ring = np.where((r > pitch * 1.5) & (r < extent), _to_line(rings) * pitch, 1e3)
    half = np.full(shape, thread / 2, dtype=np.float32)
    return _threads([spoke.astype(np.float32), ring.astype(np.float32)], half)


def thread_colour(
    rng: np.random.Generator,
    shape: tuple[int, int],
    photos: Photos,
    across: Reals,
    folds: Reals,
) -> Floats:
    """Off-white, black, metallic or dyed thread: round across its width, lit along the folds."""
    choice = rng.random()
    if choice < 0.5:
        base = np.full(3, rng.uniform(0.75, 0.97)) - np.array([0, 0.02, 0.07]) * rng.uniform(0, 1.5)
    elif choice < 0.65:
        base = np.full(3, rng.uniform(0.03, 0.2))
    elif choice < 0.8:
        base = np.full(3, rng.uniform(0.3, 0.7)) + rng.normal(0, 0.02, 3)
    else:
        base = photos.palette(rng, 1)[0].astype(np.float64)
    round_shade = 1 - rng.uniform(0.1, 0.4) * across**2
    gy, gx = slopes(folds)
    slope = gx * math.cos(turn := rng.uniform(0, 7)) + gy * math.sin(turn)
    fold_shade = 1 + rng.uniform(0.05, 0.3) * np.tanh(slope / (slope.std() + 1e-9))
    mottle = 1 + 0.05 * smooth_field(rng, shape, scale=rng.uniform(8, 40))
    second = photos.palette(rng, 1)[0]
    mix = rng.uniform(0, 0.4) * smoothstep(-1, 1, smooth_field(rng, shape, scale=min(shape) / 2))
    dyed = base + (second - base) * mix[..., None]
    shade = round_shade * fold_shade * mottle
    return np.asarray(np.clip(dyed * shade[..., None], 0, 1), dtype=np.float32)
