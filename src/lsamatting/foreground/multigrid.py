"""The exact minimiser of the re-estimation cost, by multigrid.

The system is that of a network of resistors: each pixel is tied to its neighbours with weights
``wx`` and ``wy`` and, with weight ``d``, to its own known colour. On the next coarser grid a block
of 2x2 pixels becomes one. Its tie to what is known is the block's sum; the tie of two blocks is
that of a way from centre to centre, resistances in series. The second grid does two cycles to each
of the first, so that a small known patch in a wide transparent plane, where every grid errs a
little, costs hardly more than anything else.

Colours are taken relative to their weighted mean, so that single precision also resolves the small
differences that are left where everything is nearly transparent.

Arrays have their channels row by row and a border of one zero pixel, so that no loop asks where it
is. A sweep of Gauss-Seidel is red-black: even pixels first, then odd ones, so that threads cannot
matter. Of the finest grid, of which all but the values can be made anew, see `finest`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ImageError
from lsamatting.foreground.finest import Finest, Level, zeros
from lsamatting.foreground.sweeps import (
    coarsen,
    interpolate,
    invert,
    restrict,
    smooth,
    sum_blocks,
)
from lsamatting.samples import Samples

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]

_DIRECT = 100  # pixels of the coarsest grid, whose inverse is taken; BLAS spins on after large ones
_CYCLES = 300  # a dozen is usual; noise with a large kappa takes many
_FAINT = 1e-6  # deviation from a constant that is below single precision


def minimise(
    foreground: Samples,
    alpha: Samples,
    *,
    kappa: float,
    mirrored: bool,
    tolerance: float,
    rows: int | None = None,
) -> Array:
    """Find the minimiser of the re-estimation cost.

    Parameters
    ----------
    foreground
        HxWxC.
    alpha
        HxW, standing for [0, 1].
    kappa
        Weight of the smoothness.
    mirrored
        Border pixels see their inner neighbour twice.
    tolerance
        Stop when the residual's norm is at most this times that of the right side, in every
        channel, or no more than what rounding leaves.
    rows
        How many rows are computed together, which takes less memory and more time than all; it does
        not change the result.

    Returns
    -------
    numpy.ndarray
        HxWxC. A constant, the mean, if nothing is known.

    Raises
    ------
    ImageError
        The residual does not come down.
    """
    height, width = alpha.shape
    finest = Finest(foreground, alpha, kappa=kappa, mirrored=mirrored, rows=rows)
    if finest.known * (height + width) <= _FAINT * kappa:
        mean = finest.mean if finest.known > 0 else _mean_colour(foreground)
        return np.broadcast_to(mean, foreground.shape).copy()
    _solve(finest, np.where(finest.norms > 0, finest.norms, 1), tolerance)
    return finest.finish()


def _mean_colour(foreground: Samples) -> Array:
    scale = 1.0 if foreground.dtype.kind == "f" else 1 / np.iinfo(foreground.dtype).max
    return np.asarray(foreground.mean(axis=(0, 1), dtype=np.float64) * scale, np.float32)


def _levels(first: Level) -> list[Level]:
    levels = [first]
    while _size(levels[-1]) > _DIRECT:
        fine = levels[-1]
        height, width = ((n - 1) // 2 for n in fine.d.shape)
        d, wx, wy, inverse = zeros(4, height, width)
        coarsen(fine.d, fine.wx, fine.wy, d, wx, wy)
        invert(d, wx, wy, inverse)
        x, b = zeros(2, height, fine.x.shape[1], width)
        levels.append(Level(x, b, d, wx, wy, inverse))
    return levels


def _size(level: Level) -> int:
    """Pixels of a grid."""
    return level.d[1:-1, 1:-1].size


def _solve(finest: Finest, scale: Doubles, tolerance: float) -> None:
    levels = _levels(finest.coarse())
    inverse = _dense_inverse(levels[-1])
    for fine, coarse in pairwise(levels):
        sum_blocks(fine.b, coarse.b)
    # Up from the coarsest grid: each finer one starts from the solution of the one below.
    _solve_directly(levels[-1], inverse)
    for top in range(len(levels) - 2, -1, -1):
        interpolate(levels[top + 1].x, levels[top].x)
        _descend(levels, top, inverse)
    finest.interpolate(levels[0].x)
    before = np.full(len(scale), np.inf)
    for _ in range(_CYCLES):
        # Half a cycle tells the residual, the other half mends it.
        finest.smooth()
        norms = np.sqrt(finest.restrict(levels[0].b))
        if bool((norms <= tolerance * scale).all()):
            return
        if bool((norms > 0.7 * before).any()) and bool((norms <= finest.rounding()).all()):
            return
        before = norms
        levels[0].x[:] = 0
        _descend(levels, 0, inverse)
        finest.interpolate(levels[0].x)
        finest.smooth()
    raise ImageError(
        f"the foreground's residual stays at {float(np.max(norms / scale)):.1e} of the right side; "
        f"asked for is {tolerance:.1e}"
    )


def _descend(levels: list[Level], i: int, inverse: Doubles) -> None:
    """Do a cycle on level `i`, or two on the first of these."""
    if i == len(levels) - 1:
        _solve_directly(levels[i], inverse)
        return
    level, below = levels[i], levels[i + 1]
    for _ in range(1 if i else 2):
        smooth(level.x, level.b, level.wx, level.wy, level.inverse, False, False)
        restrict(level.x, level.b, level.d, level.wx, level.wy, below.b)
        below.x[:] = 0
        _descend(levels, i + 1, inverse)
        interpolate(below.x, level.x)
        smooth(level.x, level.b, level.wx, level.wy, level.inverse, False, False)


def _dense_inverse(level: Level) -> Doubles:
    height, width = (n - 2 for n in level.d.shape)
    inner = np.s_[1:-1, 1:-1]
    index = np.arange(height * width).reshape(height, width)
    matrix = np.zeros((height * width, height * width))
    matrix[index, index] = level.d[inner]
    for weights, one, other in (
        (level.wx[inner][:, :-1], index[:, :-1], index[:, 1:]),
        (level.wy[inner][:-1], index[:-1], index[1:]),
    ):
        matrix[one, other] -= weights
        matrix[other, one] -= weights
        np.add.at(matrix, (one, one), weights)
        np.add.at(matrix, (other, other), weights)
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _solve_directly(level: Level, inverse: Doubles) -> None:
    inner = np.moveaxis(level.b[1:-1, :, 1:-1], 1, 2)
    solution: NDArray[Any] = inverse @ inner.reshape(_size(level), -1).astype(np.float64)
    level.x[1:-1, :, 1:-1] = np.moveaxis(solution.reshape(inner.shape), 2, 1)
