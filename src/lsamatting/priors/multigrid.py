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
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import bsr_matrix, csr_matrix

from lsamatting.priors.coarse_energy import COEFFICIENTS
from lsamatting.priors.couplings import Vector
from lsamatting.priors.local_affine import LocalAffine
from lsamatting.priors.products import add_product, add_transposed_product

BLOCKS = 65536
"""Blocks of a coarse matrix that are worked on together."""

RIDGE = 1e-8
"""Added to each node's own 4×4 matrix, as a share of its trace: where colours are flat the four
coefficients mean the same."""


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
            self._levels.append(_Level.of(ones, _of_type(lower, dtype), bounds))
            del matrix
            down = _of_coefficients(interpolation, np.linalg.inv(normal))
            half = down.T @ (lower @ down + down / 2)
            del lower
            matrix = half + half.T
            matrix, normal = _normalised(matrix.tobsr(blocksize=(COEFFICIENTS, COEFFICIENTS)))
            self._down.append(_of_type(down @ _block_diagonal(normal), dtype))
            lattice = coarser
        self._direct = cho_factor(matrix.toarray(), overwrite_a=True, check_finite=False)

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
        direction, product = np.zeros((2, len(residual)), residual.dtype)
        previous = 1.0
        for iteration in range(most_iterations):
            if float(np.linalg.norm(residual)) <= goal:
                return solution, iteration
            steered, image = self._precondition(residual)
            agreement = float(residual @ steered)
            if not agreement > 0:
                return solution, iteration
            # The matrix times the direction, by the same steps as the direction itself.
            for total, own in ((direction, steered), (product, image)):
                total *= agreement / previous
                total += own
            curvature = float(direction @ product)
            if not curvature > 0:
                # Of a residual that is nothing but rounding single precision may see none.
                return solution, iteration
            step = agreement / curvature
            residual -= np.multiply(product, step, out=image)
            solution += np.multiply(direction, step, out=steered)
            previous = agreement
        return solution, most_iterations

    def _precondition(self, target: Vector) -> tuple[Vector, Vector]:
        """Give what one cycle makes of a residual, and the matrix times that."""
        level = self._finest
        solution, left = level.sweep_forward(target)
        collected = self._local.collect(left).reshape(-1, COEFFICIENTS, 1)
        coarse = np.matmul(self._normal.transpose(0, 2, 1), collected).ravel()
        found = self._cycle(0, coarse).reshape(-1, COEFFICIENTS, 1)
        correction = self._local.evaluate(np.matmul(self._normal, found).ravel())
        left -= level.apply(correction)
        solution += correction
        relaxed = level.sweep_backward(left)
        solution += relaxed
        # With (D + Cᵀ) y = t − M x, what was left before, M (x + y) is t + C y.
        image = target.copy()
        add_product(level.lower, relaxed, image)
        return solution, image

    def _cycle(self, depth: int, target: Vector) -> Vector:
        if depth == len(self._levels):
            found = cho_solve(self._direct, target, check_finite=False)
            return np.asarray(found, target.dtype)
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


def _of_type(matrix: bsr_matrix, dtype: Any) -> csr_matrix:
    """Turn blocks of which none are twice there into single entries of this type."""
    # SciPy's own conversion looks for such, row by row in Python.
    data = matrix.data.astype(dtype)
    return bsr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape).tocsr()


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
    own[:, range(COEFFICIENTS), range(COEFFICIENTS)] += ridge[:, None]
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
