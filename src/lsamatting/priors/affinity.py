"""Closed-form matting on a coarse grid, held to the colour prior: the strongest of the priors.

Levin et al., "A closed-form solution to natural image matting", PAMI 2008: if foreground and
background each lie on a line in colour space within every 3×3 window, opacity is an affine
function of colour there, which gives a quadratic energy αᵀLα. Here it is minimised over the
unknown pixels of a grid at half resolution, together with a weak pull towards the opacity that
the extended colours imply:

    αᵀLα + λ‖α − α_colour‖²

Half resolution costs a tenth of the time, and the pull keeps the system well conditioned where no
affinity reaches.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pymatting.laplacian.cf_laplacian import cf_laplacian
from pymatting.preconditioner.ichol import ichol
from scipy.sparse import csr_matrix

from lsamatting.priors.grid import enlarge, shrink, shrink_known
from lsamatting.silence import silence_prints

EPSILON = 1e-5
"""Regularisation of the windows' colour covariances (ε in Levin et al.)."""

COLOUR_WEIGHT = 3e-4
"""λ: the weight of the colour prior."""

TOLERANCE = 1e-3
"""Residual, relative to the right-hand side, at which conjugate gradients stop."""

MOST_ITERATIONS = 200
"""They stop here in any case: a prior need not be exact."""

DISCARD_THRESHOLD = 3e-3
"""Entries of the incomplete Cholesky factor below this are dropped."""

SHIFTS = (0.0, 1e-3, 1e-2, 1e-1, 0.5)
"""Added to the diagonal in turn should the incomplete factorisation break down."""

LARGEST_SYSTEM = 300_000
"""With more unknown pixels than this the grid is halved again, to bound time and memory."""


def affinity_alpha(
    image: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    background: NDArray[np.bool_],
    colour_alpha: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Minimise the energy over the pixels that are neither foreground nor background.

    Parameters
    ----------
    image:
        H×W×3 in [0, 1].
    foreground, background:
        H×W, True where known.
    colour_alpha:
        H×W in [0, 1]: the opacity towards which unknown pixels are pulled.

    Returns
    -------
    ndarray
        H×W in [0, 1], 1 and 0 on the known pixels.
    """
    height, width = foreground.shape
    unknown = ~(foreground | background)
    count = int(np.count_nonzero(unknown))
    if min(height, width) < 3:
        return np.asarray(np.where(unknown, colour_alpha, foreground), np.float32)
    if count > LARGEST_SYSTEM:
        coarse = ((width + 1) // 2, (height + 1) // 2)
        halved = affinity_alpha(
            shrink(image, coarse),
            shrink_known(foreground, coarse),
            shrink_known(background, coarse),
            shrink(colour_alpha, coarse),
        )
        alpha = enlarge(halved, (width, height))
        return np.asarray(np.where(unknown, alpha, foreground), np.float32)
    alpha = foreground.astype(np.float32)
    if count == 0:
        return alpha
    laplacian = cf_laplacian(
        image.astype(np.float64), epsilon=EPSILON, radius=1, is_known=~unknown
    ).tocsr()
    rows = laplacian[np.flatnonzero(unknown)]
    system = rows[:, np.flatnonzero(unknown)]
    system.setdiag(system.diagonal() + COLOUR_WEIGHT)
    pull = colour_alpha[unknown].astype(np.float64)
    target = COLOUR_WEIGHT * pull - rows @ foreground.ravel().astype(np.float64)
    # PyMatting prints a line for each shift that fails; standard output is the caller's.
    with silence_prints():
        factor = ichol(system.tocsc(), discard_threshold=DISCARD_THRESHOLD, shifts=SHIFTS)
    solution = _conjugate_gradients(system, target, pull, factor)
    alpha[unknown] = np.clip(solution, 0, 1)
    return alpha


def _conjugate_gradients(
    system: csr_matrix,
    target: NDArray[np.float64],
    start: NDArray[np.float64],
    precondition: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Solve a symmetric positive definite system; where it cannot go on, give what it has."""
    solution = start.copy()
    residual = target - system @ solution
    goal = TOLERANCE * float(np.linalg.norm(target))
    direction = np.zeros_like(residual)
    previous = 1.0
    for _ in range(MOST_ITERATIONS):
        if float(np.linalg.norm(residual)) <= goal:
            break
        steered = precondition(residual)
        agreement = float(residual @ steered)
        if not agreement > 0:
            break
        direction = steered + (agreement / previous) * direction
        product = system @ direction
        step = agreement / float(direction @ product)
        solution += step * direction
        residual -= step * product
        previous = agreement
    return solution
