"""Closed-form matting on a coarse grid, held to the colour prior.

Levin et al., "A closed-form solution to natural image matting", PAMI 2008: if foreground and
background each lie on a line in colour space within every 3×3 window, opacity is an affine
function of colour there, which gives a quadratic energy αᵀLα. Here it is minimised over the
unknown pixels of a grid at half resolution, together with a weak pull towards the opacity that
the extended colours imply:

    αᵀLα + λ‖α − α_colour‖²

Half resolution takes a quarter of the work and loses what is fine; the pull decides where no
affinity reaches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.priors.grid import enlarge, shrink, shrink_known
from lsamatting.priors.laplacian import matting_laplacian
from lsamatting.priors.multigrid import LocalAffine, Multigrid

EPSILON = 1e-5
"""Regularisation of the windows' colour covariances (ε in Levin et al.)."""

COLOUR_WEIGHT = 3e-4
"""λ: the weight of the colour prior."""

TOLERANCE = 1e-3
"""Residual, relative to the right-hand side, at which the solver stops."""

MOST_ITERATIONS = 100
"""It stops here in any case: a prior need not be exact."""

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
    laplacian = matting_laplacian(image, foreground, unknown, epsilon=EPSILON)
    pixels = laplacian.rows, laplacian.columns
    pull = colour_alpha[pixels].astype(np.float64)
    solution, _ = Multigrid(LocalAffine(laplacian, image), np.full(count, COLOUR_WEIGHT)).solve(
        laplacian.pull + COLOUR_WEIGHT * pull,
        start=pull,
        tolerance=TOLERANCE,
        most_iterations=MOST_ITERATIONS,
    )
    alpha[pixels] = np.clip(solution, 0, 1)
    return alpha
