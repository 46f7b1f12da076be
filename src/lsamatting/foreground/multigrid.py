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

from lsamatting.compiled import compiled, prange
from lsamatting.errors import ImageError

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]

_ROWS = 32  # of a strip that one thread sweeps with both colours while it is in the cache
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
    known, sums, squares = (total.sum(axis=0) for total in _known_colours(foreground, first.d))
    if known[0] * (height + width) <= _FAINT * kappa:
        mean = sums / known[0] if known[0] > 0 else foreground.mean(axis=(0, 1), dtype=np.float64)
        return np.broadcast_to(mean.astype(np.float32), foreground.shape).copy()
    mean = (sums / known[0]).astype(np.float32)
    _right_side(foreground, first.d, mean, first.b)
    norms = np.sqrt(squares)
    _solve(_levels(first), np.where(norms > 0, norms, 1), tolerance)
    # No minimiser leaves the range of the known colours, so what little does can only be mended.
    lowest, highest = _range(foreground, first.d)
    result = np.empty_like(foreground)
    _finish(foreground, first.x, first.d, first.inverse, mean, lowest, highest, result)
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
    _weights(alpha, np.float32(kappa), mirrored, d, wx, wy)
    _invert(d, wx, wy, inverse)
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
        _coarsen(fine.d, fine.wx, fine.wy, d, wx, wy)
        _invert(d, wx, wy, inverse)
        x, b = _zeros(2, len(fine.x), height, width)
        levels.append(_Level(x, b, d, wx, wy, inverse))
    return levels


def _solve(levels: list[_Level], scale: Doubles, tolerance: float) -> None:
    inverse = _dense_inverse(levels[-1])
    for fine, coarse in pairwise(levels):
        _sum_blocks(fine.b, coarse.b)
    # Up from the coarsest grid: each finer one starts from the solution of the one below.
    _solve_directly(levels[-1], inverse)
    for top in range(len(levels) - 2, -1, -1):
        _interpolate(levels[top + 1].x, levels[top].x)
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
    _smooth(level.x, level.b, level.wx, level.wy, level.inverse)
    squares = _restrict(level.x, level.b, level.d, level.wx, level.wy, below.b)
    return np.asarray(np.sqrt(squares.sum(axis=0)), np.float64)


def _mend(levels: list[_Level], i: int, inverse: Doubles) -> None:
    level, below = levels[i], levels[i + 1]
    below.x[:] = 0
    _descend(levels, i + 1, inverse)
    _interpolate(below.x, level.x)
    _smooth(level.x, level.b, level.wx, level.wy, level.inverse)


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


@compiled(parallel=True)
def _weights(alpha, kappa, mirrored, d, wx, wy):  # type: ignore[no-untyped-def]
    height, width = alpha.shape
    one, half = np.float32(1), np.float32(0.5)
    for y in prange(height):
        # A border row that sees its inner neighbour twice makes the matrix asymmetric; the same
        # equations halved make it symmetric again.
        row = half if mirrored and height > 1 and (y == 0 or y == height - 1) else one
        for x in range(width):
            column = half if mirrored and width > 1 and (x == 0 or x == width - 1) else one
            q = (one - alpha[y, x]) ** 2
            d[y + 1, x + 1] = row * column * alpha[y, x] ** 2
            if x + 1 < width:
                wx[y + 1, x + 1] = row * kappa * (q + (one - alpha[y, x + 1]) ** 2)
            if y + 1 < height:
                wy[y + 1, x + 1] = column * kappa * (q + (one - alpha[y + 1, x]) ** 2)


@compiled(parallel=True)
def _known_colours(foreground, d):  # type: ignore[no-untyped-def]
    """Sum d, d F and (d F)^2 over each row."""
    height, width, channels = foreground.shape
    known = np.zeros((height, 1))
    sums, squares = np.zeros((height, channels)), np.zeros((height, channels))
    for y in prange(height):
        for x in range(width):
            weight = np.float64(d[y + 1, x + 1])
            known[y, 0] += weight
            for c in range(channels):
                value = weight * foreground[y, x, c]
                sums[y, c] += value
                squares[y, c] += value * value
    return known, sums, squares


def _range(foreground: Array, d: Array) -> tuple[Array, Array]:
    known = d[1:-1, 1:-1] > 0
    planes = [plane[known] for plane in np.moveaxis(foreground, 2, 0)]
    return np.stack([p.min() for p in planes]), np.stack([p.max() for p in planes])


@compiled(parallel=True)
def _right_side(foreground, d, mean, b):  # type: ignore[no-untyped-def]
    height, width, channels = foreground.shape
    for y in prange(height):
        for c in range(channels):
            for x in range(width):
                b[c, y + 1, x + 1] = d[y + 1, x + 1] * (foreground[y, x, c] - mean[c])


@compiled(parallel=True)
def _finish(foreground, x, d, inverse, mean, lowest, highest, result):  # type: ignore[no-untyped-def]
    height, width, channels = foreground.shape
    for y in prange(height):
        for i in range(width):
            # Nothing ties an opaque pixel among opaque ones: it is its own colour, to the bit.
            alone = d[y + 1, i + 1] * inverse[y + 1, i + 1] == 1
            for c in range(channels):
                value = x[c, y + 1, i + 1] + mean[c]
                if alone:
                    value = foreground[y, i, c]
                result[y, i, c] = min(max(value, lowest[c]), highest[c])


@compiled(inline="always")
def _row(x, b, wx, wy, inverse, c, y, parity, new):  # type: ignore[no-untyped-def]
    width = x.shape[2] - 2
    above, here, below = x[c, y - 1], x[c, y], x[c, y + 1]
    right, down, up, side, inv = wx[y], wy[y], wy[y - 1], b[c, y], inverse[y]
    for i in range(1, width + 1):
        new[i] = (
            side[i]
            + right[i - 1] * here[i - 1]
            + right[i] * here[i + 1]
            + up[i] * above[i]
            + down[i] * below[i]
        ) * inv[i]
    for i in range(1 + (y + parity) % 2, width + 1, 2):
        here[i] = new[i]


@compiled(parallel=True, fastmath={"contract"})
def _smooth(x, b, wx, wy, inverse):  # type: ignore[no-untyped-def]
    channels, height = x.shape[0], x.shape[1] - 2
    strips = (height + _ROWS - 1) // _ROWS
    for s in prange(strips):
        new = np.empty(x.shape[2], np.float32)
        first, last = 1 + s * _ROWS, min(height, (s + 1) * _ROWS)
        # The odd pixels of the strip's outer rows must wait for the even ones of the next strip.
        for c in range(channels):
            for y in range(first, last + 1):
                _row(x, b, wx, wy, inverse, c, y, 0, new)
                if y - 1 > first:
                    _row(x, b, wx, wy, inverse, c, y - 1, 1, new)
    for s in prange(strips):
        new = np.empty(x.shape[2], np.float32)
        first, last = 1 + s * _ROWS, min(height, (s + 1) * _ROWS)
        for c in range(channels):
            _row(x, b, wx, wy, inverse, c, first, 1, new)
            if last > first:
                _row(x, b, wx, wy, inverse, c, last, 1, new)


@compiled(parallel=True, fastmath={"contract"})
def _restrict(x, b, d, wx, wy, coarse):  # type: ignore[no-untyped-def]
    """Sum the residual over blocks; give its squares summed over each row of blocks."""
    channels, height, width = x.shape[0], x.shape[1] - 2, x.shape[2] - 2
    rows, columns = coarse.shape[1] - 2, coarse.shape[2] - 2
    squares = np.zeros((rows, channels))
    for row in prange(1, rows + 1):
        r = np.zeros(2 * columns + 1, np.float32)
        for c in range(channels):
            coarse[c, row] = 0
            for y in range(2 * row - 1, min(2 * row, height) + 1):
                above, here, below = x[c, y - 1], x[c, y], x[c, y + 1]
                for i in range(1, width + 1):
                    v = here[i]
                    # Differences, not products with the sum of the weights: no cancellation.
                    r[i] = (
                        b[c, y, i]
                        - d[y, i] * v
                        + wx[y, i - 1] * (here[i - 1] - v)
                        + wx[y, i] * (here[i + 1] - v)
                        + wy[y - 1, i] * (above[i] - v)
                        + wy[y, i] * (below[i] - v)
                    )
                total = 0.0
                for i in range(1, width + 1):
                    total += np.float64(r[i]) ** 2
                squares[row - 1, c] += total
                for i in range(1, columns + 1):
                    coarse[c, row, i] += r[2 * i - 1] + r[2 * i]
    return squares


@compiled(parallel=True)
def _sum_blocks(fine, coarse):  # type: ignore[no-untyped-def]
    channels, height, width = fine.shape[0], fine.shape[1] - 2, fine.shape[2] - 2
    for row in prange(1, coarse.shape[1] - 1):
        for c in range(channels):
            for i in range(1, coarse.shape[2] - 1):
                total = np.float32(0)
                for y in range(2 * row - 1, min(2 * row, height) + 1):
                    for k in range(2 * i - 1, min(2 * i, width) + 1):
                        total += fine[c, y, k]
                coarse[c, row, i] = total


@compiled(parallel=True, fastmath={"contract"})
def _interpolate(coarse, fine):  # type: ignore[no-untyped-def]
    """Add the coarse values to the fine ones, bilinearly, 3/4 and 1/4 in either direction."""
    channels, height, width = fine.shape[0], fine.shape[1] - 2, fine.shape[2] - 2
    rows, columns = coarse.shape[1] - 2, coarse.shape[2] - 2
    for y in prange(1, height + 1):
        line = np.empty(columns + 2, np.float32)
        near = (y + 1) // 2
        far = min(max(near - 1 if y % 2 else near + 1, 1), rows)
        for c in range(channels):
            for i in range(1, columns + 1):
                line[i] = (
                    np.float32(0.75) * coarse[c, near, i] + np.float32(0.25) * coarse[c, far, i]
                )
            line[0], line[columns + 1] = line[1], line[columns]
            for i in range(1, columns):
                a, m, e = line[i - 1], line[i], line[i + 1]
                fine[c, y, 2 * i - 1] += np.float32(0.75) * m + np.float32(0.25) * a
                fine[c, y, 2 * i] += np.float32(0.75) * m + np.float32(0.25) * e
            i = columns
            fine[c, y, 2 * i - 1] += np.float32(0.75) * line[i] + np.float32(0.25) * line[i - 1]
            if 2 * i <= width:
                fine[c, y, 2 * i] += line[i]


@compiled(inline="always")
def _joined(tie, one_inner, one_known, other_inner, other_known, single):  # type: ignore[no-untyped-def]
    """Weight of the way between the centres of two blocks.

    In series: from one centre to its edge, the tie, from the edge to the other centre. A block's
    half is half a pixel of its inner tie, or less where the edge itself is known. It is never more
    than half of the tie's own resistance, for there are ways around a weak inner tie, and a strong
    tie must stay strong.
    """
    if tie <= 0:
        return np.float32(0)
    one, other = max(one_inner + one_known, tie), max(other_inner + other_known, tie)
    return 1 / (
        1 / tie + np.float32(0.5) / one + (np.float32(0) if single else np.float32(0.5) / other)
    )


@compiled(parallel=True)
def _coarsen(d, wx, wy, coarse_d, coarse_wx, coarse_wy):  # type: ignore[no-untyped-def]
    height, width = d.shape[0] - 2, d.shape[1] - 2
    for row in prange(1, coarse_d.shape[0] - 1):
        for i in range(1, coarse_d.shape[1] - 1):
            # The border's zeros stand in for the pixels that a block at the end lacks.
            y, k = 2 * row, 2 * i
            top, left = slice(y - 1, y + 1), slice(k - 1, k + 1)
            coarse_d[row, i] = d[top, left].sum()
            if k < width:
                coarse_wx[row, i] = _joined(
                    wx[top, k].sum(),
                    wx[top, k - 1].sum(),
                    d[top, k].sum(),
                    wx[top, k + 1].sum(),
                    d[top, k + 1].sum(),
                    k + 1 == width,
                )
            if y < height:
                coarse_wy[row, i] = _joined(
                    wy[y, left].sum(),
                    wy[y - 1, left].sum(),
                    d[y, left].sum(),
                    wy[y + 1, left].sum(),
                    d[y + 1, left].sum(),
                    y + 1 == height,
                )


@compiled(parallel=True)
def _invert(d, wx, wy, inverse):  # type: ignore[no-untyped-def]
    for y in prange(1, d.shape[0] - 1):
        for i in range(1, d.shape[1] - 1):
            total = d[y, i] + wx[y, i - 1] + wx[y, i] + wy[y - 1, i] + wy[y, i]
            inverse[y, i] = 1 / total if total > 0 else np.float32(0)
