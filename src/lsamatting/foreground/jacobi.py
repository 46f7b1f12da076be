"""Algorithms 1 and 2 of Wang et al.: Jacobi sweeps, at one scale and at many.

Arrays are planar, with a border of one pixel that holds the neighbours beyond the edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.compiled import compiled, prange
from lsamatting.samples import Samples, as_float

Array = NDArray[np.float32]


def multilevel(
    foreground: Samples,
    alpha: Samples,
    *,
    kappa: float,
    scales: int,
    iterations: int,
    mirrored: bool,
    rows: int | None = None,
) -> Array:
    """Run Algorithm 2; with one scale it is Algorithm 1.

    Parameters
    ----------
    foreground
        HxWxC.
    alpha
        HxW, standing for [0, 1].
    kappa, scales, iterations
        The paper's κ, S and T. At scale s there are 2^s T sweeps on a picture of
        floor(W / 2^s) x floor(H / 2^s) pixels; scales without a pixel are skipped.
    mirrored
        Neighbours beyond the border are mirrored at it; if not, there are none.
    rows
        How many rows are computed together, which takes less memory and more time than all. A sweep
        carries colours one pixel far, so that with as many rows more around them as there are
        sweeps they are the same to the bit.

    Returns
    -------
    numpy.ndarray
        HxWxC.
    """
    height, width, channels = foreground.shape
    found: Array | None = None
    for scale in range(scales - 1, -1, -1):
        size = (width >> scale, height >> scale)
        if min(size) == 0:
            continue
        values = np.empty((channels, *size[::-1]), np.float32)
        for c in range(channels):
            values[c] = _resize(as_float(foreground[..., c]) if found is None else found[c], size)
        found = values
        opacity = _resize(as_float(alpha), size)
        if size == (1, 1) and opacity[0, 0] ** 2 == 0 and not mirrored:
            # A single transparent pixel without neighbours: nothing says what it should become.
            continue
        scaled = _Scaled(foreground, alpha, size)
        sweeps, step = iterations << scale, size[1] if rows is None else rows
        above = values[:, :0]
        for first in range(0, size[1], step):
            last = min(first + step, size[1])
            seen = slice(max(first - sweeps, 0), min(last + sweeps, size[1]))
            start = np.concatenate([above, values[:, first : seen.stop]], axis=1)
            # What the next rows start from must not be what these have become.
            above = start[:, max(last - sweeps, 0) - seen.start : last - seen.start].copy()
            new = _jacobi(start, scaled.rows(seen), opacity[seen], kappa, mirrored, sweeps)
            values[:, first:last] = new[:, first - seen.start : last - seen.start]
    assert found is not None  # at scale 0 each picture has a pixel
    return np.moveaxis(found, 0, 2)


class _Scaled:
    """The foreground times its opacity, at some size."""

    def __init__(self, foreground: Samples, alpha: Samples, size: tuple[int, int]) -> None:
        self._foreground, self._alpha = foreground, alpha
        self._planes: list[Array] | None = None
        if alpha.shape != size[::-1]:
            opacity = as_float(alpha)
            self._planes = [
                _resize(opacity * as_float(foreground[..., c]), size)
                for c in range(foreground.shape[2])
            ]

    def rows(self, rows: slice) -> list[Array]:
        """Give some rows of each channel."""
        if self._planes is not None:
            return [plane[rows] for plane in self._planes]
        opacity = as_float(self._alpha[rows])
        channels = self._foreground.shape[2]
        return [opacity * as_float(self._foreground[rows, :, c]) for c in range(channels)]


def _jacobi(
    start: Array,
    scaled: list[Array],
    alpha: Array,
    kappa: float,
    mirrored: bool,
    sweeps: int,
) -> Array:
    """Run Algorithm 1 on CxHxW."""
    wx, wy, inverse = _weights(alpha, kappa, mirrored)
    channels, height, width = start.shape
    known, x, other = (np.zeros((channels, height + 2, width + 2), np.float32) for _ in range(3))
    x[:, 1:-1, 1:-1] = start
    for c in range(channels):
        known[c, 1:-1, 1:-1] = alpha * scaled[c]
    _mirror(x)
    for _ in range(sweeps):
        _sweep(x, known, wx, wy, inverse, other)
        x, other = other, x
    return x[:, 1:-1, 1:-1]


def _resize(plane: Array, size: tuple[int, int]) -> Array:
    if plane.shape == size[::-1]:
        return plane
    resized = cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float32)


def _weights(alpha: Array, kappa: float, mirrored: bool) -> tuple[Array, Array, Array]:
    """Give the weights towards right and below, and one over each pixel's sum."""
    padded = np.pad(alpha, 1, mode="reflect")
    q = np.float32(kappa) * np.square(1 - padded)
    wx, wy = np.zeros_like(q), np.zeros_like(q)
    np.add(q[:, :-1], q[:, 1:], out=wx[:, :-1])
    np.add(q[:-1], q[1:], out=wy[:-1])
    if not mirrored:
        wx[:, [0, -2]] = 0
        wy[[0, -2]] = 0
    total = np.square(alpha)
    total += wx[1:-1, 1:-1]
    total += wx[1:-1, :-2]
    total += wy[1:-1, 1:-1]
    total += wy[:-2, 1:-1]
    inverse = np.zeros_like(total)
    np.divide(1, total, out=inverse, where=total > 0)
    return wx, wy, inverse


@compiled()
def _mirror(x):  # type: ignore[no-untyped-def]
    """Fill the border with the inner neighbours of the outermost pixels."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    for c in range(x.shape[0]):
        for y in range(1, height + 1):
            x[c, y, 0], x[c, y, width + 1] = x[c, y, min(2, width)], x[c, y, max(width - 1, 1)]
        x[c, 0], x[c, height + 1] = x[c, min(2, height)], x[c, max(height - 1, 1)]


@compiled(parallel=True, fastmath={"contract"})
def _sweep(x, known, wx, wy, inverse, new):  # type: ignore[no-untyped-def]
    channels, height, width = x.shape[0], x.shape[1] - 2, x.shape[2] - 2
    for y in prange(1, height + 1):
        for c in range(channels):
            here, above, below = x[c, y], x[c, y - 1], x[c, y + 1]
            own, right, up, down = known[c, y], wx[y], wy[y - 1], wy[y]
            target, one_over = new[c, y], inverse[y - 1]
            for i in range(1, width + 1):
                target[i] = (
                    own[i]
                    + right[i - 1] * here[i - 1]
                    + right[i] * here[i + 1]
                    + up[i] * above[i]
                    + down[i] * below[i]
                ) * one_over[i - 1]
    _mirror(new)
