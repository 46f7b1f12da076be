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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import bsr_matrix, csr_matrix

from lsamatting.priors.laplacian import MattingLaplacian
from lsamatting.priors.products import add_product, add_transposed_product

Vector = NDArray[np.floating[Any]]
Places = NDArray[np.intp]

SPACING = 8
"""Pixels between the nodes of the first lattice."""

COEFFICIENTS = 4
"""Of an affine function of three channels."""

CELLS = 128
"""Squares between nodes whose pixels are worked on together."""

FEW_CELLS = 512
"""With no more of them their share of P is kept, not computed anew."""

COARSEST = 400
"""A level with no more unknowns than this is solved directly."""

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
        H×W×3 in [0, 1], the picture of which L is.
    """

    def __init__(self, laplacian: MattingLaplacian, image: NDArray[np.float32]) -> None:
        self.laplacian = laplacian
        rows, columns = laplacian.rows, laplacian.columns
        basis = np.empty((len(rows), COEFFICIENTS))
        basis[:, :3] = image[rows, columns] - np.float32(0.5)
        basis[:, 3] = 1
        self._basis = basis
        self.lattice, self._hats = _Lattice.over(_hat(rows), _hat(columns))
        self._cells = _Cells.of(rows, columns)
        self._corners = self._cells.corners(self.lattice)
        self._kept: list[tuple[slice, Places, _Seats, Vector]] = []
        self._energy = self._energy_of_laplacian()
        self.coarser: list[tuple[_Lattice, csr_matrix]] = []
        """The further lattices, and how one interpolates to the one before."""
        lattice = self.lattice
        while COEFFICIENTS * len(lattice.rows) > COARSEST:
            lattice, interpolation = lattice.halved()
            self.coarser.append((lattice, interpolation))

    def evaluate(self, coefficients: Vector) -> Vector:
        """Give the opacities, n, that 4 coefficients a node stand for."""
        values = np.zeros_like(self._basis)
        add_product(self._hats, coefficients.reshape(-1, COEFFICIENTS), values)
        return np.asarray(np.einsum("nc,nc->n", values, self._basis))

    def collect(self, residual: Vector) -> Vector:
        """Apply the transpose of `evaluate`."""
        sums = np.zeros((self._hats.shape[1], COEFFICIENTS))
        add_transposed_product(self._hats, residual[:, None] * self._basis, sums)
        return sums.ravel()

    def matrix(self, diagonal: Vector) -> bsr_matrix:
        """Give Pᵀ(L + diag(d))P, where P is `evaluate`."""
        blocks = self._energy.copy()
        for cells, pixels, seats, seated in self._chunks():
            weights = np.zeros(seats.size)
            weights[seats.at] = diagonal[pixels]
            own = np.matmul(
                seated.transpose(0, 2, 1), seated * weights.reshape(seats.cells, -1, 1)
            ).reshape(seats.cells, 4, COEFFICIENTS, 4, COEFFICIENTS)
            for corner, held, nodes in self._corner_nodes(cells):
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
        row of LP, so nine groups of nodes share a column each, and all is dense.
        """
        lattice, laplacian, size = self.lattice, self.laplacian, COEFFICIENTS
        cell_y, near_y = _hat(laplacian.rows)
        cell_x, near_x = _hat(laplacian.columns)
        half = np.zeros((len(lattice.rows), 9, size, size))
        for group in range(3):
            # Three groups at a time: a third of the memory.
            columns = np.zeros((len(cell_y), 3, size))
            for down in (0, 1):
                held = np.flatnonzero((cell_y + down) % 3 == group)
                weight_y = np.abs(1 - down - near_y[held])
                for right in (0, 1):
                    weight = (1 - weight_y) * (1 - np.abs(1 - right - near_x[held]))
                    columns[held, (cell_x[held] + right) % 3] = weight[:, None] * self._basis[held]
            flat = columns.reshape(len(cell_y), -1)
            # Half of L: the earlier classes and half the diagonal; the transpose is the rest.
            product = flat * (laplacian.diagonal / 2)[:, None]
            add_product(laplacian.lower, flat, product)
            for cells, pixels, seats, seated in self._chunks():
                shared = np.zeros((seats.size, 3 * size))
                shared[seats.at] = product[pixels]
                own = np.matmul(
                    seated.transpose(0, 2, 1),
                    shared.reshape(seats.cells, -1, 3 * size),
                ).reshape(seats.cells, 4, size, 3, size)
                for corner, held, nodes in self._corner_nodes(cells):
                    # The step, -1, 0 or 1 an axis, that leads from a node to one of the group.
                    step_y = (group - lattice.rows[nodes] + 1) % 3
                    for other in range(3):
                        step = 3 * step_y + (other - lattice.columns[nodes] + 1) % 3
                        half[nodes, step] += own[held, corner, :, other]
        whole = half.copy()
        for side in range(9):
            held = np.flatnonzero(lattice.neighbours[:, side] >= 0)
            back = half[lattice.neighbours[held, side], 8 - side]
            whole[held, side] += back.transpose(0, 2, 1)
        return whole

    def _chunks(self) -> Iterable[tuple[slice, Places, _Seats, Vector]]:
        """Go through P in pieces: cells, their pixels and seats, and P's entries there.

        The entries are kept where they are few, else computed anew.
        """
        if self._kept:
            return self._kept
        pieces = (
            (cells, pixels, seats, self._seated(pixels, seats))
            for cells, pixels, seats in self._cells.chunks()
        )
        if len(self._cells.rows) <= FEW_CELLS:
            self._kept = list(pieces)
            return self._kept
        return pieces

    def _seated(self, pixels: Places, seats: _Seats) -> Vector:
        """Give P's entries of some cells: pixels of a cell × its four nodes' coefficients."""
        (_, near_y), (_, near_x) = (
            _hat(self.laplacian.rows[pixels]),
            _hat(self.laplacian.columns[pixels]),
        )
        weights = [wy * wx for wy in (near_y, 1 - near_y) for wx in (near_x, 1 - near_x)]
        seated = np.zeros((seats.size, 4, COEFFICIENTS))
        seated[seats.at] = np.stack(weights, axis=1)[:, :, None] * self._basis[pixels, None]
        return seated.reshape(seats.cells, SPACING**2, -1)

    def _corner_nodes(self, cells: slice) -> Iterator[tuple[int, Places, Places]]:
        """List the corners: which cells have a node there, and which."""
        for corner in range(4):
            nodes = self._corners[cells, corner]
            held = np.flatnonzero(nodes >= 0)
            yield corner, held, nodes[held]


@dataclass(frozen=True)
class _Seats:
    """Room for each pixel of some cells, used or not."""

    at: Places
    cells: int

    @property
    def size(self) -> int:
        return self.cells * SPACING**2


@dataclass(frozen=True)
class _Cells:
    """The squares between the first lattice's nodes that hold unknown pixels."""

    rows: Places
    columns: Places
    """Of the cells, in cells."""

    order: Places
    starts: Places
    """Cell k holds the pixels `order[starts[k]:starts[k + 1]]`."""

    seats: Places
    """Where in its cell each of those pixels lies."""

    @classmethod
    def of(cls, rows: Places, columns: Places) -> _Cells:
        across = int(columns.max(initial=0)) // SPACING + 1
        place = rows // SPACING * across + columns // SPACING
        held = np.bincount(place)
        used = np.flatnonzero(held)
        # 16 bits are sorted by radix.
        small = place.astype(np.uint16) if len(held) <= 1 << 16 else place
        order = np.argsort(small, kind="stable")
        return cls(
            rows=used // across,
            columns=used % across,
            order=order,
            starts=np.concatenate([[0], np.cumsum(held[used])]),
            seats=(rows % SPACING * SPACING + columns % SPACING)[order],
        )

    def corners(self, lattice: _Lattice) -> Places:
        """Give each cell's four nodes, -1 where there is none."""
        return np.stack(
            [lattice.at(self.rows + dy, self.columns + dx) for dy in (0, 1) for dx in (0, 1)],
            axis=1,
        )

    def chunks(self) -> Iterator[tuple[slice, Places, _Seats]]:
        """Go through the cells, some hundreds at a time: which, their pixels, and their seats."""
        for first in range(0, len(self.rows), CELLS):
            last = min(first + CELLS, len(self.rows))
            part = slice(self.starts[first], self.starts[last])
            cell = np.repeat(np.arange(last - first), np.diff(self.starts[first : last + 1]))
            seats = _Seats(cell * SPACING**2 + self.seats[part], last - first)
            yield slice(first, last), self.order[part], seats


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
        used = np.zeros((int(y.max(initial=0)) + 4) * width, bool)
        used[corners[held]] = True
        rows, columns = np.divmod(np.flatnonzero(used), width)
        classes = rows % 2 * 2 + columns % 2
        order = np.argsort(classes, kind="stable")
        rows, columns = rows[order], columns[order]
        numbers = np.full(len(used), -1, np.int32)
        numbers[rows * width + columns] = np.arange(len(rows), dtype=np.int32)
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(held, axis=1))])
        interpolation = csr_matrix(
            (weights[held], numbers[corners[held]], starts.astype(np.int32)),
            shape=(len(corners), len(rows)),
        )
        bounds = (0, *np.cumsum(np.bincount(classes, minlength=4)).tolist())
        return cls(rows - 1, columns - 1, bounds, numbers.reshape(-1, width)), interpolation

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


def _hat(where: Places) -> tuple[Places, Vector]:
    # 1 at a node and the pixel beside it, 0 from a pixel before the next node on.
    return where // SPACING, np.clip((SPACING - 1 - where % SPACING) / (SPACING - 2), 0, 1)


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
        self._local = local
        self._finest = _Level.of(laplacian.diagonal + diagonal, laplacian.lower, laplacian.bounds)
        self._levels: list[_Level] = []
        self._down: list[Any] = []
        matrix, self._normal = _normalised(local.matrix(diagonal))
        normal, lattice = self._normal, local.lattice
        for coarser, interpolation in local.coarser:
            lower = _strictly_lower(matrix, lattice.bounds)
            bounds = tuple(COEFFICIENTS * bound for bound in lattice.bounds)
            self._levels.append(_Level.of(np.ones(matrix.shape[0]), lower.tocsr(), bounds))
            down = _of_coefficients(interpolation, np.linalg.inv(normal))
            half = down.T @ (lower @ down)
            matrix = half + half.T + down.T @ down
            matrix, normal = _normalised(matrix.tobsr(blocksize=(COEFFICIENTS, COEFFICIENTS)))
            self._down.append((down @ _block_diagonal(normal)).tocsr())
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
            product = self._finest.apply(direction)
            step = agreement / float(direction @ product)
            solution += step * direction
            residual -= step * product
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
            return np.asarray(cho_solve(self._direct, target))
        level, down = self._levels[depth], self._down[depth]
        solution, left = level.sweep_forward(target)
        coarse = np.zeros(down.shape[1])
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
        NᵀMN, and the blocks of N.
    """
    nodes = matrix.shape[0] // COEFFICIENTS
    block_row = np.repeat(np.arange(nodes), np.diff(matrix.indptr))
    on_diagonal = np.flatnonzero(block_row == matrix.indices)
    own = np.zeros((nodes, COEFFICIENTS, COEFFICIENTS))
    own[block_row[on_diagonal]] = matrix.data[on_diagonal]
    ridge = RIDGE * np.trace(own, axis1=1, axis2=2) + np.finfo(np.float64).tiny
    own += ridge[:, None, None] * np.eye(COEFFICIENTS)
    normal = np.linalg.inv(np.linalg.cholesky(own)).transpose(0, 2, 1)
    data = np.matmul(
        normal[block_row].transpose(0, 2, 1), np.matmul(matrix.data, normal[matrix.indices])
    )
    data[on_diagonal] = np.eye(COEFFICIENTS)
    return bsr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape), normal


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
