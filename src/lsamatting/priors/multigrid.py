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

from dataclasses import dataclass
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
        self._lattice = _Lattice.over(_hat(rows), _hat(columns))
        self._hats = self._lattice.interpolation
        cell = rows // SPACING * (columns.max(initial=0) // SPACING + 1) + columns // SPACING
        used, cell = np.unique(cell, return_inverse=True)
        self._cells = len(used)
        self._seat = cell * SPACING**2 + rows % SPACING * SPACING + columns % SPACING
        corner_nodes = np.zeros((self._cells, 4), np.intp)
        corner_nodes[cell] = self._lattice.corners
        self._corner_nodes = corner_nodes
        corner_used = np.zeros((self._cells, 4), bool)
        for corner in range(4):
            corner_used[cell[self._lattice.weights[:, corner] > 0], corner] = True
        self._corner_used = corner_used
        seated = np.zeros((self._cells * SPACING**2, 4 * COEFFICIENTS))
        spread = self._lattice.weights[:, :, None] * basis[:, None]
        seated[self._seat] = spread.reshape(len(rows), -1)
        self._seated = seated.reshape(self._cells, SPACING**2, -1)
        self._energy = self._energy_of_laplacian(spread)

    @property
    def nodes(self) -> _Lattice:
        """The lattice."""
        return self._lattice

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
        seated = np.zeros(self._cells * SPACING**2)
        seated[self._seat] = diagonal
        scaled = self._seated * seated.reshape(self._cells, -1, 1)
        own = np.matmul(self._seated.transpose(0, 2, 1), scaled)
        blocks = own.reshape(-1, 4, COEFFICIENTS, 4, COEFFICIENTS).transpose(0, 1, 3, 2, 4)
        rows = np.repeat(self._corner_nodes, 4, axis=1)
        columns = np.tile(self._corner_nodes, 4)
        count = len(self._lattice.rows)
        # Corners without weight stand for node 0 and add nothing.
        return self._energy + _blocks_at(
            rows.ravel(), columns.ravel(), blocks.reshape(-1, COEFFICIENTS, COEFFICIENTS), count
        )

    def _energy_of_laplacian(self, spread: Vector) -> bsr_matrix:
        """Compute PᵀLP.

        Hats are flat around a node and end so soon that, with a window's reach added, a node meets
        its eight neighbours only. Nodes whose coordinates are equal modulo 3 then never meet in a
        row of LP, so nine groups of nodes share a column each, and all is dense.
        """
        lattice, laplacian = self._lattice, self.laplacian
        count, size = len(lattice.rows), COEFFICIENTS
        y, x = laplacian.rows // SPACING, laplacian.columns // SPACING
        sums = np.zeros((count, size, 9, size))
        for first in range(3):
            # Three groups at a time: a third of the memory.
            columns = np.zeros((len(spread), 3, size))
            for corner in range(4):
                held = np.flatnonzero((y + corner // 2) % 3 == first)
                columns[held, (x[held] + corner % 2) % 3] = spread[held, corner]
            flat = columns.reshape(len(spread), -1)
            # Half of L: the earlier classes and half the diagonal; the transpose is the rest.
            product = flat * (laplacian.diagonal / 2)[:, None]
            add_product(laplacian.lower, flat, product)
            seated = np.zeros((self._cells * SPACING**2, 3 * size))
            seated[self._seat] = product
            own = np.matmul(
                self._seated.transpose(0, 2, 1), seated.reshape(self._cells, SPACING**2, -1)
            ).reshape(self._cells, 4, size, 3, size)
            for corner in range(4):
                # Node 0 also stands for corners without weight, whose sums are 0.
                held = np.flatnonzero(self._corner_used[:, corner])
                sums[self._corner_nodes[held, corner], :, 3 * first : 3 * first + 3] += own[
                    held, corner
                ]
        number = np.full((int(lattice.rows.max()) + 3, int(lattice.columns.max()) + 3), -1)
        number[lattice.rows + 1, lattice.columns + 1] = np.arange(count)
        # The node of a group among a node's nine: the step, -1, 0 or 1, that leads there.
        groups = np.arange(3)
        step_y = (groups - lattice.rows[:, None] + 1) % 3
        step_x = (groups - lattice.columns[:, None] + 1) % 3
        met = number[
            (lattice.rows[:, None] + step_y)[:, :, None],
            (lattice.columns[:, None] + step_x)[:, None],
        ].reshape(count, 9)
        exists = met >= 0
        half = bsr_matrix(
            (
                sums.transpose(0, 2, 1, 3)[exists],
                met[exists].astype(np.int32),
                np.concatenate([[0], np.cumsum(np.count_nonzero(exists, axis=1))]).astype(np.int32),
            ),
            shape=(count * size, count * size),
        )
        return half + half.T


@dataclass(frozen=True)
class _Lattice:
    """Nodes that hold some of what is interpolated, sorted by the parity of their coordinates."""

    rows: Places
    columns: Places
    bounds: tuple[int, ...]
    """Of the classes by parity: nodes that are no neighbours."""

    corners: Places
    weights: Vector
    """Four nodes of each point and its weights there; node 0 where the weight is 0."""

    @classmethod
    def over(cls, vertical: tuple[Places, Vector], horizontal: tuple[Places, Vector]) -> _Lattice:
        """Lay a lattice over points: per axis, the node before a point, and its weight there."""
        (y, near_y), (x, near_x) = vertical, horizontal
        width = int(x.max(initial=0)) + 2
        corners = np.stack([(y + dy) * width + x + dx for dy in (0, 1) for dx in (0, 1)], axis=1)
        weights = np.stack(
            [wy * wx for wy in (near_y, 1 - near_y) for wx in (near_x, 1 - near_x)], axis=1
        )
        used = np.zeros((int(y.max(initial=0)) + 2) * width, bool)
        used[corners[weights > 0]] = True
        rows, columns = np.divmod(np.flatnonzero(used), width)
        classes = rows % 2 * 2 + columns % 2
        order = np.argsort(classes, kind="stable")
        rows, columns = rows[order], columns[order]
        number = np.zeros(len(used), np.intp)
        number[rows * width + columns] = np.arange(len(rows))
        return cls(
            rows=rows,
            columns=columns,
            bounds=(0, *np.cumsum(np.bincount(classes, minlength=4)).tolist()),
            corners=number[corners],
            weights=weights,
        )

    @property
    def interpolation(self) -> csr_matrix:
        """Points × nodes."""
        held = self.weights > 0
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(held, axis=1))])
        return csr_matrix(
            (
                self.weights[held],
                self.corners[held].astype(np.int32),
                starts.astype(np.int32),
            ),
            shape=(len(self.corners), len(self.rows)),
        )

    def coarser(self) -> _Lattice:
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
        lattice = local.nodes
        matrix, self._normal = _normalised(local.matrix(diagonal))
        normal = self._normal
        while matrix.shape[0] > COARSEST:
            lower = _strictly_lower(matrix, lattice.bounds)
            bounds = tuple(COEFFICIENTS * bound for bound in lattice.bounds)
            self._levels.append(_Level.of(np.ones(matrix.shape[0]), lower.tocsr(), bounds))
            lattice = lattice.coarser()
            down = _of_coefficients(lattice.interpolation, np.linalg.inv(normal))
            half = down.T @ (lower @ down)
            matrix = half + half.T + down.T @ down
            matrix, normal = _normalised(matrix.tobsr(blocksize=(COEFFICIENTS, COEFFICIENTS)))
            self._down.append((down @ _block_diagonal(normal)).tocsr())
        self._direct = cho_factor(matrix.toarray())

    def solve(
        self, target: Vector, *, start: Vector, tolerance: float, most_iterations: int
    ) -> tuple[Vector, int]:
        """Iterate from `start` until the residual's norm is `tolerance` times the target's.

        Returns
        -------
        solution, iterations:
            n, and how many it took.
        """
        solution = start.copy()
        residual = target - self._finest.apply(solution)
        goal = tolerance * float(np.linalg.norm(target))
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


def _blocks_at(rows: Places, columns: Places, blocks: Vector, count: int) -> bsr_matrix:
    """Sum 4×4 blocks into a matrix of count×count blocks."""
    order = np.lexsort((columns, rows))
    key = rows[order] * count + columns[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    data = np.add.reduceat(blocks[order], first, axis=0)
    starts = np.searchsorted(rows[order][first], np.arange(count + 1)).astype(np.int32)
    return bsr_matrix(
        (data, columns[order][first].astype(np.int32), starts),
        shape=(count * COEFFICIENTS, count * COEFFICIENTS),
    )


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
