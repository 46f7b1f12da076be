"""What the windows of closed-form matting couple: each unknown pixel to those around it.

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

from lsamatting.samples import Samples, as_float

EPSILON = 1e-7
"""Regularisation of the windows' colour covariances (ε in Levin et al.)."""

WINDOW = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
"""Offsets of a window's nine pixels."""

AHEAD = ((0, 1), (0, 2), *((y, x) for y in (1, 2) for x in range(-2, 3)))
"""Offsets of those pixels that share a window with a pixel and come after it, row by row."""

CHUNK = 8192
"""Pixels that are worked on together: few enough to stay in the processor's cache."""

BLOCK = 4096
"""Windows that are worked on together: they take much more room."""

Vector = NDArray[np.floating[Any]]
Places = NDArray[np.signedinteger[Any]]
"""Where pixels are, mostly int32. Pictures of many megapixels have many of them."""


@dataclass(frozen=True)
class Couplings:
    """The entries of L, pixel by pixel. The n unknown pixels are counted row by row."""

    shape: tuple[int, int]
    """Height and width of the picture."""

    rows: Places
    columns: Places
    """Where the n unknown pixels are."""

    numbers: NDArray[np.int32]
    """Which of them is where, over the picture with a border of two, which makes every neighbour
    addressable; n stands for "not an unknown pixel"."""

    ahead: NDArray[np.float32]
    """12×(n + 1): what couples each to the pixels `AHEAD` of it; anything where there is none, and
    0 in the last column."""

    diagonal: NDArray[np.float32]
    """n."""

    pull: NDArray[np.float32]
    """n: −L α over the known pixels' α, the right-hand side of closed-form matting."""

    def places(self, pixels: slice | Places) -> NDArray[np.intp]:
        """Give where some pixels are in `numbers`."""
        places = (self.rows[pixels] + np.intp(2)) * (self.shape[1] + 4)
        places += self.columns[pixels]
        places += 2
        return places

    def step(self, offset: tuple[int, int]) -> int:
        """Give how far apart in `numbers` two pixels are that are apart by an offset."""
        return offset[0] * (self.shape[1] + 4) + offset[1]


def window_couplings(
    image: Samples,
    foreground: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    *,
    epsilon: float = EPSILON,
) -> Couplings:
    """Sum what the windows add to L among the unknown pixels.

    It is summed in single precision, of colours that are whitened in double precision.

    Parameters
    ----------
    image:
        H×W×3, in [0, 1] or integers as in files.
    foreground, unknown:
        H×W, True where opacity is known to be 1, and where it is not known.
    epsilon:
        Regularisation of the windows' colour covariances.
    """
    height, width = unknown.shape
    rows, columns = (where.astype(np.int32) for where in np.nonzero(unknown))
    count = len(rows)
    numbers = np.full((height + 4, width + 4), count, np.int32)
    numbers[2:-2, 2:-2][unknown] = np.arange(count, dtype=np.int32)
    ahead = np.empty((len(AHEAD), count + 1), np.float32)
    ahead[:, count] = 0
    diagonal, pull = np.zeros((2, count), np.float32)
    for top, bottom in _strips(unknown):
        first, last = np.searchsorted(rows, (top, bottom))
        part = slice(int(first), int(last))
        windows = _Windows.of(image, foreground, unknown, top, bottom, epsilon)
        around = windows.around(rows[part], columns[part])
        for sources, total in zip((_OWN, _PULL, *_SHARED), (diagonal, pull, *ahead), strict=True):
            windows.gather(sources, around, out=total[part])
    return Couplings(
        shape=(height, width),
        rows=rows,
        columns=columns,
        numbers=numbers.ravel(),
        ahead=ahead,
        diagonal=diagonal,
        pull=pull,
    )


_PAIR = {
    pair: position
    for position, pair in enumerate((i, j) for i in range(len(WINDOW)) for j in range(i, 9))
}
"""Where the coupling of a window's members i ≤ j is kept."""

_OWN = [(_PAIR[i, i], i) for i in range(9)]
_PULL = [(len(_PAIR) + i, i) for i in range(9)]


def _sharing(y: int, x: int) -> list[tuple[int, int]]:
    """List the windows that hold a pixel and the one at this offset ahead of it.

    For each: where the coupling of the two is kept, and which member the pixel is.
    """
    found = []
    for i, (here_y, here_x) in enumerate(WINDOW):
        there = (here_y + y, here_x + x)
        if there in WINDOW:
            found.append((_PAIR[i, WINDOW.index(there)], i))
    return found


_SHARED = [_sharing(y, x) for y, x in AHEAD]


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
        around = np.ones((3, 3), np.uint8)
        near = cv2.dilate(unknown[first - 1 : last + 1].view(np.uint8), around)
        near[0] = near[-1] = near[:, 0] = near[:, -1] = 0
        centres = np.flatnonzero(near)
        count = len(centres)
        number[:] = count
        number[centres // width + (first - top), centres % width + 1] = np.arange(count)
        members = np.flatnonzero(cv2.dilate(near, around))
        members += (first - 1) * width
        colours = as_float(image.reshape(-1, 3).take(members, axis=0)).T.astype(np.float64)
        held = foreground.ravel().take(members).astype(np.float32)
        member = np.empty(near.size, np.intp)
        member[members - (first - 1) * width] = np.arange(len(members))
        couplings = np.empty((len(_PAIR) + 9, count + 1), np.float32)
        couplings[:, count] = 0
        for start in range(0, count, BLOCK):
            block = slice(start, min(start + BLOCK, count))
            # A window's members in a row follow each other.
            starts = [member.take(centres[block] + (y * width - 1)) for y in (-1, 0, 1)]
            places = [first + x for first in starts for x in range(3)]
            spread = np.empty((3, 9, len(places[0])))
            pulling = np.empty(spread.shape[1:], np.float32)
            for i, place in enumerate(places):
                # With "raise" NumPy would keep a copy of what it overwrites.
                for channel in range(3):
                    colours[channel].take(place, out=spread[channel, i], mode="clip")
                held.take(place, out=pulling[i], mode="clip")
            _couple(spread, pulling, epsilon, out=couplings[:, block])
        return cls(number.ravel(), top, width, couplings)

    def around(self, rows: Places, columns: Places) -> list[NDArray[np.intp]]:
        """Give the windows whose first, second, … ninth member these pixels are."""
        wide = self.width + 2
        at = (rows.astype(np.intp) - self.top + 1) * wide + columns + 1
        return [self.number.take(at - (y * wide + x)) for y, x in WINDOW]

    def gather(
        self,
        sources: list[tuple[int, int]],
        around: list[NDArray[np.intp]],
        *,
        out: NDArray[np.float32],
    ) -> None:
        """Sum couplings over the windows that hold a pixel."""
        (place, member), *others = sources
        self.couplings[place].take(around[member], out=out, mode="clip")
        for place, member in others:
            out += self.couplings[place].take(around[member])


def _couple(
    colours: NDArray[np.float64],
    held: NDArray[np.float32],
    epsilon: float,
    *,
    out: NDArray[np.float32],
) -> None:
    """Give what windows add to L and to its members' pull: 54×m, see `_Windows.couplings`.

    Parameters
    ----------
    colours:
        3×9×m, of the windows' members; overwritten.
    held:
        9×m: 1 where a member is known foreground, else 0.
    epsilon:
        Regularisation of the windows' colour covariances.
    """
    colours -= colours.sum(axis=1, keepdims=True) / 9
    # With R Rᵀ = Σ + ε/9, member i's whitened colour is u_i = R⁻¹(I_i − μ).
    u0, u1, u2 = colours
    over00 = 1 / np.sqrt(_mean_product(u0, u0) + epsilon / 9)
    r10, r20 = _mean_product(u0, u1) * over00, _mean_product(u0, u2) * over00
    over11 = 1 / np.sqrt(_mean_product(u1, u1) + epsilon / 9 - r10 * r10)
    r21 = (_mean_product(u1, u2) - r10 * r20) * over11
    over22 = 1 / np.sqrt(_mean_product(u2, u2) + epsilon / 9 - r20 * r20 - r21 * r21)
    product = np.empty_like(u0)
    u0 *= over00
    u1 -= np.multiply(r10, u0, out=product)
    u1 *= over11
    u2 -= np.multiply(r20, u0, out=product)
    u2 -= np.multiply(r21, u1, out=product)
    u2 *= over22
    # From here on nothing cancels.
    v0, v1, v2 = whitened = colours.astype(np.float32)
    # The window adds δ_ij − (1 + u_i·u_j)/9 to L.
    scaled0, scaled1, scaled2 = whitened * np.float32(-1 / 9)
    further = np.empty_like(held)
    place = 0
    for i in range(9):
        block, more = out[place : place + 9 - i], further[i:]
        np.multiply(v0[i:], scaled0[i], out=block)
        block += np.multiply(v1[i:], scaled1[i], out=more)
        block += np.multiply(v2[i:], scaled2[i], out=more)
        block -= np.float32(1 / 9)
        block[0] += 1
        place += 9 - i
    out[place:] = 0
    pulling = np.flatnonzero(held.any(axis=0))
    held = held.take(pulling, axis=1)
    pulls = np.empty_like(held)
    pulls[:] = held.sum(axis=0)
    for v in (v0, v1, v2):
        own = v.take(pulling, axis=1)
        pulls += own * np.einsum("im,im->m", own, held)
    out[place:, pulling] = pulls / 9


def _mean_product(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("im,im->m", first, second) / 9)
