"""Solve systems of the matting Laplacian at a rate that does not depend on the region's width.

Conjugate gradients, preconditioned by one multigrid cycle. What a smoother cannot remove here is
not what is smooth over the picture: wherever opacity is locally an affine function of colour,
texture and all, the energy is almost zero. So the coarse grids hold the coefficients of such
functions. With hat functions h_k around the nodes k of a lattice, a coarse vector (a, b) stands for

    α(p) = Σ_k h_k(p) (a_k·I(p) + b_k)

and from there on coefficients are interpolated bilinearly to ever coarser lattices. All coarse
matrices follow from the finest (Galerkin). Each level is relaxed by Gauss-Seidel sweeps, class by
class, where no two unknowns of a class are coupled. (Lee and Wu, "Scalable matting: a sub-linear
approach", arXiv 1404.3933, solve the same equations by multigrid over opacities.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import bsr_matrix, csr_matrix

from lsamatting.priors.laplacian import MattingLaplacian, Places, Vector
from lsamatting.priors.products import add_product, add_transposed_product
from lsamatting.samples import Samples, as_float

SPACING = 8
"""Pixels between the nodes of the first lattice."""

COEFFICIENTS = 4
"""Of an affine function of three channels."""

SEATS = SPACING**2
"""Pixels of a square between nodes."""

CELLS = 128
MANY_CELLS = 1024
"""Squares between nodes whose pixels are worked on together, where that takes much room or little:
powers of two, so that 16 bits tell a seat in them."""

BLOCKS = 65536
"""Blocks of a coarse matrix that are worked on together."""

FEW_CELLS = 512
"""With no more of them their share of P is kept, not computed anew."""

COARSEST = 400
"""A level with no more unknowns than this is solved directly."""


def _hats() -> NDArray[np.float64]:
    # 1 at a node and the pixel beside it, 0 from a pixel before the next node on.
    near = np.clip((SPACING - 1 - np.arange(SPACING)) / (SPACING - 2), 0, 1)
    both = np.stack((near, 1 - near))
    return np.ascontiguousarray(np.einsum("ay,bx->yxab", both, both).reshape(SEATS, 4))


HATS = _hats()
"""Seats × corners: what a node's hat is at each pixel of a square."""

RIDGE = 1e-8
"""Added to each node's own 4×4 matrix, as a share of its trace: where colours are flat the four
coefficients mean the same."""


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
        self._cells = _Cells.of(laplacian.rows, laplacian.columns)
        self.lattice = _Lattice.around(self._cells)
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
        self.coarser: list[tuple[_Lattice, csr_matrix]] = []
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

    def _half_product(self, band: _Part, numbers: NDArray[np.int32]) -> Vector:
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

    def _seated(self, part: _Part) -> Vector:
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


@dataclass(frozen=True)
class _Part:
    """Some cells next to each other in their order, and their pixels."""

    cells: slice
    place: slice
    """Of the pixels among those of all cells."""

    pixels: NDArray[np.int32]
    at: NDArray[np.uint16]
    """Where each pixel sits: `SEATS` times the number of its cell, counted from the first of these,
    and its seat."""

    @property
    def seats(self) -> int:
        return int(self.cells.stop - self.cells.start) * SEATS


@dataclass(frozen=True)
class _Cells:
    """The squares between the first lattice's nodes that hold unknown pixels, row by row."""

    rows: Places
    columns: Places
    """Of the cells, in cells."""

    order: NDArray[np.int32]
    starts: Places
    """Cell k holds the pixels `order[starts[k]:starts[k + 1]]`."""

    at: NDArray[np.uint16]
    """Where each of those sits, as in `_Part`, of `MANY_CELLS` cells."""

    @classmethod
    def of(cls, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> _Cells:
        across = int(columns.max(initial=0)) // SPACING + 1
        place = rows // SPACING * np.int32(across) + columns // SPACING
        held = np.bincount(place)
        used = np.flatnonzero(held)
        # 16 bits are sorted by radix.
        small = place.astype(np.uint16) if len(held) <= 1 << 16 else place
        order = np.argsort(small, kind="stable").astype(np.int32)
        del small, place
        cell = np.repeat((np.arange(len(used)) % MANY_CELLS).astype(np.uint16), held[used])
        seats = (rows % SPACING * SPACING + columns % SPACING).astype(np.uint16)
        return cls(
            rows=used // across,
            columns=used % across,
            order=order,
            starts=np.concatenate([[0], np.cumsum(held[used])]),
            at=cell * np.uint16(SEATS) + seats[order],
        )

    def corners(self, lattice: _Lattice) -> NDArray[np.int32]:
        """Give each cell's four nodes, -1 where there is none."""
        return np.stack(
            [lattice.at(self.rows + dy, self.columns + dx) for dy in (0, 1) for dx in (0, 1)],
            axis=1,
        ).astype(np.int32)

    def used_corners(self) -> NDArray[np.bool_]:
        """Tell which of each cell's four corners some pixel of it has a share in."""
        shares = np.packbits(HATS > 0, axis=1)[:, 0]
        if len(self.rows) == 0:
            return np.zeros((0, 4), bool)
        used = np.bitwise_or.reduceat(shares[self.at % SEATS], self.starts[:-1])
        return np.unpackbits(used[:, None], axis=1, count=4).astype(bool)

    def near(self, cells: slice) -> slice:
        """Give the cells from a row before some to a row after them."""
        first, last = self.rows[cells.start] - 1, self.rows[cells.stop - 1] + 1
        start, stop = np.searchsorted(self.rows, (first, last + 1))
        return slice(int(start) // CELLS * CELLS, int(stop))

    def parts(self, count: int, *, within: slice | None = None) -> Iterator[_Part]:
        """Go through the cells, `CELLS` or `MANY_CELLS` at a time.

        `within` begins at a multiple of it.
        """
        span = slice(0, len(self.rows)) if within is None else within
        for first in range(span.start, span.stop, count):
            last = min(first + count, len(self.rows))
            place = slice(int(self.starts[first]), int(self.starts[last]))
            yield _Part(
                cells=slice(first, last),
                place=place,
                pixels=self.order[place],
                at=self.at[place] & np.uint16(count * SEATS - 1),
            )


@dataclass(frozen=True)
class _Lattice:
    """Nodes that hold some of what is interpolated, sorted by the parity of their coordinates."""

    rows: Places
    columns: Places
    bounds: tuple[int, ...]
    """Of the classes by parity: nodes that are no neighbours."""

    numbers: NDArray[np.int32]
    """Which node is where, -1 where there is none, with a border of one."""

    @classmethod
    def over(
        cls, vertical: tuple[Places, Vector], horizontal: tuple[Places, Vector]
    ) -> tuple[_Lattice, csr_matrix]:
        """Lay a lattice over points: per axis, the node before a point, and its weight there.

        Returns
        -------
        lattice, interpolation:
            The nodes in use, and points × nodes.
        """
        (y, near_y), (x, near_x) = vertical, horizontal
        width = int(x.max(initial=0)) + 4
        corners = np.stack(
            [(y + dy + 1) * width + x + dx + 1 for dy in (0, 1) for dx in (0, 1)], axis=1
        )
        weights = np.stack(
            [wy * wx for wy in (near_y, 1 - near_y) for wx in (near_x, 1 - near_x)], axis=1
        )
        held = weights > 0
        used = np.zeros((int(y.max(initial=0)) + 4, width), bool)
        used.ravel()[corners[held]] = True
        lattice = cls._of(used)
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(held, axis=1))])
        interpolation = csr_matrix(
            (weights[held], lattice.numbers.ravel()[corners[held]], starts.astype(np.int32)),
            shape=(len(corners), len(lattice.rows)),
        )
        return lattice, interpolation

    @classmethod
    def around(cls, cells: _Cells) -> _Lattice:
        """Lay the first lattice, of those corners of cells that some pixel has a share in."""
        used = np.zeros(
            (int(cells.rows.max(initial=0)) + 4, int(cells.columns.max(initial=0)) + 4), bool
        )
        for corner, held in enumerate(cells.used_corners().T):
            used[cells.rows[held] + corner // 2 + 1, cells.columns[held] + corner % 2 + 1] = True
        return cls._of(used)

    @classmethod
    def _of(cls, used: NDArray[np.bool_]) -> _Lattice:
        """Make nodes of what is marked on a map with a border of one."""
        rows, columns = np.nonzero(used)
        classes = rows % 2 * 2 + columns % 2
        order = np.argsort(classes, kind="stable")
        rows, columns = rows[order], columns[order]
        numbers = np.full(used.shape, -1, np.int32)
        numbers[rows, columns] = np.arange(len(rows), dtype=np.int32)
        bounds = (0, *np.cumsum(np.bincount(classes, minlength=4)).tolist())
        return cls(rows - 1, columns - 1, bounds, numbers)

    def at(self, rows: Places, columns: Places) -> Places:
        """Give the nodes at these places, -1 where there is none."""
        return self.numbers[rows + 1, columns + 1].astype(np.intp)

    @cached_property
    def neighbours(self) -> Places:
        """Each node's neighbours by rows, itself the fifth of nine; -1 where there is none."""
        steps = (-1, 0, 1)
        return np.stack(
            [self.at(self.rows + dy, self.columns + dx) for dy in steps for dx in steps], axis=1
        )

    def halved(self) -> tuple[_Lattice, csr_matrix]:
        """Lay the next lattice over this one's nodes: every other of them."""
        return _Lattice.over(
            (self.rows // 2, 1 - self.rows % 2 / 2), (self.columns // 2, 1 - self.columns % 2 / 2)
        )


@dataclass(frozen=True)
class _Level:
    """A matrix D + C + Cᵀ, where C couples unknowns to those of earlier classes."""

    diagonal: Vector
    lower: csr_matrix
    classes: tuple[slice, ...]
    """Unknowns of each class."""

    @classmethod
    def of(cls, diagonal: Vector, lower: csr_matrix, bounds: tuple[int, ...]) -> _Level:
        classes = tuple(slice(*pair) for pair in pairwise(bounds) if pair[0] < pair[1])
        return cls(diagonal, lower, classes)

    def apply(self, vector: Vector) -> Vector:
        product: Vector = self.diagonal * vector
        add_product(self.lower, vector, product)
        add_transposed_product(self.lower, vector, product)
        return product

    def sweep_forward(self, target: Vector) -> tuple[Vector, Vector]:
        """Solve (D + C) x = target; give x and the residual, which is -Cᵀx."""
        solution, sums = np.zeros_like(target), np.zeros_like(target)
        for part in self.classes:
            if part.start:
                add_product(self.lower, solution, sums[part], rows=part)
            own = solution[part]
            np.subtract(target[part], sums[part], out=own)
            own /= self.diagonal[part]
        residual = np.zeros_like(target)
        add_transposed_product(self.lower, solution, residual)
        np.negative(residual, out=residual)
        return solution, residual

    def sweep_backward(self, target: Vector) -> Vector:
        """Solve (D + Cᵀ) x = target."""
        rest = np.negative(target)
        for part in reversed(self.classes):
            own = rest[part]
            own /= -self.diagonal[part]
            if part.start:
                add_transposed_product(self.lower, own, rest, rows=part)
        return rest


class Multigrid:
    """Preconditioned conjugate gradients for (L + diag(d)) α = t over the unknown pixels.

    Parameters
    ----------
    local:
        L, and what opacities are on the first lattice; many systems can share it.
    diagonal:
        n, positive: d, what is added to L.
    """

    def __init__(self, local: LocalAffine, diagonal: Vector) -> None:
        laplacian = local.laplacian
        dtype = laplacian.diagonal.dtype
        self._local = local
        self._finest = _Level.of(laplacian.diagonal + diagonal, laplacian.lower, laplacian.bounds)
        self._levels: list[_Level] = []
        self._down: list[Any] = []
        # Coarse matrices are made in double precision, and relaxed in that of L.
        matrix, normal = _normalised(local.matrix(diagonal))
        self._normal = normal.astype(dtype)
        lattice = local.lattice
        for coarser, interpolation in local.coarser:
            lower = _strictly_lower(matrix, lattice.bounds)
            bounds = tuple(COEFFICIENTS * bound for bound in lattice.bounds)
            ones = np.ones(matrix.shape[0], dtype)
            self._levels.append(_Level.of(ones, lower.astype(dtype).tocsr(), bounds))
            del matrix
            down = _of_coefficients(interpolation, np.linalg.inv(normal))
            half = down.T @ (lower @ down)
            del lower
            matrix = half + half.T + down.T @ down
            matrix, normal = _normalised(matrix.tobsr(blocksize=(COEFFICIENTS, COEFFICIENTS)))
            self._down.append((down @ _block_diagonal(normal)).astype(dtype).tocsr())
            lattice = coarser
        self._direct = cho_factor(matrix.toarray())

    def solve(
        self, target: Vector, *, start: Vector, tolerance: float, most_iterations: int
    ) -> tuple[Vector, int]:
        """Iterate from `start` until the residual's norm is `tolerance` times the target's.

        Or times that of the target whose solution is 1 everywhere, where that is larger: the
        known background's pull counts as the foreground's does, though it is not in the target.

        Returns
        -------
        solution, iterations:
            n, and how many it took.
        """
        solution = start.copy()
        residual = target - self._finest.apply(solution)
        ones = self._finest.apply(np.ones_like(target))
        goal = tolerance * float(max(np.linalg.norm(target), np.linalg.norm(ones)))
        direction = np.zeros_like(residual)
        previous = 1.0
        for iteration in range(most_iterations):
            if float(np.linalg.norm(residual)) <= goal:
                return solution, iteration
            steered = self._precondition(residual)
            agreement = float(residual @ steered)
            if not agreement > 0:
                return solution, iteration
            direction *= agreement / previous
            direction += steered
            del steered
            product = self._finest.apply(direction)
            step = agreement / float(direction @ product)
            product *= step
            residual -= product
            np.multiply(direction, step, out=product)
            solution += product
            previous = agreement
        return solution, most_iterations

    def _precondition(self, target: Vector) -> Vector:
        level = self._finest
        solution, left = level.sweep_forward(target)
        collected = self._local.collect(left).reshape(-1, COEFFICIENTS, 1)
        coarse = np.matmul(self._normal.transpose(0, 2, 1), collected).ravel()
        found = self._cycle(0, coarse).reshape(-1, COEFFICIENTS, 1)
        correction = self._local.evaluate(np.matmul(self._normal, found).ravel())
        left -= level.apply(correction)
        solution += correction
        solution += level.sweep_backward(left)
        return solution

    def _cycle(self, depth: int, target: Vector) -> Vector:
        if depth == len(self._levels):
            return np.asarray(cho_solve(self._direct, target), target.dtype)
        level, down = self._levels[depth], self._down[depth]
        solution, left = level.sweep_forward(target)
        coarse = np.zeros(down.shape[1], target.dtype)
        add_transposed_product(down, left, coarse)
        correction = np.zeros_like(left)
        add_product(down, self._cycle(depth + 1, coarse), correction)
        left -= level.apply(correction)
        solution += correction
        solution += level.sweep_backward(left)
        return solution


def _of_coefficients(interpolation: csr_matrix, blocks: Vector) -> bsr_matrix:
    """Interpolate four coefficients a node, then apply each row's block."""
    data = np.repeat(blocks, np.diff(interpolation.indptr), axis=0)
    data *= interpolation.data[:, None, None]
    return bsr_matrix(
        (data, interpolation.indices, interpolation.indptr),
        shape=tuple(COEFFICIENTS * size for size in interpolation.shape),
    )


def _block_diagonal(blocks: Vector) -> bsr_matrix:
    starts = np.arange(len(blocks) + 1, dtype=np.int32)
    return bsr_matrix((blocks, starts[:-1], starts))


def _normalised(matrix: bsr_matrix) -> tuple[bsr_matrix, Vector]:
    """Choose coefficients in which each node's own 4×4 matrix is the identity.

    Returns
    -------
    matrix, normal:
        NᵀMN, in M's place, and the blocks of N.
    """
    nodes = matrix.shape[0] // COEFFICIENTS
    block_row = np.repeat(np.arange(nodes), np.diff(matrix.indptr))
    on_diagonal = np.flatnonzero(block_row == matrix.indices)
    own = np.zeros((nodes, COEFFICIENTS, COEFFICIENTS))
    own[block_row[on_diagonal]] = matrix.data[on_diagonal]
    ridge = RIDGE * np.trace(own, axis1=1, axis2=2) + np.finfo(np.float64).tiny
    own += ridge[:, None, None] * np.eye(COEFFICIENTS)
    normal = np.linalg.inv(np.linalg.cholesky(own)).transpose(0, 2, 1)
    for first in range(0, len(block_row), BLOCKS):
        part = slice(first, first + BLOCKS)
        right = np.matmul(matrix.data[part], normal[matrix.indices[part]])
        matrix.data[part] = np.matmul(normal[block_row[part]].transpose(0, 2, 1), right)
    matrix.data[on_diagonal] = np.eye(COEFFICIENTS)
    return matrix, normal


def _strictly_lower(matrix: bsr_matrix, bounds: tuple[int, ...]) -> bsr_matrix:
    """Keep the couplings to nodes of earlier classes."""
    nodes = matrix.shape[0] // COEFFICIENTS
    number = np.searchsorted(bounds, np.arange(nodes), side="right")
    block_row = np.repeat(np.arange(nodes), np.diff(matrix.indptr))
    kept = number[matrix.indices] < number[block_row]
    starts = np.concatenate([[0], np.cumsum(np.bincount(block_row[kept], minlength=nodes))])
    return bsr_matrix(
        (matrix.data[kept], matrix.indices[kept], starts.astype(np.int32)), shape=matrix.shape
    )
