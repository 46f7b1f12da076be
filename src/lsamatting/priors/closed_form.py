"""Closed-form matting at full resolution, alone and held to the colour mixtures.

With the matting Laplacian L, both are minimisers over the unknown pixels:

    αᵀLα + δ‖α − a‖²                  closed form
    αᵀLα + σ Σ η (α − a)² + δ‖α − a‖²  joint

where a is the mixture's opacity, η the confidence in it, and the tiny δ decides where no affinity
reaches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.priors.laplacian import MattingLaplacian, matting_laplacian
from lsamatting.priors.mixture import Mixture
from lsamatting.priors.multigrid import LocalAffine, Multigrid

MIXTURE_WEIGHT = 0.05
"""σ: what the mixture's opacity weighs where it is certain."""

FAINT_PULL = 1e-6
"""δ."""

TOLERANCE = 3e-3
"""Residual, relative to the right-hand side, at which the solver stops. The error of the joint
opacity is by then what it stays; that of closed form alone would grow from there on, as what no
affinity determines is carried along."""

MOST_ITERATIONS = 100
"""It stops here in any case."""


class ClosedForm:
    """The affinities of one picture and its trimap.

    Parameters
    ----------
    image:
        H×W×3 in [0, 1].
    foreground, background:
        H×W, True where known.
    """

    def __init__(
        self,
        image: NDArray[np.float32],
        foreground: NDArray[np.bool_],
        background: NDArray[np.bool_],
    ) -> None:
        self.foreground = foreground
        self.laplacian: MattingLaplacian = matting_laplacian(
            image, foreground, ~(foreground | background)
        )
        known = len(self.laplacian.rows) == 0
        self._local = None if known else LocalAffine(self.laplacian, image)

    def alpha(
        self, mixture: Mixture, *, weight: float, tolerance: float = TOLERANCE
    ) -> NDArray[np.float32]:
        """Minimise the energy.

        Parameters
        ----------
        mixture:
            What known colours say about the unknown pixels.
        weight:
            σ, at least 0: 0 is closed-form matting.
        tolerance:
            Residual, relative to the right-hand side, at which to stop.

        Returns
        -------
        ndarray
            H×W in [0, 1], 1 and 0 on the known pixels.
        """
        alpha = self.foreground.astype(np.float32)
        pixels = self.laplacian.rows, self.laplacian.columns
        if self._local is None:
            return alpha
        pull = mixture.alpha[pixels].astype(np.float64)
        diagonal = weight * mixture.confidence[pixels].astype(np.float64) + FAINT_PULL
        solution, _ = Multigrid(self._local, diagonal).solve(
            self.laplacian.pull + diagonal * pull,
            start=pull,
            tolerance=tolerance,
            most_iterations=MOST_ITERATIONS,
        )
        alpha[pixels] = np.clip(solution, 0, 1)
        return alpha
