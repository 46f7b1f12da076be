"""The finest grid of the exact minimiser: the picture itself, a part of its rows at a time.

What is tied to what follows from the opacities, and the right sides from the colours, so that only
the values have to be kept. The passes go through the picture from the top; what they compute is the
same, to the bit, however many rows are taken together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsamatting.foreground.sweeps import (
    coarsen,
    fill_ties,
    finish,
    interpolate,
    invert,
    known_colours,
    restrict,
    right_side,
    smooth,
    sum_blocks,
)
from lsamatting.samples import Samples, as_float

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """One grid, or some rows of it: values and right sides HxCxW, weights HxW, with a border."""

    x: Array
    b: Array
    d: Array
    wx: Array
    """To the right neighbour."""
    wy: Array
    """To the neighbour below."""
    inverse: Array
    """One over the sum of a pixel's weights."""


def zeros(count: int, height: int, *inner: int) -> list[Array]:
    """Give grids of zeros, HxW or HxCxW, with their border."""
    *channels, width = inner
    return [np.zeros((height + 2, *channels, width + 2), np.float32) for _ in range(count)]


class Finest:
    """The system of equations of a picture, and its values.

    Parameters
    ----------
    colours, alpha
        HxWxC and HxW samples.
    kappa, mirrored
        As of `minimise`.
    rows
        How many rows are computed together; all if not given.
    """

    def __init__(
        self, colours: Samples, alpha: Samples, *, kappa: float, mirrored: bool, rows: int | None
    ) -> None:
        self._colours, self._alpha = colours, alpha
        self._kappa, self._mirrored = np.float32(kappa), mirrored
        self.height, self.width, self.channels = colours.shape
        # Even, so that no block of 2x2 is cut.
        self._rows = self.height if rows is None else max(rows // 2 * 2, 2)
        self._made: tuple[int, int, Level] | None = None
        self.mean = np.zeros(self.channels, np.float32)
        self.known, sums, squares, self._lowest, self._highest = self._sum_up()
        if self.known:
            self.mean = (sums / self.known).astype(np.float32)
        self.norms = np.sqrt(squares)
        """Of the right side, in each channel; of colours that are not relative to the mean."""
        self.x = np.zeros((self.height + 2, self.channels, self.width + 2), np.float32)

    def _sum_up(self) -> tuple[float, Doubles, Doubles, Array, Array]:
        """Give the weights of what is known, its colours, their squares, and their range."""
        found = []
        lowest = np.full(self.channels, np.inf, np.float32)
        highest = -lowest
        for first, last in self._strips():
            d, _, _ = self._ties(first - 1, last + 2)
            colours = as_float(self._colours[first - 1 : last])
            found.append(known_colours(colours, d))
            seen = d[1:-1, 1:-1] > 0
            for c in range(self.channels):
                plane = colours[..., c]
                lowest[c] = plane.min(where=seen, initial=lowest[c])
                highest[c] = plane.max(where=seen, initial=highest[c])
        known, sums, squares = (
            np.concatenate(parts).sum(axis=0) for parts in zip(*found, strict=True)
        )
        return float(known[0]), sums, squares, lowest, highest

    def coarse(self) -> Level:
        """Make the next grid, with its ties."""
        height, width = (self.height + 1) // 2, (self.width + 1) // 2
        d, wx, wy, inverse = zeros(4, height, width)
        x, b = zeros(2, height, self.channels, width)
        for first, last in self._strips():
            # One row of blocks more: the last one is tied to it.
            end = min(last + 2, self.height)
            part, below = self._part(first, end), _below(first, end)
            coarsen(part.d, part.wx, part.wy, d[below], wx[below], wy[below])
            part = self._part(first, last)
            sum_blocks(part.b, b[_below(first, last)])
        invert(d, wx, wy, inverse)
        return Level(x, b, d, wx, wy, inverse)

    def interpolate(self, coarse: Array) -> None:
        """Add what was found on the next grid."""
        interpolate(coarse, self.x)

    def smooth(self) -> None:
        """Sweep once over all pixels."""
        for first, last in self._strips():
            begun = first > 1
            part = self._part(first - begun, last)
            smooth(part.x, part.b, part.wx, part.wy, part.inverse, begun, last < self.height)

    def restrict(self, coarse: Array) -> Doubles:
        """Sum the residual over blocks; give its squares, in each channel."""
        squares = []
        for first, last in self._strips():
            part = self._part(first, last)
            below = coarse[_below(first, last)]
            squares.append(restrict(part.x, part.b, part.d, part.wx, part.wy, below))
        return np.asarray(np.concatenate(squares).sum(axis=0), np.float64)

    def rounding(self) -> Doubles:
        """Norm of a residual that is nothing but rounding: some units in the last place of A|x|."""
        squares = np.zeros((self.height, self.channels))
        for first, last in self._strips():
            part = self._part(first, last)
            weights = 1 / np.maximum(part.inverse[1:-1, 1:-1], 1e-30, dtype=np.float64)
            for c in range(self.channels):
                sizes = weights * part.x[1:-1, c, 1:-1]
                squares[first - 1 : last, c] = (sizes * sizes).sum(axis=1)
        rounded = 4 * float(np.finfo(np.float32).eps)
        return np.asarray(rounded * np.sqrt(squares.sum(axis=0)), np.float64)

    def finish(self) -> Array:
        """Turn the values into colours, HxWxC, which take their place."""
        for first, last in self._strips():
            part = self._part(first, last)
            colours = as_float(self._colours[first - 1 : last])
            # No minimiser leaves the range of the known colours: what little does can be mended.
            finish(colours, part.d, part.inverse, self.mean, self._lowest, self._highest, part.x)
        return np.moveaxis(self.x[1:-1, :, 1:-1], 1, 2)

    def _strips(self) -> Iterator[tuple[int, int]]:
        """Go through the rows, counted from 1: first and last of those that are taken together."""
        for first in range(1, self.height + 1, self._rows):
            yield first, min(first + self._rows - 1, self.height)

    def _part(self, first: int, last: int) -> Level:
        """Give some rows, and as their border what lies around them."""
        top, end = first - 1, last + 2
        if self._made is None or self._made[:2] != (top, end):
            self._made = None
            d, wx, wy = self._ties(top, end)
            (inverse,) = zeros(1, end - top - 2, self.width)
            invert(d, wx, wy, inverse)
            (b,) = zeros(1, end - top - 2, self.channels, self.width)
            right_side(as_float(self._colours[top : end - 2]), d, self.mean, b)
            self._made = top, end, Level(self.x[top:end], b, d, wx, wy, inverse)
        return self._made[2]

    def _ties(self, top: int, end: int) -> tuple[Array, Array, Array]:
        """Make the weights of rows that are counted with the border; its own are 0."""
        d, wx, wy = zeros(3, end - top - 2, self.width)
        start = max(top - 1, 0)
        opacity = as_float(self._alpha[start:end])
        fill_ties(
            opacity, self._kappa, self._mirrored, start, self.height, start + 1 - top, d, wx, wy
        )
        return d, wx, wy


def _below(first: int, last: int) -> slice:
    """Give the rows of the next grid that hold rows first to last, and around them one each."""
    return slice((first + 1) // 2 - 1, (last + 1) // 2 + 2)
