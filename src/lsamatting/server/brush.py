"""Brush strokes as a client sends them, and the pixels that they cover."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BrushStroke:
    """A line that was painted with a round brush."""

    points: tuple[tuple[float, float, float], ...]
    """x, y and radius, in pixels of the picture; (0, 0) is the outer corner of the first pixel."""

    opacity: float
    """What the matte is to be there, in [0, 1]."""

    exact: bool = False
    """Only the painted pixels change; else what looks alike around them follows."""

    enabled: bool = True
    """Whether it counts at present."""

    hardness: float = 1.0
    """Share of the radius in which an exact stroke counts in full; it fades out to the rim."""

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """Give the pixels it covers, H×W bool: those whose middle the brush passed over.

        Between two points the brush moves straight and its radius changes evenly. The pixel in
        which a point lies is always covered, however thin the brush.
        """
        covered = np.zeros((height, width), np.bool_)
        for place, distance, radius in self._passes(height, width):
            covered[place] |= distance <= radius
        for middle in self._middles(height, width):
            covered[middle] = True
        return covered

    def weights(self, height: int, width: int) -> NDArray[np.float32]:
        """Give how much it counts, H×W in [0, 1].

        1 within `hardness` of the radius, from there in proportion down to 0 at the rim; where
        the brush passed several times, the most.
        """
        if self.hardness >= 1:
            return self.mask(height, width).astype(np.float32)
        weights = np.zeros((height, width), np.float32)
        for place, distance, radius in self._passes(height, width):
            fade = np.maximum(radius * (1 - self.hardness), 1e-6)
            part = np.clip((radius - distance) / fade, 0, 1)
            # A brush without width has no rim to fade to.
            part[distance <= radius * self.hardness] = 1
            weights[place] = np.maximum(weights[place], part)
        for middle in self._middles(height, width):
            weights[middle] = 1
        return weights

    def _passes(self, height: int, width: int) -> Iterator[_Pass]:
        """Give each straight movement: where, how far from it, and the brush's radius there."""
        ends = self.points[1:] or self.points
        for start, end in zip(self.points, ends, strict=False):
            found = _pass(height, width, start, end)
            if found is not None:
                yield found

    def _middles(self, height: int, width: int) -> Iterator[tuple[int, int]]:
        for x, y, _ in self.points:
            row, column = math.floor(y), math.floor(x)
            if 0 <= row < height and 0 <= column < width:
                yield row, column


_Pass = tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]


def _pass(
    height: int,
    width: int,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
) -> _Pass | None:
    reach = max(start[2], end[2])
    left = max(math.floor(min(start[0], end[0]) - reach), 0)
    right = min(math.ceil(max(start[0], end[0]) + reach), width)
    top = max(math.floor(min(start[1], end[1]) - reach), 0)
    bottom = min(math.ceil(max(start[1], end[1]) + reach), height)
    if left >= right or top >= bottom:
        return None
    y, x = np.ogrid[top:bottom, left:right]
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    away_x, away_y = x + 0.5 - start[0], y + 0.5 - start[1]
    length = along_x**2 + along_y**2
    share = (
        np.clip((away_x * along_x + away_y * along_y) / length, 0, 1)
        if length > 0
        else np.zeros((bottom - top, right - left))
    )
    radius = start[2] + share * (end[2] - start[2])
    distance = np.sqrt((away_x - share * along_x) ** 2 + (away_y - share * along_y) ** 2)
    return (slice(top, bottom), slice(left, right)), distance, radius
