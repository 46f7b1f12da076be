"""What the exact minimiser does pixel by pixel, compiled: sweeps, and the ways between its grids.

Arrays are as in `multigrid`, with a border of one zero pixel; or they are some rows of such arrays,
and their border is then what lies around these rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.compiled import compiled, prange

Array = NDArray[np.float32]

_ROWS = 32  # of a strip that one thread sweeps with both colours while it is in the cache


@compiled(parallel=True)
def fill_ties(alpha, kappa, mirrored, top, height, skipped, d, wx, wy):  # type: ignore[no-untyped-def]
    """Fill d and the ties wx and wy of each pixel's right and lower neighbour.

    `alpha` has rows of a picture of `height`, from row `top` on, one more than are filled unless it
    ends with the picture; the first of them goes to row `skipped` of the others.
    """
    rows, width = alpha.shape
    one, half = np.float32(1), np.float32(0.5)
    for y in prange(min(rows, d.shape[0] - skipped)):
        # A border row that sees its inner neighbour twice makes the matrix asymmetric; the same
        # equations halved make it symmetric again.
        edge = top + y == 0 or top + y == height - 1
        row = half if mirrored and height > 1 and edge else one
        to = y + skipped
        for x in range(width):
            column = half if mirrored and width > 1 and (x == 0 or x == width - 1) else one
            q = (one - alpha[y, x]) ** 2
            d[to, x + 1] = row * column * alpha[y, x] ** 2
            if x + 1 < width:
                wx[to, x + 1] = row * kappa * (q + (one - alpha[y, x + 1]) ** 2)
            if y + 1 < rows:
                wy[to, x + 1] = column * kappa * (q + (one - alpha[y + 1, x]) ** 2)


@compiled(parallel=True)
def known_colours(foreground, d):  # type: ignore[no-untyped-def]
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


@compiled(parallel=True)
def right_side(foreground, d, mean, b):  # type: ignore[no-untyped-def]
    """Fill b: d times each colour relative to the mean."""
    height, width, channels = foreground.shape
    for y in prange(height):
        for c in range(channels):
            for x in range(width):
                b[y + 1, c, x + 1] = d[y + 1, x + 1] * (foreground[y, x, c] - mean[c])


@compiled(parallel=True)
def finish(foreground, d, inverse, mean, lowest, highest, x):  # type: ignore[no-untyped-def]
    """Turn the solution, relative to the mean, into colours within the range of the known ones."""
    height, width, channels = foreground.shape
    for y in prange(height):
        for i in range(width):
            # Nothing ties an opaque pixel among opaque ones: it is its own colour, to the bit.
            alone = d[y + 1, i + 1] * inverse[y + 1, i + 1] == 1
            for c in range(channels):
                value = x[y + 1, c, i + 1] + mean[c]
                if alone:
                    value = foreground[y, i, c]
                x[y + 1, c, i + 1] = min(max(value, lowest[c]), highest[c])


@compiled(inline="always")
def _row(x, b, wx, wy, inverse, c, y, parity, new):  # type: ignore[no-untyped-def]
    width = x.shape[2] - 2
    above, here, below = x[y - 1, c], x[y, c], x[y + 1, c]
    right, down, up, side, inv = wx[y], wy[y], wy[y - 1], b[y, c], inverse[y]
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


def smooth(
    x: Array, b: Array, wx: Array, wy: Array, inverse: Array, begun: bool, more: bool
) -> None:
    """Sweep once over all pixels, even ones first.

    Of a picture that is swept some rows at a time, from the top: `begun` says that the first row is
    the last one of those before, whose odd pixels were left, and `more` that others follow.
    """
    # Two functions: of two loops in one, numba may make one loop, which sweeps a strip's outer rows
    # before the strips beside it have done their even pixels.
    _sweep_strips(x, b, wx, wy, inverse, begun)
    _sweep_between(x, b, wx, wy, inverse, begun, more)


@compiled(parallel=True, fastmath={"contract"})
def _sweep_strips(x, b, wx, wy, inverse, begun):  # type: ignore[no-untyped-def]
    """Sweep strips of rows, but for the odd pixels of their outer rows."""
    channels, height = x.shape[1], x.shape[0] - 2
    # Parts begin with an odd row, so that this one is counted from where parity is the other.
    start = 1 if begun else 0
    odd = 1 - start
    for s in prange((height - start + _ROWS - 1) // _ROWS):
        new = np.empty(x.shape[2], np.float32)
        first, last = 1 + start + s * _ROWS, min(height, start + (s + 1) * _ROWS)
        for c in range(channels):
            for y in range(first, last + 1):
                _row(x, b, wx, wy, inverse, c, y, start, new)
                if y - 1 > first:
                    _row(x, b, wx, wy, inverse, c, y - 1, odd, new)


@compiled(parallel=True, fastmath={"contract"})
def _sweep_between(x, b, wx, wy, inverse, begun, more):  # type: ignore[no-untyped-def]
    """Sweep the odd pixels of the strips' outer rows, when all even ones are done."""
    channels, height = x.shape[1], x.shape[0] - 2
    start = 1 if begun else 0
    odd = 1 - start
    for s in prange((height - start + _ROWS - 1) // _ROWS):
        new = np.empty(x.shape[2], np.float32)
        first, last = 1 + start + s * _ROWS, min(height, start + (s + 1) * _ROWS)
        for c in range(channels):
            if s == 0 and begun:
                _row(x, b, wx, wy, inverse, c, 1, odd, new)
            if first < last or last < height or not more:
                _row(x, b, wx, wy, inverse, c, first, odd, new)
            if last > first and (last < height or not more):
                _row(x, b, wx, wy, inverse, c, last, odd, new)


@compiled(parallel=True, fastmath={"contract"})
def restrict(x, b, d, wx, wy, coarse):  # type: ignore[no-untyped-def]
    """Sum the residual over blocks; give its squares summed over each row of blocks."""
    channels, height, width = x.shape[1], x.shape[0] - 2, x.shape[2] - 2
    rows, columns = coarse.shape[0] - 2, coarse.shape[2] - 2
    squares = np.zeros((rows, channels))
    for row in prange(1, rows + 1):
        r = np.zeros(2 * columns + 1, np.float32)
        for c in range(channels):
            coarse[row, c] = 0
            for y in range(2 * row - 1, min(2 * row, height) + 1):
                above, here, below = x[y - 1, c], x[y, c], x[y + 1, c]
                for i in range(1, width + 1):
                    v = here[i]
                    # Differences, not products with the sum of the weights: no cancellation.
                    r[i] = (
                        b[y, c, i]
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
                    coarse[row, c, i] += r[2 * i - 1] + r[2 * i]
    return squares


@compiled(parallel=True)
def sum_blocks(fine, coarse):  # type: ignore[no-untyped-def]
    """Sum blocks of 2x2 pixels."""
    channels, height, width = fine.shape[1], fine.shape[0] - 2, fine.shape[2] - 2
    for row in prange(1, coarse.shape[0] - 1):
        for c in range(channels):
            for i in range(1, coarse.shape[2] - 1):
                total = np.float32(0)
                for y in range(2 * row - 1, min(2 * row, height) + 1):
                    for k in range(2 * i - 1, min(2 * i, width) + 1):
                        total += fine[y, c, k]
                coarse[row, c, i] = total


@compiled(parallel=True, fastmath={"contract"})
def interpolate(coarse, fine):  # type: ignore[no-untyped-def]
    """Add the coarse values to the fine ones, bilinearly, 3/4 and 1/4 in either direction."""
    channels, height, width = fine.shape[1], fine.shape[0] - 2, fine.shape[2] - 2
    rows, columns = coarse.shape[0] - 2, coarse.shape[2] - 2
    for y in prange(1, height + 1):
        line = np.empty(columns + 2, np.float32)
        near = (y + 1) // 2
        far = min(max(near - 1 if y % 2 else near + 1, 1), rows)
        for c in range(channels):
            for i in range(1, columns + 1):
                line[i] = (
                    np.float32(0.75) * coarse[near, c, i] + np.float32(0.25) * coarse[far, c, i]
                )
            line[0], line[columns + 1] = line[1], line[columns]
            for i in range(1, columns):
                a, m, e = line[i - 1], line[i], line[i + 1]
                fine[y, c, 2 * i - 1] += np.float32(0.75) * m + np.float32(0.25) * a
                fine[y, c, 2 * i] += np.float32(0.75) * m + np.float32(0.25) * e
            i = columns
            fine[y, c, 2 * i - 1] += np.float32(0.75) * line[i] + np.float32(0.25) * line[i - 1]
            if 2 * i <= width:
                fine[y, c, 2 * i] += line[i]


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
def coarsen(d, wx, wy, coarse_d, coarse_wx, coarse_wy):  # type: ignore[no-untyped-def]
    """Fill d and the ties of the next coarser grid."""
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
def invert(d, wx, wy, inverse):  # type: ignore[no-untyped-def]
    """Fill one over each pixel's sum of ties, that to its own colour among them."""
    for y in prange(1, d.shape[0] - 1):
        for i in range(1, d.shape[1] - 1):
            total = d[y, i] + wx[y, i - 1] + wx[y, i] + wy[y - 1, i] + wy[y, i]
            inverse[y, i] = 1 / total if total > 0 else np.float32(0)
