"""Trimaps as people draw them: wide bands, brush strokes, blots, subjects unknown as a whole.

The paper grows the unknown region by at most 24 px. Lengths here are in pixels of the picture that
a sample is taken from; `shrink` says how many of them a pixel of the sample spans.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

Manner = Literal["paper", "bands", "painted"]
"""How a sample's trimap is made."""

_KEPT = 0.85
"""Bands end at this part of the way to the pixel farthest from the edge: something stays known."""
_LARGEST_BRUSH, _LARGEST_BLOT = 0.2, 0.35
"""Radii in parts of the sample's side."""
_MOST_STROKES = 80
_LONGEST_STROKE = 6
_CANDIDATES = 256


@dataclass(frozen=True)
class WideTrimaps:
    """Trimaps beyond the paper's; all off by default.

    Fields that are not ranges are probabilities.
    """

    bands: float = 0.0
    """Draw the band's growth from `band_distance` instead of `trimap_distance`."""

    band_distance: tuple[float, float] = (2.0, 200.0)
    """Range of that growth, drawn for each side, evenly in its logarithm."""

    painted: float = 0.0
    """Paint the unknown region with strokes of a round brush that cover what is soft."""

    brush_radius: tuple[float, float] = (6.0, 60.0)
    """Range of the brush's radius, drawn evenly in its logarithm; every stroke varies it."""

    blots: float = 0.0
    """Add one to three thick strokes across the edge, as over a flag, a handle or a rim."""

    blot_radius: tuple[float, float] = (20.0, 150.0)
    """Range of their radius, drawn evenly in its logarithm."""

    whole: float = 0.0
    """Leave no known foreground to a sample of either manner."""

    translucent: float = 0.0
    """Make the whole subject translucent, so that the unknown region fills it."""

    crop_side: tuple[float, float] | None = None
    """Sides of the crop in parts of h where bands are wide or painted, in place of `crop_side`."""

    def draw_manner(self, rng: np.random.Generator, *, certain: bool) -> Manner:
        """Choose a sample's manner; `certain`: not the paper's, if there is another one.

        Nothing is drawn where all are off.
        """
        either = self.bands + self.painted
        if not either:
            return "paper"
        drawn = rng.random() * (either if certain else max(1.0, either))
        if drawn < self.bands:
            return "bands"
        return "painted" if drawn < either else "paper"


def make_trimap(
    alpha: Floats | NDArray[np.uint8],
    *,
    towards_background: float,
    towards_foreground: float,
    low: float = 0.0,
    high: float = 1.0,
) -> NDArray[np.uint8]:
    """Dilate {α > low} and {α < high} by so many px; what both reach is unknown.

    Distances are Euclidean to about 2 %. Returns HxW uint8 of 0, 128 and 255.
    """
    trimap = np.full(alpha.shape, 128, np.uint8)
    below, above = alpha <= low, alpha >= high
    trimap[below & (_distance_into(below) > towards_background)] = 0
    trimap[above & (_distance_into(above) > towards_foreground)] = 255
    return trimap


def band_trimap(
    rng: np.random.Generator,
    alpha: Floats,
    config: WideTrimaps,
    *,
    shrink: float,
    low: float = 0.0,
    high: float = 1.0,
) -> NDArray[np.uint8]:
    """Make a trimap whose band is drawn for each side from a long-tailed distribution.

    A band never takes all known pixels of its side.
    """
    trimap = np.full(alpha.shape, 128, np.uint8)
    for value, region in ((0, alpha <= low), (255, alpha >= high)):
        growth = _even_logarithm(rng, config.band_distance) / shrink
        distance = _distance_into(region)
        trimap[region & (distance > min(growth, _KEPT * float(distance.max())))] = value
    return trimap


def painted_trimap(
    rng: np.random.Generator,
    alpha: Floats,
    config: WideTrimaps,
    *,
    shrink: float,
    low: float = 0.0,
    high: float = 1.0,
) -> NDArray[np.uint8]:
    """Make a trimap whose unknown region is painted over the soft one with a round brush.

    Half of the time small known islands between the strokes are painted over as well.
    """
    sharp = make_trimap(alpha, towards_background=1, towards_foreground=1, low=low, high=high)
    soft = sharp == 128
    side = min(alpha.shape)
    radius = _even_logarithm(rng, config.brush_radius) / shrink
    radius = min(max(radius, 2.0), _LARGEST_BRUSH * side)
    unknown = paint_over(rng, soft, radius)
    if rng.random() < 0.5:
        grown = _distance_into(~unknown) <= radius
        unknown |= _distance_into(grown) > radius
    return np.where(unknown, np.uint8(128), sharp)


def paint_over(rng: np.random.Generator, region: Mask, radius: float) -> Mask:
    """Cover a region by strokes of a round brush of about `radius` px.

    A stroke wanders from a pixel that is not covered yet to others nearby. What is left after many
    strokes is covered by a dilation.
    """
    canvas = np.zeros(region.shape, np.uint8)
    for _ in range(_MOST_STROKES):
        missing = np.flatnonzero(region & (canvas == 0))
        if not missing.size:
            return canvas > 0
        brush = radius * rng.uniform(0.7, 1.4)
        if missing.size > _CANDIDATES:
            missing = rng.choice(missing, _CANDIDATES)
        places = np.stack(np.divmod(missing, region.shape[1])[::-1], axis=1).astype(np.float64)
        place = places[rng.integers(len(places))]
        path = [place + rng.uniform(-0.4, 0.4, 2) * brush]
        for _ in range(int(rng.integers(_LONGEST_STROKE + 1))):
            away = np.hypot(*(places - path[-1]).T)
            near = np.flatnonzero((away > brush) & (away < 4 * brush))
            if not near.size:
                break
            path.append(places[near[np.argmin(away[near])]] + rng.normal(0, 0.25, 2) * brush)
        _stroke(canvas, path, brush)
    return (canvas > 0) | (_distance_into(~region) <= radius)


def add_blots(
    rng: np.random.Generator, trimap: NDArray[np.uint8], config: WideTrimaps, *, shrink: float
) -> NDArray[np.uint8]:
    """Paint one to three thick strokes over the unknown region and what lies beside it."""
    unknown = np.flatnonzero(trimap == 128)
    if not unknown.size:
        return trimap
    canvas = np.zeros(trimap.shape, np.uint8)
    largest = _LARGEST_BLOT * min(trimap.shape)
    for _ in range(int(rng.integers(1, 4))):
        radius = min(max(_even_logarithm(rng, config.blot_radius) / shrink, 2.0), largest)
        y, x = divmod(int(rng.choice(unknown)), trimap.shape[1])
        start = np.array([x, y]) + rng.normal(0, 0.5, 2) * radius
        _stroke(canvas, [start, start + rng.normal(0, 1, 2) * radius], radius)
    return np.where(canvas > 0, np.uint8(128), trimap)


def make_translucent(rng: np.random.Generator, alpha: Floats) -> Floats:
    """Multiply α by a smooth field in [0.05, 0.95]."""
    height, width = alpha.shape
    coarse = rng.standard_normal((5, 5), dtype=np.float32) * np.float32(rng.uniform(0, 0.3))
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    level = rng.uniform(0.15, 0.9)
    return np.asarray(alpha * np.clip(field + level, 0.05, 0.95), np.float32)


def _stroke(canvas: NDArray[np.uint8], path: list[NDArray[np.float64]], radius: float) -> None:
    """Draw a path with round ends; a single point is a disk."""
    points = [(round(float(x)), round(float(y))) for x, y in path]
    cv2.circle(canvas, points[0], round(radius), 255, -1)
    for start, end in itertools.pairwise(points):
        cv2.line(canvas, start, end, 255, max(1, round(2 * radius)))


def _even_logarithm(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    return math.exp(rng.uniform(*np.log(np.maximum(limits, 1e-3))))


def _distance_into(region: Mask) -> Floats:
    """Distance of the region's pixels to what lies outside of it, 0 there."""
    if region.all():
        return np.full(region.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(region.view(np.uint8), cv2.DIST_L2, 5))
