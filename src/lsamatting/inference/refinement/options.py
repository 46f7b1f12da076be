"""Backpropagating refinement as a way of estimating, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Boundary, Optimiser, Padding
from lsamatting.errors import ConfigError
from lsamatting.inference.frame import Layout
from lsamatting.inference.predict import Estimator
from lsamatting.inference.refinement.refiner import Refiner
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.refinement.targets import boundary_targets
from lsamatting.network.lsanet import LSANet


@dataclass(frozen=True)
class RefinementOptions:
    """How the objective is minimised; the defaults of the fields are the paper's (section 4.3).

    Raises
    ------
    ConfigError
        A value is out of range.
    """

    steps: int = 100
    """Steps of gradient descent, or evaluations by L-BFGS at most."""

    rate: float = 20.0
    """Length of a step of gradient descent, or of the first by L-BFGS, in gradients."""

    optimiser: Optimiser = "descent"
    """`descent` (plain, the paper's) or `lbfgs`, which is faster."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"refinement steps must be at least 1, found {self.steps}")
        if not 0 < self.rate < np.inf:
            raise ConfigError(f"refinement rate must be positive, found {self.rate:g}")
        if self.optimiser not in get_args(Optimiser):
            raise ConfigError(
                f"refinement optimiser {self.optimiser!r}; "
                f"accepted: {', '.join(get_args(Optimiser))}"
            )


def default_options(padding: Padding) -> RefinementOptions:
    """Give the options that suit what is asked for.

    Where the paper or the authors' code is reproduced, by their `padding`, plain descent is. Else
    L-BFGS, which needs no rate that fits the network and comes to a lower objective sooner.
    """
    return RefinementOptions(optimiser="lbfgs" if padding == "window" else "descent")


def refining_estimator(
    network: LSANet,
    *,
    boundary: Boundary = "paper",
    options: RefinementOptions | None = None,
    reports: list[RefinementReport] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Estimator:
    """Refine every run of the network by backpropagation.

    Parameters
    ----------
    network:
        In evaluation mode.
    boundary:
        Whose boundary pixels C1 looks at.
    options:
        How the objective is minimised.
    reports:
        If given, receives one report per run.
    progress:
        Called with the steps done and their number.
    """
    how = options or RefinementOptions()

    def estimate(layout: Layout) -> NDArray[np.float32]:
        refinement = Refiner(network, layout).refine(
            boundary_targets(layout.marks, layout.counted, boundary=boundary),
            steps=how.steps,
            rate=how.rate,
            optimiser=how.optimiser,
            progress=progress,
        )
        if reports is not None:
            reports.append(RefinementReport.of(refinement))
        return refinement.alpha

    return estimate
