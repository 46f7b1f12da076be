"""The exact minimiser of the re-estimation cost, by multigrid.

The system is that of a network of resistors: each pixel is tied to its neighbours with weights
``wx`` and ``wy`` and, with weight ``d``, to its own known colour. On the next coarser grid a block
of 2x2 pixels becomes one. Its tie to what is known is the block's sum; the tie of two blocks is
that of a way from centre to centre, resistances in series. The second grid does two cycles to each
of the first, so that a small known patch in a wide transparent plane, where every grid errs a
little, costs hardly more than anything else.

Colours are taken relative to their weighted mean, so that single precision also resolves the small
differences that are left where everything is nearly transparent.

Arrays are planar and have a border of one zero pixel, so that no loop asks where it is. A sweep of
Gauss-Seidel is red-black: even pixels first, then odd ones, so that threads cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ImageError
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

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]

_DIRECT = 100  # pixels of the coarsest grid, whose inverse is taken; BLAS spins on after large ones
_CYCLES = 300  # a dozen is usual; noise with a large kappa takes many
_FAINT = 1e-6  # deviation from a constant that is below single precision


def minimise(
    foreground: Array, alpha: Array, *, kappa: float, mirrored: bool, tolerance: float
) -> Array:
    """Find the minimiser of the re-estimation cost.

    Parameters
    ----------
    foreground
        HxWxC.
    alpha
        HxW in [0, 1].
    kappa
        Weight of the smoothness.
    mirrored
        Border pixels see their inner neighbour twice.
    tolerance
        Stop when the residual's norm is at most this times that of the right side, in every
        channel, or no more than what rounding leaves.

    Returns
    -------
    numpy.ndarray
        HxWxC. A constant, the mean, if nothing is known.

    Raises
    ------
    ImageError
        The residual does not come down.
    """
    height, width, channels = foreground.shape
    first = _finest(alpha, channels, kappa, mirrored)
    known, sums, squares = (total.sum(axis=0) for total in known_colours(foreground, first.d))
    if known[0] * (height + width) <= _FAINT * kappa:
        mean = sums / known[0] if known[0] > 0 else foreground.mean(axis=(0, 1), dtype=np.float64)
        return np.broadcast_to(mean.astype(np.float32), foreground.shape).copy()
    mean = (sums / known[0]).astype(np.float32)
    right_side(foreground, first.d, mean, first.b)
    norms = np.sqrt(squares)
    _solve(_levels(first), np.where(norms > 0, norms, 1), tolerance)
    # No minimiser leaves the range of the known colours, so what little does can only be mended.
    lowest, highest = _range(foreground, first.d)
    result = np.empty_like(foreground)
    finish(foreground, first.x, first.d, first.inverse, mean, lowest, highest, result)
    return result


@dataclass(frozen=True)
class _Level:
    """One grid: values and right sides CxHxW, weights HxW, all with their border."""

    x: Array
    b: Array
    d: Array
    wx: Array
    """To the right neighbour."""
    wy: Array
    """To the neighbour below."""
    inverse: Array
    """One over the sum of a pixel's weights."""


def _finest(alpha: Array, channels: int, kappa: float, mirrored: bool) -> _Level:
    height, width = alpha.shape
    d, wx, wy, inverse = _zeros(4, height, width)
    fill_ties(alpha, np.float32(kappa), mirrored, d, wx, wy)
    invert(d, wx, wy, inverse)
    x, b = _zeros(2, channels, height, width)
    return _Level(x, b, d, wx, wy, inverse)


def _zeros(count: int, *shape: int) -> list[Array]:
    padded = (*shape[:-2], shape[-2] + 2, shape[-1] + 2)
    return [np.zeros(padded, np.float32) for _ in range(count)]


def _levels(first: _Level) -> list[_Level]:
    levels = [first]
    while (levels[-1].d.shape[0] - 2) * (levels[-1].d.shape[1] - 2) > _DIRECT:
        fine = levels[-1]
        height, width = ((n - 1) // 2 for n in fine.d.shape)
        d, wx, wy, inverse = _zeros(4, height, width)
        coarsen(fine.d, fine.wx, fine.wy, d, wx, wy)
        invert(d, wx, wy, inverse)
        x, b = _zeros(2, len(fine.x), height, width)
        levels.append(_Level(x, b, d, wx, wy, inverse))
    return levels


def _solve(levels: list[_Level], scale: Doubles, tolerance: float) -> None:
    inverse = _dense_inverse(levels[-1])
    for fine, coarse in pairwise(levels):
        sum_blocks(fine.b, coarse.b)
    # Up from the coarsest grid: each finer one starts from the solution of the one below.
    _solve_directly(levels[-1], inverse)
    for top in range(len(levels) - 2, -1, -1):
        interpolate(levels[top + 1].x, levels[top].x)
        if top:
            _descend(levels, top, inverse)
    if len(levels) == 1:
        return
    first, before = levels[0], np.full(len(scale), np.inf)
    for _ in range(_CYCLES):
        # Half a cycle tells the residual, the other half mends it.
        norms = _residual_below(first, levels[1])
        if bool((norms <= tolerance * scale).all()):
            return
        if bool((norms > 0.7 * before).any()) and bool((norms <= _rounding(first)).all()):
            return
        before = norms
        _mend(levels, 0, inverse)
    raise ImageError(
        f"the foreground's residual stays at {float(np.max(norms / scale)):.1e} of the right side; "
        f"asked for is {tolerance:.1e}"
    )


def _descend(levels: list[_Level], i: int, inverse: Doubles) -> None:
    """Do a cycle on level `i`."""
    if i == len(levels) - 1:
        _solve_directly(levels[i], inverse)
        return
    for _ in range(2 if i == 1 else 1):
        _residual_below(levels[i], levels[i + 1])
        _mend(levels, i, inverse)


def _residual_below(level: _Level, below: _Level) -> Doubles:
    smooth(level.x, level.b, level.wx, level.wy, level.inverse)
    squares = restrict(level.x, level.b, level.d, level.wx, level.wy, below.b)
    return np.asarray(np.sqrt(squares.sum(axis=0)), np.float64)


def _mend(levels: list[_Level], i: int, inverse: Doubles) -> None:
    level, below = levels[i], levels[i + 1]
    below.x[:] = 0
    _descend(levels, i + 1, inverse)
    interpolate(below.x, level.x)
    smooth(level.x, level.b, level.wx, level.wy, level.inverse)


def _rounding(level: _Level) -> Doubles:
    """Norm of a residual that is nothing but rounding: some units in the last place of A|x|."""
    inner = np.s_[1:-1, 1:-1]
    weights = 1 / np.maximum(level.inverse[inner], 1e-30, dtype=np.float64)
    sizes = [float(np.linalg.norm((weights * plane[inner]).ravel())) for plane in level.x]
    return 4 * float(np.finfo(np.float32).eps) * np.array(sizes)


def _dense_inverse(level: _Level) -> Doubles:
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


def _solve_directly(level: _Level, inverse: Doubles) -> None:
    inner = level.b[:, 1:-1, 1:-1]
    solution: NDArray[Any] = inverse @ inner.reshape(len(inner), -1).T.astype(np.float64)
    level.x[:, 1:-1, 1:-1] = solution.T.reshape(inner.shape)


def _range(foreground: Array, d: Array) -> tuple[Array, Array]:
    known = d[1:-1, 1:-1] > 0
    planes = [plane[known] for plane in np.moveaxis(foreground, 2, 0)]
    return np.stack([p.min() for p in planes]), np.stack([p.max() for p in planes])
