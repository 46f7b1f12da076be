"""The matting Laplacian of closed-form matting, among the unknown pixels of a trimap.

Levin et al., "A closed-form solution to natural image matting", PAMI 2008: if foreground and
background each lie on a line in colour space within every 3×3 window, opacity is an affine
function of colour there. The squared deviation from the best such function, summed over all
windows, is the energy αᵀLα (equations 10 to 12). Only windows that hold an unknown pixel matter
once the known opacities are fixed, so the work is in proportion to the unknown region.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lsamatting.samples import Samples, as_float

EPSILON = 1e-7
"""Regularisation of the windows' colour covariances (ε in Levin et al.)."""

WINDOW = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
"""Offsets of a window's nine pixels."""

REACH = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3))
"""Offsets of the pixels that share a window with a pixel."""

COLOURS = 9
"""Pixels are sorted into 3×3 classes by their coordinates modulo 3: none of a class shares a
window with another of it, so a whole class can be relaxed at once."""

CHUNK = 8192
"""Pixels that are worked on together: few enough to stay in the processor's cache."""

Vector = NDArray[np.floating[Any]]
Places = NDArray[np.signedinteger[Any]]
"""Where pixels are, mostly int32. Pictures of many megapixels have many of them."""


@dataclass(frozen=True)
class MattingLaplacian:
    """L restricted to the unknown pixels, and the pull of the known ones.

    The unknown pixels are numbered class by class. With D the `diagonal` and C the matrix `lower`
    (which couples each pixel to those of earlier classes), L is D + C + Cᵀ.
    """

    shape: tuple[int, int]
    """Height and width of the picture."""

    rows: Places
    columns: Places
    """Where the n unknown pixels are."""

    order: Places
    """Which each of them is if they are counted row by row."""

    bounds: tuple[int, ...]
    """Class c holds the unknown pixels `bounds[c]` to `bounds[c + 1]`."""

    lower: csr_matrix
    diagonal: Vector
    """n×n and n: the parts of L."""

    pull: Vector
    """n: −L α over the known pixels' α, the right-hand side of closed-form matting."""


def matting_laplacian(
    image: Samples,
    foreground: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    *,
    epsilon: float = EPSILON,
    dtype: type[np.floating[Any]] = np.float32,
) -> MattingLaplacian:
    """Assemble L among the unknown pixels.

    Parameters
    ----------
    image:
        H×W×3, in [0, 1] or integers as in files.
    foreground, unknown:
        H×W, True where opacity is known to be 1, and where it is not known.
    epsilon:
        Regularisation of the windows' colour covariances.
    dtype:
        Of the parts of L; what a window adds is in single precision whatever it is, and its
        colours are whitened in double precision. Solutions to 1e-3 of the right-hand side do not
        tell.
    """
    height, width = unknown.shape
    rows, columns = (where.astype(np.int32) for where in np.nonzero(unknown))
    classes = (rows % 3 * 3 + columns % 3).astype(np.uint8)
    order = np.argsort(classes, kind="stable")
    rows, columns, order = rows[order], columns[order], order.astype(np.int32)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(classes, minlength=COLOURS))])
    count = len(rows)
    # A border of two makes every neighbour addressable; -1 stands for "not an unknown pixel".
    wide = width + 4
    number = np.full((height + 4) * wide, -1, np.int32)
    for part in _chunks(0, count):
        number[_flat(rows[part], columns[part], wide)] = np.arange(part.start, part.stop)

    diagonal, pull = np.zeros((2, count), dtype)
    offsets = [np.array([y * wide + x for y, x in earlier], np.intp) for earlier in _EARLIER]
    lengths = np.zeros(count + 1, np.int32)
    for colour in range(COLOURS):
        for part in _chunks(bounds[colour], bounds[colour + 1]):
            at = _flat(rows[part], columns[part], wide)
            coupled = number[at[:, None] + offsets[colour]] >= 0
            lengths[part.start + 1 : part.stop + 1] = np.count_nonzero(coupled, axis=1)
    starts = np.cumsum(lengths, dtype=np.int64)
    del lengths
    data, indices = np.empty(starts[-1], dtype), np.empty(starts[-1], np.int32)
    for top, bottom in _strips(unknown):
        windows = _Windows.of(image, foreground, unknown, top, bottom, epsilon)
        for colour in range(COLOURS):
            first, last = np.searchsorted(rows[bounds[colour] : bounds[colour + 1]], (top, bottom))
            part = slice(bounds[colour] + first, bounds[colour] + last)
            around = windows.around(rows[part], columns[part])
            windows.gather(_OWN, around, out=diagonal[part])
            windows.gather(_PULL, around, out=pull[part])
            couplings = np.empty((last - first, len(_EARLIER[colour])), np.float32)
            for position, pairs in enumerate(_EARLIER[colour].values()):
                windows.gather(pairs, around, out=couplings[:, position])
            at = _flat(rows[part], columns[part], wide)
            neighbours = number[at[:, None] + offsets[colour]]
            coupled = neighbours >= 0
            entries = slice(starts[part.start], starts[part.stop])
            data[entries], indices[entries] = couplings[coupled], neighbours[coupled]
    lower = csr_matrix((data, indices, starts.astype(np.int32)), shape=(count, count))
    return MattingLaplacian(
        shape=(height, width),
        rows=rows,
        columns=columns,
        order=order,
        bounds=tuple(bounds.tolist()),
        lower=lower,
        diagonal=diagonal,
        pull=pull,
    )


def _flat(rows: Places, columns: Places, wide: int) -> NDArray[np.intp]:
    """Give the places' numbers in a picture that is this wide with a border of two."""
    return (rows.astype(np.intp) + 2) * wide + columns + 2


_PAIR = {
    pair: position
    for position, pair in enumerate((i, j) for i in range(len(WINDOW)) for j in range(i, 9))
}
"""Where the coupling of a window's members i ≤ j is kept."""

_OWN = [(_PAIR[i, i], i) for i in range(9)]
_PULL = [(len(_PAIR) + i, i) for i in range(9)]


def _sharing(y: int, x: int) -> list[tuple[int, int]]:
    """List the windows that hold a pixel and the one at this offset from it.

    For each: where the coupling of the two is kept, and which member the pixel is.
    """
    found = []
    for i, (here_y, here_x) in enumerate(WINDOW):
        there = (here_y + y, here_x + x)
        if there in WINDOW:
            j = WINDOW.index(there)
            found.append((_PAIR[min(i, j), max(i, j)], i))
    return found


_EARLIER = [
    {
        (y, x): _sharing(y, x)
        for y, x in REACH
        if (colour // 3 + y) % 3 * 3 + (colour + x) % 3 < colour
    }
    for colour in range(COLOURS)
]
"""Every pixel of a class sees the pixels of a given class at the same offsets."""


def _chunks(start: int, stop: int) -> list[slice]:
    return [slice(at, min(at + CHUNK, stop)) for at in range(start, stop, CHUNK)]


def _strips(unknown: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Divide the picture's rows so that about `CHUNK` unknown pixels are in each strip."""
    before = np.cumsum(np.count_nonzero(unknown, axis=1))
    if len(before) == 0 or before[-1] == 0:
        return []
    strips = max(1, round(int(before[-1]) / CHUNK))
    cuts = np.searchsorted(before, np.arange(1, strips) * (int(before[-1]) / strips)) + 1
    edges = np.unique([0, *cuts, len(before)])
    return list(pairwise(edges.tolist()))


@dataclass(frozen=True)
class _Windows:
    """The windows that touch a strip's unknown pixels."""

    number: NDArray[np.intp]
    """Which window has its centre there, over the strip's rows and one more on each side; one
    beyond the last where none has."""

    top: int
    width: int

    couplings: NDArray[np.float32]
    """What each window adds to L, by the pair of its members, then what the known foreground adds
    to each member's pull; 54×(m + 1), the last column 0."""

    @classmethod
    def of(
        cls,
        image: Samples,
        foreground: NDArray[np.bool_],
        unknown: NDArray[np.bool_],
        top: int,
        bottom: int,
        epsilon: float,
    ) -> _Windows:
        height, width = unknown.shape
        # A window lies in the picture as a whole.
        first, last = max(top - 1, 1), min(bottom + 1, height - 1)
        number = np.zeros((bottom - top + 2, width + 2), np.intp)
        couplings = np.zeros((len(_PAIR) + 9, 1), np.float32)
        if first >= last or width < 3:
            return cls(number.ravel(), top, width, couplings)
        near = unknown[first - 1 : last + 1].view(np.uint8)
        touching = cv2.dilate(near, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
        y, x = np.nonzero(touching)
        count = len(y)
        number[:] = count
        number[y + (first - top + 1), x + 2] = np.arange(count)
        centre = (y + first) * width + x + 1
        members = [centre + (dy * width + dx) for dy, dx in WINDOW]
        colours = np.empty((3, 9, count))
        held = np.empty((9, count), np.float32)
        pixels, known = image.reshape(-1, 3), foreground.ravel()
        for i, member in enumerate(members):
            colours[:, i] = as_float(pixels[member]).T
            held[i] = known[member]
        colours -= colours.mean(axis=1, keepdims=True)
        # With R Rᵀ = Σ + ε/9, member i's whitened colour is u_i = R⁻¹(I_i − μ).
        u0, u1, u2 = colours
        r00 = np.sqrt(_mean_product(u0, u0) + epsilon / 9)
        r10, r20 = _mean_product(u0, u1) / r00, _mean_product(u0, u2) / r00
        r11 = np.sqrt(_mean_product(u1, u1) + epsilon / 9 - r10 * r10)
        r21 = (_mean_product(u1, u2) - r10 * r20) / r11
        r22 = np.sqrt(_mean_product(u2, u2) + epsilon / 9 - r20 * r20 - r21 * r21)
        u0 /= r00
        u1 -= r10 * u0
        u1 /= r11
        u2 -= r20 * u0
        u2 -= r21 * u1
        u2 /= r22
        # From here on nothing cancels.
        v0, v1, v2 = (u.astype(np.float32) for u in (u0, u1, u2))
        # The window adds δ_ij − (1 + u_i·u_j)/9 to L.
        couplings = np.empty((len(_PAIR) + 9, count + 1), np.float32)
        couplings[:, count] = 0
        place = 0
        for i in range(9):
            block = couplings[place : place + 9 - i, :count]
            np.multiply(v0[i:], v0[i], out=block)
            block += v1[i:] * v1[i]
            block += v2[i:] * v2[i]
            block += 1
            block *= -1 / 9
            block[0] += 1
            place += 9 - i
        pulls = couplings[place:, :count]
        pulls[:] = held.sum(axis=0)
        for v in (v0, v1, v2):
            pulls += v * np.einsum("im,im->m", v, held)
        pulls /= 9
        return cls(number.ravel(), top, width, couplings)

    def around(self, rows: Places, columns: Places) -> list[NDArray[np.intp]]:
        """Give the windows whose first, second, … ninth member these pixels are."""
        wide = self.width + 2
        at = (rows.astype(np.intp) - self.top + 1) * wide + columns + 1
        return [self.number[at - (y * wide + x)] for y, x in WINDOW]

    def gather(
        self,
        sources: list[tuple[int, int]],
        around: list[NDArray[np.intp]],
        *,
        out: Vector,
    ) -> None:
        """Sum couplings over the windows that hold a pixel."""
        (place, member), *others = sources
        total = self.couplings[place].take(around[member])
        for place, member in others:
            total += self.couplings[place].take(around[member])
        out[:] = total


def _mean_product(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("im,im->m", first, second) / 9)
