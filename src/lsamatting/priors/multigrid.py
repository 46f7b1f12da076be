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

Vector = NDArray[np.float64]

SPACING = 8
"""Pixels between the nodes of the first lattice. Hats are flat at the top and reach so far that,
with a window's reach added, a node meets its eight neighbours only."""

COARSEST = 400
"""A level with no more unknowns than this is solved directly."""

RIDGE = 1e-8
"""Added to each node's own 4×4 matrix, as a share of its trace: where colours are flat the four
coefficients mean the same."""


@dataclass(frozen=True)
class _Level:
    """A matrix D + C + Cᵀ taken apart into the rows of its classes, and the way down from it."""

    diagonal: Vector
    lower: csr_matrix
    classes: tuple[tuple[slice, csr_matrix, Any], ...]
    """Unknowns of a class, their rows of C, and those rows' transpose."""

    prolongation: csr_matrix
    restriction: Any

    @classmethod
    def of(
        cls, diagonal: Vector, lower: csr_matrix, bounds: tuple[int, ...], prolongation: csr_matrix
    ) -> _Level:
        classes = []
        for start, stop in pairwise(bounds):
            first, last = lower.indptr[start], lower.indptr[stop]
            rows = csr_matrix(
                (
                    lower.data[first:last],
                    lower.indices[first:last],
                    lower.indptr[start : stop + 1] - first,
                ),
                shape=(stop - start, start),
            )
            classes.append((slice(start, stop), rows, rows.T))
        return cls(diagonal, lower, tuple(classes), prolongation, prolongation.T)

    def apply(self, vector: Vector) -> Vector:
        product: Vector = self.lower @ vector
        product += self.lower.T @ vector
        product += self.diagonal * vector
        return product

    def sweep_forward(self, target: Vector) -> Vector:
        """Solve (D + C) x = target."""
        solution = np.empty_like(target)
        for part, rows, _ in self.classes:
            solution[part] = (target[part] - rows @ solution[: part.start]) / self.diagonal[part]
        return solution

    def sweep_backward(self, target: Vector) -> Vector:
        """Solve (D + Cᵀ) x = target."""
        rest = target.copy()
        for part, _, transposed in reversed(self.classes):
            rest[part] /= self.diagonal[part]
            rest[: part.start] -= transposed @ rest[part]
        return rest


class Multigrid:
    """Preconditioned conjugate gradients for (L + diag(d)) α = t over the unknown pixels.

    Parameters
    ----------
    laplacian:
        L.
    image:
        H×W×3 in [0, 1], the picture of which L is.
    diagonal:
        n, positive: what is added to L.
    """

    def __init__(
        self, laplacian: MattingLaplacian, image: NDArray[np.float32], diagonal: Vector
    ) -> None:
        self._levels: list[_Level] = []
        lower, main = laplacian.lower, laplacian.diagonal + diagonal
        bounds = laplacian.bounds
        colours = image[laplacian.rows, laplacian.columns].astype(np.float64)
        basis = np.concatenate([colours - 0.5, np.ones((len(colours), 1))], axis=1)
        hats, rows, columns = _hats(laplacian.rows, laplacian.columns)
        down = _with_basis(hats, basis)
        while True:
            matrix = _galerkin(main, lower, down)
            matrix, normal = _normalised(matrix)
            self._levels.append(_Level.of(main, lower, bounds, (down @ normal).tocsr()))
            if matrix.shape[0] <= COARSEST:
                break
            bounds = _class_bounds(rows, columns)
            lower, main = _strictly_lower(matrix, bounds), matrix.diagonal()
            hats, rows, columns = _bilinear(rows, columns)
            inverse = bsr_matrix(
                (np.linalg.inv(normal.data), normal.indices, normal.indptr), shape=normal.shape
            )
            down = (inverse @ _with_basis(hats, None)).tocsr()
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
        finest = self._levels[0]
        solution = start.copy()
        residual = target - finest.apply(solution)
        goal = tolerance * float(np.linalg.norm(target))
        direction = np.zeros_like(residual)
        previous = 1.0
        for iteration in range(most_iterations):
            if float(np.linalg.norm(residual)) <= goal:
                return solution, iteration
            steered = self._cycle(0, residual)
            agreement = float(residual @ steered)
            if not agreement > 0:
                return solution, iteration
            direction = steered + (agreement / previous) * direction
            product = finest.apply(direction)
            step = agreement / float(direction @ product)
            solution += step * direction
            residual -= step * product
            previous = agreement
        return solution, most_iterations

    def _cycle(self, depth: int, target: Vector) -> Vector:
        if depth == len(self._levels):
            return np.asarray(cho_solve(self._direct, target))
        level = self._levels[depth]
        solution = level.sweep_forward(target)
        # What is left after that sweep is -Cᵀx.
        left = -(level.lower.T @ solution)
        correction = level.prolongation @ self._cycle(depth + 1, level.restriction @ left)
        left -= level.apply(correction)
        solution += correction
        solution += level.sweep_backward(left)
        return solution


def _hats(
    rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[csr_matrix, NDArray[np.intp], NDArray[np.intp]]:
    """Give the pixels' weights at the nodes of the first lattice, and where those nodes are."""

    def along(where: NDArray[np.intp]) -> tuple[NDArray[np.intp], Vector]:
        # 1 at a node and the pixel beside it, 0 from a pixel before the next node on.
        return where // SPACING, np.clip((SPACING - 1 - where % SPACING) / (SPACING - 2), 0, 1)

    return _interpolation(*along(rows), *along(columns))


def _bilinear(
    rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[csr_matrix, NDArray[np.intp], NDArray[np.intp]]:
    """Give the nodes' weights at the nodes of the next lattice, and where those are."""
    return _interpolation(rows // 2, 1 - rows % 2 / 2, columns // 2, 1 - columns % 2 / 2)


def _interpolation(
    y: NDArray[np.intp], near_y: Vector, x: NDArray[np.intp], near_x: Vector
) -> tuple[csr_matrix, NDArray[np.intp], NDArray[np.intp]]:
    width = int(x.max()) + 2
    count = len(y)
    indices = np.stack([(y + dy) * width + x + dx for dy in (0, 1) for dx in (0, 1)], axis=1)
    weights = np.stack(
        [wy * wx for wy in (near_y, 1 - near_y) for wx in (near_x, 1 - near_x)], axis=1
    )
    held = np.unique(indices[weights > 0])
    node_y, node_x = held // width, held % width
    order = np.argsort(node_y % 2 * 2 + node_x % 2, kind="stable")
    number = np.zeros((int(y.max()) + 2) * width, np.int32)
    number[held[order]] = np.arange(len(held), dtype=np.int32)
    hats = csr_matrix(
        (weights.ravel(), number[indices].ravel(), np.arange(count + 1, dtype=np.int32) * 4),
        shape=(count, len(held)),
    )
    hats.eliminate_zeros()
    return hats, node_y[order], node_x[order]


def _with_basis(hats: csr_matrix, basis: Vector | None) -> Any:
    """Interpolate four coefficients a node, and evaluate them where a basis is given."""
    if basis is None:
        blocks = hats.data[:, None, None] * np.eye(4)
        return bsr_matrix(
            (blocks, hats.indices, hats.indptr), shape=(4 * hats.shape[0], 4 * hats.shape[1])
        )
    counts = np.diff(hats.indptr)
    data = hats.data[:, None] * np.repeat(basis, counts, axis=0)
    indices = hats.indices[:, None] * 4 + np.arange(4, dtype=np.int32)
    return csr_matrix(
        (data.ravel(), indices.ravel(), hats.indptr * 4),
        shape=(hats.shape[0], 4 * hats.shape[1]),
    )


def _galerkin(diagonal: Vector, lower: csr_matrix, down: csr_matrix) -> bsr_matrix:
    """Compute Pᵀ(D + C + Cᵀ)P."""
    up = down.T.tocsr()
    half = up @ (lower @ down)
    scaled = down.copy()
    scaled.data *= np.repeat(diagonal, np.diff(down.indptr))
    return (half + half.T + up @ scaled).tobsr(blocksize=(4, 4))


def _normalised(matrix: bsr_matrix) -> tuple[csr_matrix, bsr_matrix]:
    """Choose coefficients in which each node's own 4×4 matrix is the identity.

    Returns
    -------
    matrix, normal:
        NᵀMN, and the block diagonal N.
    """
    nodes = matrix.shape[0] // 4
    own = np.zeros((nodes, 4, 4))
    block_row = np.repeat(np.arange(nodes), np.diff(matrix.indptr))
    diagonal = np.flatnonzero(block_row == matrix.indices)
    own[block_row[diagonal]] = matrix.data[diagonal]
    ridge = RIDGE * np.trace(own, axis1=1, axis2=2) + np.finfo(np.float64).tiny
    own += ridge[:, None, None] * np.eye(4)
    normal = np.linalg.inv(np.linalg.cholesky(own)).transpose(0, 2, 1)
    matrix = matrix.copy()
    matrix.data[diagonal] = own[block_row[diagonal]]
    matrix.data = np.matmul(
        normal[block_row].transpose(0, 2, 1), np.matmul(matrix.data, normal[matrix.indices])
    )
    starts = np.arange(nodes + 1, dtype=np.int32)
    return matrix.tocsr(), bsr_matrix((normal, starts[:-1], starts), shape=(4 * nodes, 4 * nodes))


def _class_bounds(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[int, ...]:
    counts = np.bincount(rows % 2 * 2 + columns % 2, minlength=4)
    return (0, *(4 * np.cumsum(counts)).tolist())


def _strictly_lower(matrix: csr_matrix, bounds: tuple[int, ...]) -> csr_matrix:
    """Keep the couplings to earlier classes."""
    entries = matrix.tocoo()
    number = np.searchsorted(bounds, np.arange(matrix.shape[0]), side="right")
    kept = number[entries.col] < number[entries.row]
    return csr_matrix(
        (entries.data[kept], (entries.row[kept], entries.col[kept])), shape=matrix.shape
    )
