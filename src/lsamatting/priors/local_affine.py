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
from lsamatting.priors.lattice import CELLS, HATS, MANY_CELLS, SEATS, Cells, Lattice, Part
from lsamatting.priors.products import add_product
from lsamatting.samples import Samples, as_float

COEFFICIENTS = 4
"""Of an affine function of three channels."""

FEW_CELLS = 512
"""With no more of them their share of P is kept, not computed anew."""

COARSEST = 400
"""A level with no more unknowns than this is solved directly."""


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
        self._kept: dict[int, Vector] = {}
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
            for channel in range(COEFFICIENTS):
                spread[part.at] = own * self._colours[channel, part.place] if channel < 3 else own
                gathered = spread.reshape(-1, SEATS) @ self._hats
                for corner, held, nodes in self._corner_nodes(part.cells):
                    sums[nodes, channel] += gathered[held, corner]
        return sums.ravel()

    def matrix(self, diagonal: Vector) -> bsr_matrix:
        """Give Pᵀ(L + diag(d))P, where P is `evaluate`."""
        blocks = self._energy.copy()
        for part in self._cells.parts(CELLS):
            seated = self._seated(part)
            weights = np.zeros(part.seats)
            weights[part.at] = diagonal[part.pixels]
            own = np.matmul(
                seated.transpose(0, 2, 1), seated * weights.reshape(-1, SEATS, 1)
            ).reshape(-1, 4, COEFFICIENTS, 4, COEFFICIENTS)
            for corner, held, nodes in self._corner_nodes(part.cells):
                for other in range(4):
                    step = 4 + 3 * (other // 2 - corner // 2) + other % 2 - corner % 2
                    blocks[nodes, step] += own[held, corner, :, other]
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
        lattice, size = self.lattice, COEFFICIENTS
        half = np.zeros((len(lattice.rows), 9, size, size))
        numbers = np.full(len(self.laplacian.rows), -1, np.int32)
        for band in self._cells.parts(MANY_CELLS):
            product = self._half_product(band, numbers)
            for part in self._cells.parts(CELLS, within=band.cells):
                shared = np.zeros((part.seats, 9 * size))
                first = part.place.start - band.place.start
                shared[part.at] = product[first : first + len(part.pixels)]
                own = np.matmul(
                    self._seated(part).transpose(0, 2, 1), shared.reshape(-1, SEATS, 9 * size)
                ).reshape(-1, 4, size, 3, 3, size)
                for corner, held, nodes in self._corner_nodes(part.cells):
                    # The step, -1, 0 or 1 an axis, that leads from a node to one of a group.
                    for group_y in range(3):
                        step_y = (group_y - lattice.rows[nodes] + 1) % 3
                        for group_x in range(3):
                            step = 3 * step_y + (group_x - lattice.columns[nodes] + 1) % 3
                            half[nodes, step] += own[held, corner, :, group_y, group_x]
        # That is half of L; its transpose is the rest.
        for side in range(5):
            held = np.flatnonzero(lattice.neighbours[:, side] >= 0)
            there = lattice.neighbours[held, side]
            both = half[held, side] + half[there, 8 - side].transpose(0, 2, 1)
            half[held, side] = both
            half[there, 8 - side] = both.transpose(0, 2, 1)
        return half

    def _half_product(self, band: Part, numbers: NDArray[np.int32]) -> Vector:
        """Multiply P by half of L, the earlier classes and half the diagonal, for some cells.

        Parameters
        ----------
        band:
            The cells.
        numbers:
            n, of -1, and that again afterwards.

        Returns
        -------
        ndarray
            The cells' pixels × (3×3 groups of nodes × 4).
        """
        laplacian, cells = self.laplacian, self._cells
        rows = laplacian.lower[band.pixels]
        numbers[rows.indices] = 0
        numbers[band.pixels] = 0
        pieces, found = [], 0
        for part in cells.parts(CELLS, within=cells.near(band.cells)):
            met = np.flatnonzero(numbers[part.pixels] == 0)
            if len(met) == 0:
                continue
            # A cell has one corner at most in each group.
            seated = self._seated(part).reshape(part.seats, 4, COEFFICIENTS)[part.at[met]]
            cell = part.at[met] // SEATS
            piece = np.zeros((len(met), 3, 3, COEFFICIENTS))
            number = np.arange(len(met))
            for corner in range(4):
                group_y = (cells.rows[part.cells] + corner // 2) % 3
                group_x = (cells.columns[part.cells] + corner % 2) % 3
                piece[number, group_y[cell], group_x[cell]] = seated[:, corner]
            pieces.append(piece.reshape(len(met), -1))
            numbers[part.pixels[met]] = np.arange(found + 1, found + len(met) + 1)
            found += len(met)
        columns = np.concatenate(pieces)
        product = columns[numbers[band.pixels] - 1]
        product *= laplacian.diagonal[band.pixels, None] / 2
        own = csr_matrix(
            (rows.data.astype(np.float64), numbers[rows.indices] - 1, rows.indptr),
            shape=(len(product), len(columns)),
        )
        add_product(own, columns, product)
        numbers[rows.indices] = -1
        numbers[band.pixels] = -1
        return product

    def _seated(self, part: Part) -> Vector:
        """Give P's entries of some cells: cells × seats × (four nodes × coefficients).

        They are kept where they are few, else computed anew.
        """
        seated = self._kept.get(part.cells.start)
        if seated is not None and len(seated) * SEATS == part.seats:
            return seated
        basis = np.ones((len(part.pixels), COEFFICIENTS))
        basis[:, :3] = self._colours[:, part.place].T
        seated = np.zeros((part.seats, 4, COEFFICIENTS))
        seated[part.at] = HATS[part.at % SEATS, :, None] * basis[:, None]
        seated = seated.reshape(-1, SEATS, 4 * COEFFICIENTS)
        if len(self._cells.rows) <= FEW_CELLS:
            self._kept[part.cells.start] = seated
        return seated

    def _corner_nodes(self, cells: slice) -> Iterator[tuple[int, Places, Places]]:
        """List the corners: which cells have a node there, and which."""
        for corner in range(4):
            nodes = self._corners[cells, corner]
            held = np.flatnonzero(nodes >= 0)
            yield corner, held, nodes[held]
