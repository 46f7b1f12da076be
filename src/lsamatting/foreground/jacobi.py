"""Algorithms 1 and 2 of Wang et al.: Jacobi sweeps, at one scale and at many.

Arrays are planar, with a border of one pixel that holds the neighbours beyond the edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.compiled import compiled, prange

Array = NDArray[np.float32]


def multilevel(
    foreground: Array,
    alpha: Array,
    *,
    kappa: float,
    scales: int,
    iterations: int,
    mirrored: bool,
) -> Array:
    """Run Algorithm 2; with one scale it is Algorithm 1.

    Parameters
    ----------
    foreground
        HxWxC.
    alpha
        HxW in [0, 1].
    kappa, scales, iterations
        The paper's κ, S and T. At scale s there are 2^s T sweeps on a picture of
        floor(W / 2^s) x floor(H / 2^s) pixels; scales without a pixel are skipped.
    mirrored
        Neighbours beyond the border are mirrored at it; if not, there are none.

    Returns
    -------
    numpy.ndarray
        HxWxC.
    """
    height, width, channels = foreground.shape
    estimate = [np.ascontiguousarray(foreground[..., c]) for c in range(channels)]
    for scale in range(scales - 1, -1, -1):
        size = (width >> scale, height >> scale)
        if min(size) == 0:
            continue
        small = _resize(alpha, size)
        wx, wy, inverse = _weights(small, kappa, mirrored)
        if not inverse.any():
            # A single transparent pixel without neighbours: nothing says what it should become.
            estimate = [_resize(plane, size) for plane in estimate]
            continue
        shape = (channels, size[1] + 2, size[0] + 2)
        known, x, other = (np.zeros(shape, np.float32) for _ in range(3))
        for c in range(channels):
            known[c, 1:-1, 1:-1] = small * _resize(alpha * foreground[..., c], size)
            x[c, 1:-1, 1:-1] = _resize(estimate[c], size)
        _mirror(x)
        for _ in range(iterations << scale):
            _sweep(x, known, wx, wy, inverse, other)
            x, other = other, x
        estimate = [plane[1:-1, 1:-1] for plane in x]
    return np.ascontiguousarray(np.stack(estimate, axis=-1))


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
