"""KNN matting (Chen et al., "KNN matting", TPAMI 2013) with PyMatting's Laplacian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-7
"""Of the residual, relative to the right-hand side; PyMatting's."""


def knn_matting(pixels: NDArray[np.float64], trimap: NDArray[np.float64]) -> NDArray[Any]:
    """Estimate opacity by the affinities of PyMatting's `knn_laplacian`.

    PyMatting's own `estimate_alpha_knn` solves for the known pixels too, which it holds by a weight
    of 100, and takes minutes where this takes a second: here they are given. Opacities differ by
    the little that such a weight yields.

    Parameters
    ----------
    pixels
        H×W×3, RGB in [0, 1].
    trimap
        H×W: 0 background, 1 foreground, between them unknown.

    Returns
    -------
    ndarray
        H×W in [0, 1].

    Raises
    ------
    ImportError
        PyMatting is not installed.
    """
    from pymatting.laplacian.knn_laplacian import knn_laplacian
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    alpha = trimap.ravel().astype(np.float64)
    unknown = (alpha > 0) & (alpha < 1)
    if not unknown.any():
        return trimap.astype(np.float64)
    rows = knn_laplacian(pixels).tocsr()[unknown]
    matrix = rows[:, unknown]
    pull = -(rows[:, ~unknown] @ alpha[~unknown])
    diagonal = matrix.diagonal()
    solution, _ = cg(matrix, pull, rtol=TOLERANCE, maxiter=10_000, M=diags_array(1 / diagonal))
    alpha[unknown] = np.clip(solution, 0, 1)
    return alpha.reshape(trimap.shape)
