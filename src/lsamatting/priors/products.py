"""Products of sparse matrices and vectors, added to what is there.

SciPy's operators spend longer on checks than a small product takes, and a picture needs hundreds
of them; they also allocate each result. These call the routines that SciPy's operators end in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import _sparsetools, csr_matrix

Array = NDArray[np.floating[Any]]


def summing(target: NDArray[np.integer[Any]], size: int, dtype: Any) -> csr_matrix:
    """Give the m×`size` matrix whose transposed product sums rows that have the same target.

    Parameters
    ----------
    target:
        m: where each row is added, -1 for nowhere.
    size:
        How many targets there are.
    dtype:
        Of what is to be summed.
    """
    held = target >= 0
    starts = np.concatenate([[0], np.cumsum(held)]).astype(np.int32)
    indices = target[held].astype(np.int32)
    return csr_matrix((np.ones(len(indices), dtype), indices, starts), shape=(len(target), size))


def add_product(matrix: csr_matrix, array: Array, out: Array, *, rows: slice = slice(None)) -> None:
    """Add some rows of a matrix times a vector, or times each column of an array, to `out`.

    Parameters
    ----------
    matrix:
        m×n.
    array:
        n or n×k, contiguous.
    out:
        As many as there are `rows`, or that many by k; contiguous, of the matrix's type.
    rows:
        Which rows to multiply.
    """
    starts = _starts(matrix, rows)
    size = len(starts) - 1, matrix.shape[1]
    _add(_sparsetools.csr_matvec, _sparsetools.csr_matvecs, size, starts, matrix, array, out)


def add_transposed_product(
    matrix: csr_matrix, array: Array, out: Array, *, rows: slice = slice(None)
) -> None:
    """Add the transpose of some rows of a matrix times a vector or an array's columns to `out`.

    Parameters
    ----------
    matrix:
        m×n.
    array:
        As many as there are `rows`, or that many by k; contiguous.
    out:
        n or n×k, contiguous, of the matrix's type.
    rows:
        Which rows to multiply.
    """
    starts = _starts(matrix, rows)
    # The rows of a matrix are the columns of its transpose.
    size = matrix.shape[1], len(starts) - 1
    _add(_sparsetools.csc_matvec, _sparsetools.csc_matvecs, size, starts, matrix, array, out)


def _add(
    of_vector: Callable[..., None],
    of_columns: Callable[..., None],
    size: tuple[int, int],
    starts: NDArray[np.int32],
    matrix: csr_matrix,
    array: Array,
    out: Array,
) -> None:
    stored = starts, matrix.indices, matrix.data
    if array.ndim == 1:
        of_vector(*size, *stored, array, out)
    else:
        of_columns(*size, array.shape[1], *stored, array.ravel(), out.ravel())


def _starts(matrix: csr_matrix, rows: slice) -> NDArray[np.int32]:
    if rows.stop is None:
        return np.asarray(matrix.indptr)
    return np.asarray(matrix.indptr[rows.start : rows.stop + 1])
