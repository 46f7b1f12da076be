"""The matting Laplacian of closed-form matting as a matrix that can be relaxed class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from lsamatting.priors.couplings import AHEAD, Couplings, Places, Vector

COLOURS = 9
"""Pixels are sorted into 3×3 classes by their coordinates modulo 3: none of a class shares a
window with another of it, so a whole class can be relaxed at once."""

REACH = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3))
"""Offsets of the pixels that share a window with a pixel."""

_EARLIER = [
    [(y, x) for y, x in REACH if (colour // 3 + y) % 3 * 3 + (colour + x) % 3 < colour]
    for colour in range(COLOURS)
]
"""Every pixel of a class sees the pixels of earlier classes at the same offsets."""

CHUNK = 2048
"""Pixels that are worked on together: few enough to stay in the processor's cache."""


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

    @classmethod
    def of(
        cls, couplings: Couplings, *, dtype: type[np.floating[Any]] = np.float32
    ) -> MattingLaplacian:
        """Sort pixels into classes; `dtype` is that of the parts of L."""
        count = len(couplings.rows)
        classes = (couplings.rows % 3 * 3 + couplings.columns % 3).astype(np.uint8)
        order = np.argsort(classes, kind="stable").astype(np.int32)
        bounds = np.concatenate([[0], np.cumsum(np.bincount(classes, minlength=COLOURS))])
        place = np.full(count + 1, -1, np.int32)
        place[order] = np.arange(count, dtype=np.int32)
        unknown = couplings.numbers < count
        steps = [couplings.step(offset) for offset in AHEAD]
        pairs = sum(int(np.count_nonzero(unknown[:-step] & unknown[step:])) for step in steps)
        data, indices = np.empty(pairs, dtype), np.empty(pairs, np.int32)
        starts = np.zeros(count + 1, np.int32)
        filled = 0
        for colour, earlier in enumerate(_EARLIER):
            for first in range(bounds[colour], bounds[colour + 1], CHUNK):
                part = slice(first, min(first + CHUNK, int(bounds[colour + 1])))
                pixels = order[part]
                at = couplings.places(pixels)
                met = np.empty((len(pixels), len(earlier)), np.int32)
                values = np.empty(met.shape, np.float32)
                for position, (y, x) in enumerate(earlier):
                    others = couplings.numbers.take(at + couplings.step((y, x)))
                    place.take(others, out=met[:, position], mode="clip")
                    # What couples two is kept with the one from which the other is ahead.
                    if (y, x) in AHEAD:
                        source, of = AHEAD.index((y, x)), pixels
                    else:
                        source, of = AHEAD.index((-y, -x)), others
                    couplings.ahead[source].take(of, out=values[:, position], mode="clip")
                held = met >= 0
                ends = filled + np.cumsum(np.count_nonzero(held, axis=1))
                starts[part.start + 1 : part.stop + 1] = ends
                stop = int(ends[-1])
                data[filled:stop], indices[filled:stop] = values[held], met[held]
                filled = stop
        return cls(
            shape=couplings.shape,
            rows=couplings.rows[order],
            columns=couplings.columns[order],
            order=order,
            bounds=tuple(bounds.tolist()),
            lower=csr_matrix((data, indices, starts), shape=(count, count)),
            diagonal=couplings.diagonal[order].astype(dtype, copy=False),
            pull=couplings.pull[order].astype(dtype, copy=False),
        )
