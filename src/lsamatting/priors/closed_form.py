"""Closed-form matting at full resolution, alone and held to the colour mixtures.

With the matting Laplacian L, both are minimisers over the unknown pixels:

    αᵀLα + δ‖α − a‖²                  closed form
    αᵀLα + σ Σ η (α − a)² + δ‖α − a‖²  joint

where a is the mixture's opacity, η the confidence in it, and the tiny δ decides where no affinity
reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.priors.couplings import window_couplings
from lsamatting.priors.laplacian import MattingLaplacian
from lsamatting.priors.local_affine import LocalAffine
from lsamatting.priors.multigrid import Multigrid
from lsamatting.samples import Samples

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
        H×W×3, in [0, 1] or integers as in files.
    foreground, background:
        H×W, True where known.
    dtype:
        Of the solver's arithmetic.
    """

    def __init__(
        self,
        image: Samples,
        foreground: NDArray[np.bool_],
        background: NDArray[np.bool_],
        *,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        couplings = window_couplings(image, foreground, ~(foreground | background))
        self.laplacian = MattingLaplacian.of(couplings, dtype=dtype)
        known = len(couplings.rows) == 0
        self._local = None if known else LocalAffine(self.laplacian, couplings, image)

    def solve(
        self,
        mixed: NDArray[np.float32],
        confidence: NDArray[np.float32],
        *,
        weight: float,
        tolerance: float = TOLERANCE,
    ) -> NDArray[np.float32]:
        """Minimise the energy over the n unknown pixels, which are counted row by row.

        Parameters
        ----------
        mixed, confidence:
            n each, in [0, 1]: a and η, what known colours say.
        weight:
            σ, at least 0: 0 is closed-form matting.
        tolerance:
            Residual, relative to the right-hand side, at which to stop.

        Returns
        -------
        ndarray
            n in [0, 1].
        """
        if self._local is None:
            return np.empty(0, np.float32)
        dtype, order = self.laplacian.diagonal.dtype, self.laplacian.order
        pull = mixed[order].astype(dtype)
        diagonal = confidence[order].astype(dtype)
        diagonal *= weight
        diagonal += FAINT_PULL
        solver = Multigrid(self._local, diagonal)
        diagonal *= pull
        diagonal += self.laplacian.pull
        solution, _ = solver.solve(
            diagonal,
            start=pull,
            tolerance=tolerance,
            most_iterations=MOST_ITERATIONS,
        )
        alpha = np.empty(len(order), np.float32)
        alpha[order] = np.clip(solution, 0, 1, out=solution)
        return alpha
