"""Products of sparse matrices and vectors, added to what is there.

SciPy's operators spend longer on checks than a small product takes, and a picture needs hundreds
of them; they also allocate each result. These call the routines that SciPy's operators end in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import _sparsetools, csr_matrix

Array = NDArray[np.floating[Any]]


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
    count, width = len(starts) - 1, matrix.shape[1]
    if array.ndim == 1:
        _sparsetools.csr_matvec(count, width, starts, matrix.indices, matrix.data, array, out)
    else:
        _sparsetools.csr_matvecs(
            count,
            width,
            array.shape[1],
            starts,
            matrix.indices,
            matrix.data,
            array.ravel(),
            out.ravel(),
        )


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
    count, width = len(starts) - 1, matrix.shape[1]
    if array.ndim == 1:
        _sparsetools.csc_matvec(width, count, starts, matrix.indices, matrix.data, array, out)
    else:
        _sparsetools.csc_matvecs(
            width,
            count,
            array.shape[1],
            starts,
            matrix.indices,
            matrix.data,
            array.ravel(),
            out.ravel(),
        )


def _starts(matrix: csr_matrix, rows: slice) -> NDArray[np.int32]:
    if rows.stop is None:
        return np.asarray(matrix.indptr)
    return np.asarray(matrix.indptr[rows.start : rows.stop + 1])
