"""Opacities that are locally affine in colour: what the first coarse grid can express.

With hat functions h_k around the nodes k of a lattice, a coarse vector (a, b) stands for

    α(p) = Σ_k h_k(p) (a_k·I(p) + b_k)

`LocalAffine` is this map P, its transpose, and PᵀLP.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bsr_matrix, csr_matrix

from lsamatting.priors.laplacian import MattingLaplacian, Places, Vector
from lsamatting.priors.lattice import (
    CELLS,
    HATS,
    MANY_CELLS,
    SEATS,
    SPACING,
    Cells,
    Lattice,
    Part,
)
from lsamatting.priors.products import add_product
from lsamatting.samples import Samples, as_float

COEFFICIENTS = 4
"""Of an affine function of three channels."""

BAND = 512
"""Squares between nodes whose pixels are multiplied by L together, a power of two."""

GROUPS = 9
"""Of nodes: by their coordinates modulo 3."""

STEPS = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
"""From a node to its neighbours and itself."""

COARSEST = 400
"""A level with no more unknowns than this is solved directly."""


_PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))
_PAIR = np.array([[_PAIRS.index((min(i, j), max(i, j))) for j in range(4)] for i in range(4)])
"""Which pair any two are: of four corners, or of four coefficients."""

_TWO_HATS = np.stack([HATS[:, i] * HATS[:, j] for i, j in _PAIRS], axis=1)
"""Seats × pairs of corners."""


def _hats_of_groups() -> NDArray[np.float64]:
    # A cell has one corner in each group at most, and hats recur when groups do.
    hats = np.zeros((3, SPACING, 3, SPACING, 3, 3))
    seats = HATS.reshape(SPACING, SPACING, 4)
    for y in range(3):
        for x in range(3):
            for corner in range(4):
                hats[y, :, x, :, (y + corner // 2) % 3, (x + corner % 2) % 3] = seats[..., corner]
    return hats.reshape(-1, GROUPS)


_HATS_OF_GROUPS = _hats_of_groups()
"""Pixels of 3×3 cells × groups: what the hats of each group are there."""


class LocalAffine:
    """Opacities that are affine in colour around each node of the first lattice, and L of them.

    Parameters
    ----------
    laplacian:
        L.
    image:
        H×W×3, the picture of which L is: in [0, 1], or integers as in files.
    """

    def __init__(self, laplacian: MattingLaplacian, image: Samples) -> None:
        self.laplacian = laplacian
        self._cells = Cells.of(laplacian.rows, laplacian.columns)
        self.lattice = Lattice.around(self._cells)
        self._corners = self._cells.corners(self.lattice)
        dtype = laplacian.diagonal.dtype
        self._colours = np.empty((3, len(laplacian.rows)), dtype)
        """Less ½, in the order of cells."""
        for part in self._cells.parts(CELLS):
            colours = as_float(image[laplacian.rows[part.pixels], laplacian.columns[part.pixels]])
            self._colours[:, part.place] = (colours - np.float32(0.5)).T
        self._hats = np.ascontiguousarray(HATS, dtype)
        self._energy = self._energy_of_laplacian()
        self.coarser: list[tuple[Lattice, csr_matrix]] = []
        """The further lattices, and how one interpolates to the one before."""
        lattice = self.lattice
        while COEFFICIENTS * len(lattice.rows) > COARSEST:
            lattice, interpolation = lattice.halved()
            self.coarser.append((lattice, interpolation))

    def evaluate(self, coefficients: Vector) -> Vector:
        """Give the opacities, n, that 4 coefficients a node stand for."""
        # A row of zeros at the end, which -1 finds, for corners without a node.
        of_node = np.zeros((len(self.lattice.rows) + 1, COEFFICIENTS), self._hats.dtype)
        of_node[:-1] = coefficients.reshape(-1, COEFFICIENTS)
        values = np.empty(len(self.laplacian.rows), self._hats.dtype)
        for part in self._cells.parts(MANY_CELLS):
            corners = self._corners[part.cells]
            own = (of_node[corners, 3] @ self._hats.T).ravel()[part.at]
            for channel, colours in enumerate(self._colours[:, part.place]):
                own += (of_node[corners, channel] @ self._hats.T).ravel()[part.at] * colours
            values[part.pixels] = own
        return values

    def collect(self, residual: Vector) -> Vector:
        """Apply the transpose of `evaluate`."""
        dtype = self._hats.dtype
        sums = np.zeros((len(self.lattice.rows), COEFFICIENTS), dtype)
        for part in self._cells.parts(MANY_CELLS):
            own = residual[part.pixels]
            spread = np.zeros(part.seats, dtype)
            gathered = np.empty((part.cells.stop - part.cells.start, 4, COEFFICIENTS), dtype)
            for channel in range(COEFFICIENTS):
                spread[part.at] = own * self._colours[channel, part.place] if channel < 3 else own
                gathered[..., channel] = spread.reshape(-1, SEATS) @ self._hats
            for corner, held, nodes in self._corner_nodes(part.cells):
                sums[nodes] += gathered[held, corner]
        return sums.ravel()

    def matrix(self, diagonal: Vector) -> bsr_matrix:
        """Give Pᵀ(L + diag(d))P, where P is `evaluate`."""
        blocks = self._energy.copy()
        for part in self._cells.parts(MANY_CELLS):
            weights = diagonal[part.pixels].astype(np.float64)
            basis = self._basis(part.place)
            # Of each cell: by the pair of its corners, then by that of their coefficients.
            sums = np.empty((part.cells.stop - part.cells.start, len(_PAIRS), len(_PAIRS)))
            spread = np.zeros(part.seats)
            for place, (i, j) in enumerate(_PAIRS):
                spread[part.at] = weights * basis[i] * basis[j]
                np.matmul(spread.reshape(-1, SEATS), _TWO_HATS, out=sums[..., place])
            for corner, held, nodes in self._corner_nodes(part.cells):
                for other in range(4):
                    step = 4 + 3 * (other // 2 - corner // 2) + other % 2 - corner % 2
                    own = sums[held, _PAIR[corner, other]]
                    blocks[nodes, step] += own[:, _PAIR]
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

    def _energy_of_laplacian(self) -> Vector:
        """Compute PᵀLP: blocks of each node and its nine neighbours.

        Hats are flat around a node and end so soon that, with a window's reach added, a node meets
        its eight neighbours only. Nodes whose coordinates are equal modulo 3 then never meet in a
        row of LP, so nine groups of nodes share a column each, and all is dense. It is done some
        cells at a time, and in double precision: where colours hardly vary, what their coefficients
        add to the fourth is little.
        """
        lattice, cells = self.lattice, self._cells
        count, size = len(lattice.rows), COEFFICIENTS
        sums = np.zeros((count, size, size * GROUPS))
        place = np.empty(len(cells.order), np.int32)
        place[cells.order] = np.arange(len(place), dtype=np.int32)
        for band in cells.parts(BAND):
            product = self._half_product(band, place)
            for part in cells.parts(CELLS, within=band.cells):
                shared = np.zeros((part.seats, size * GROUPS))
                first = part.place.start - band.place.start
                shared[part.at] = product[first : first + len(part.pixels)]
                own = np.matmul(self._seated(part), shared.reshape(-1, SEATS, size * GROUPS))
                own = own.reshape(-1, 4, size, size * GROUPS)
                for corner, held, nodes in self._corner_nodes(part.cells):
                    sums[nodes] += own[held, corner]
        # From groups to the steps that lead to them.
        group = np.stack(
            [(lattice.rows + dy) % 3 * 3 + (lattice.columns + dx) % 3 for dy, dx in STEPS], axis=1
        )
        of_steps = np.take_along_axis(
            sums.reshape(count, size, size, GROUPS), group[:, None, None], axis=3
        )
        half = np.ascontiguousarray(of_steps.transpose(0, 3, 1, 2))
        # That is half of L; its transpose is the rest.
        for side in range(5):
            held = np.flatnonzero(lattice.neighbours[:, side] >= 0)
            there = lattice.neighbours[held, side]
            both = half[held, side] + half[there, 8 - side].transpose(0, 2, 1)
            half[held, side] = both
            half[there, 8 - side] = both.transpose(0, 2, 1)
        return half

    def _half_product(self, band: Part, place: NDArray[np.int32]) -> Vector:
        """Multiply P by half of L, the earlier classes and half the diagonal, for some cells.

        Parameters
        ----------
        band:
            The cells.
        place:
            n: where each pixel is in the order of cells.

        Returns
        -------
        ndarray
            The cells' pixels × (4 × 3×3 groups of nodes).
        """
        laplacian, cells = self.laplacian, self._cells
        near = cells.near(band.cells)
        rows = laplacian.lower[band.pixels]
        reached = place[rows.indices] - near.start
        first, last = band.place.start - near.start, band.place.stop - near.start
        # In a wide picture most of the rows before and after is far away.
        met = np.zeros(near.stop - near.start, bool)
        met[reached], met[first:last] = True, True
        number = np.cumsum(met, dtype=np.int32) - 1
        columns = self._columns(near.start + np.flatnonzero(met))
        product = columns[number[first] : number[last - 1] + 1]
        product = product * (laplacian.diagonal[band.pixels, None] / 2)
        own = csr_matrix(
            (rows.data.astype(np.float64), number[reached], rows.indptr),
            shape=(len(product), len(columns)),
        )
        add_product(own, columns, product)
        return product

    def _columns(self, place: Places) -> Vector:
        """Give P's entries of some pixels, in the order of cells: pixels × (4 × 3×3 groups)."""
        pixels = self._cells.order[place]
        laplacian, period = self.laplacian, 3 * SPACING
        where = laplacian.rows[pixels] % period * period + laplacian.columns[pixels] % period
        hats, basis = _HATS_OF_GROUPS[where], self._basis(place)
        columns = np.empty((len(pixels), COEFFICIENTS, GROUPS))
        for coefficient in range(COEFFICIENTS):
            np.multiply(hats, basis[coefficient, :, None], out=columns[:, coefficient])
        return columns.reshape(len(pixels), -1)

    def _seated(self, part: Part) -> Vector:
        """Give P's entries of some cells: cells × (four nodes × coefficients) × seats."""
        spread = np.zeros((COEFFICIENTS, part.seats))
        spread[:, part.at] = self._basis(part.place)
        basis = spread.reshape(COEFFICIENTS, -1, SEATS).transpose(1, 0, 2)
        seated = HATS.T[:, None] * basis[:, None]
        return seated.reshape(-1, 4 * COEFFICIENTS, SEATS)

    def _basis(self, place: slice | Places) -> Vector:
        """Give the functions that coefficients belong to at some pixels: 4 × pixels."""
        colours = self._colours[:, place]
        basis = np.ones((COEFFICIENTS, colours.shape[1]))
        basis[:3] = colours
        return basis

    def _corner_nodes(self, cells: slice) -> Iterator[tuple[int, Places, Places]]:
        """List the corners: which cells have a node there, and which."""
        for corner in range(4):
            nodes = self._corners[cells, corner]
            held = np.flatnonzero(nodes >= 0)
            yield corner, held, nodes[held]
