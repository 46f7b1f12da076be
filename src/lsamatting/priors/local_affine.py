"""Opacities that are locally affine in colour: what the first coarse grid can express.

With hat functions h_k around the nodes k of a lattice, a coarse vector (a, b) stands for

    α(p) = Σ_k h_k(p) (a_k·I(p) + b_k)

`LocalAffine` is this map P, its transpose, and PᵀLP. Pixels are worked on cell by cell, each with
room for all pixels of its square, so that sums over corners and over pixels are dense products.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from scipy.sparse import bsr_matrix, csr_matrix

from lsamatting.priors.coarse_energy import COEFFICIENTS, coarse_energy
from lsamatting.priors.couplings import Couplings, Vector
from lsamatting.priors.laplacian import MattingLaplacian
from lsamatting.priors.lattice import HATS, SEATS, Cells, Lattice
from lsamatting.priors.products import add_transposed_product, summing
from lsamatting.samples import Samples, as_float

CELLS = 512
"""Cells that are worked on together: few enough to stay in the processor's cache."""

CHUNK = 8192
"""Pixels whose colours are read together."""

COARSEST = 400
"""A level with no more unknowns than this is solved directly."""


_PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))
_PAIR = np.array([[_PAIRS.index((min(i, j), max(i, j))) for j in range(4)] for i in range(4)])
"""Which pair any two are: of four corners, or of four coefficients."""

_TWO_HATS = np.stack([HATS[:, i] * HATS[:, j] for i, j in _PAIRS], axis=1)
"""Seats × pairs of corners."""


class LocalAffine:
    """Opacities that are affine in colour around each node of the first lattice, and L of them.

    Parameters
    ----------
    laplacian:
        L.
    couplings:
        What it was made of; not kept.
    image:
        H×W×3, the picture of which L is: in [0, 1], or integers as in files.
    """

    def __init__(self, laplacian: MattingLaplacian, couplings: Couplings, image: Samples) -> None:
        self.laplacian = laplacian
        cells = Cells.of(couplings.rows, couplings.columns)
        self.lattice = Lattice.around(cells)
        self._corners = cells.corners(self.lattice)
        dtype = laplacian.diagonal.dtype
        colours = np.zeros((3, len(cells) * SEATS), dtype)
        width = couplings.shape[1]
        for start in range(0, len(cells.seats), CHUNK):
            part = slice(start, start + CHUNK)
            place = couplings.rows[part].astype(np.intp) * width + couplings.columns[part]
            own = as_float(image.reshape(-1, 3).take(place, axis=0)) - np.float32(0.5)
            for channel in range(3):
                colours[channel, cells.seats[part]] = own[:, channel]
        self._colours = colours.reshape(3, -1, SEATS)
        """Less ½, of each cell's seats."""
        self._energy = coarse_energy(couplings, cells, self.lattice, self._corners, self._colours)
        self._seats = cells.seats[laplacian.order]
        self._hats = np.ascontiguousarray(HATS, dtype)
        self.coarser: list[tuple[Lattice, csr_matrix]] = []
        """The further lattices, and how one interpolates to the one before."""
        lattice = self.lattice
        while COEFFICIENTS * len(lattice.rows) > COARSEST:
            lattice, interpolation = lattice.halved()
            self.coarser.append((lattice, interpolation))

    def evaluate(self, coefficients: Vector) -> Vector:
        """Give the opacities, n, that 4 coefficients a node stand for."""
        # A row of zeros at the end, which -1 finds, for corners without a node.
        of_node = np.zeros((COEFFICIENTS, len(self.lattice.rows) + 1), self._hats.dtype)
        of_node[:, :-1] = coefficients.reshape(-1, COEFFICIENTS).T
        values = np.empty(self._colours.shape[1:], self._hats.dtype)
        for cells in self._parts():
            own = values[cells]
            of_corners = of_node[:, self._corners[cells]]
            np.matmul(of_corners[3], self._hats.T, out=own)
            for channel, colours in enumerate(self._colours[:, cells]):
                product = of_corners[channel] @ self._hats.T
                product *= colours
                own += product
        return values.ravel().take(self._seats)

    def collect(self, residual: Vector) -> Vector:
        """Apply the transpose of `evaluate`."""
        spread = self._spread(residual)
        gathered = np.empty((len(spread), 4, COEFFICIENTS), residual.dtype)
        for cells in self._parts():
            own = spread[cells]
            gathered[cells, :, 3] = own @ self._hats
            for channel, colours in enumerate(self._colours[:, cells]):
                gathered[cells, :, channel] = (own * colours) @ self._hats
        sums = np.zeros((len(self.lattice.rows), COEFFICIENTS), residual.dtype)
        add_transposed_product(self._of_corners, gathered.reshape(-1, COEFFICIENTS), sums)
        return sums.ravel()

    def matrix(self, diagonal: Vector) -> bsr_matrix:
        """Give Pᵀ(L + diag(d))P, where P is `evaluate`."""
        spread = self._spread(diagonal)
        # Of each cell: by the pair of its corners, then by that of their coefficients.
        sums = np.empty((len(spread), len(_PAIRS), len(_PAIRS)))
        for cells in self._parts():
            basis = (*self._colours[:, cells].astype(np.float64), 1)
            weights = spread[cells].astype(np.float64)
            for place, (i, j) in enumerate(_PAIRS):
                np.matmul(weights * basis[i] * basis[j], _TWO_HATS, out=sums[cells, :, place])
        both = sums.reshape(-1, len(_PAIRS)).take(_PAIR.ravel(), axis=1)
        del spread, sums
        blocks = self._energy.copy()
        for pairs in self._of_pairs:
            add_transposed_product(pairs, both, blocks.reshape(-1, COEFFICIENTS**2))
        exists = self.lattice.neighbours >= 0
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(exists, axis=1))])
        size = COEFFICIENTS * len(blocks)
        return bsr_matrix(
            (
                blocks[exists],
                self.lattice.neighbours[exists].astype(np.int32),
                starts.astype(np.int32),
            ),
            shape=(size, size),
        )

    def _spread(self, values: Vector) -> Vector:
        """Put the pixels' values on their seats: cells × seats, 0 where no pixel sits."""
        spread = np.zeros(self._colours.shape[1:], values.dtype)
        spread.ravel()[self._seats] = values
        return spread

    def _parts(self) -> Iterator[slice]:
        """Go through the cells, some at a time."""
        for first in range(0, len(self._corners), CELLS):
            yield slice(first, first + CELLS)

    @cached_property
    def _of_corners(self) -> csr_matrix:
        """Sums what cells have for their corners into nodes."""
        return summing(self._corners.ravel(), len(self.lattice.rows), self._hats.dtype)

    @cached_property
    def _of_pairs(self) -> list[csr_matrix]:
        """Sum what cells have for pairs of corners into blocks of nodes and their neighbours.

        First from the one corner to the other, then back where they are two.
        """
        blocks = 9 * len(self.lattice.rows)
        there, back = np.full((2, len(self._corners), len(_PAIRS)), -1, np.int64)
        for place, (i, j) in enumerate(_PAIRS):
            step = 3 * (j // 2 - i // 2) + j % 2 - i % 2
            first, second = self._corners[:, i], self._corners[:, j]
            held = (first >= 0) & (second >= 0)
            there[held, place] = 9 * first[held] + 4 + step
            if i != j:
                back[held, place] = 9 * second[held] + 4 - step
        return [summing(target.ravel(), blocks, np.float64) for target in (there, back)]
