"""What can be asked of backpropagating refinement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from lsamatting.choices import Boundary, Optimiser, Padding
from lsamatting.errors import ConfigError


@dataclass(frozen=True)
class RefinementOptions:
    """How the objective is minimised.

    Raises
    ------
    ConfigError
        A value is out of range.
    """

    steps: int = 10
    """Evaluations by L-BFGS at most, or steps of gradient descent. Once known pixels are right,
    further ones only fulfil C2: what followed the boundary or a stroke goes back."""

    rate: float = 20.0
    """Length of a step of gradient descent, or of the first by L-BFGS, in gradients. With strokes
    it is doubled until the first step halves the objective."""

    optimiser: Optimiser = "lbfgs"
    """See `Optimiser`."""

    weight: float = 0.1
    """The factor before C2."""

    enough: float = 1e-5
    """Refinement ends, or does not begin, where the objective could fall by no more than this. What
    is left to gain then moves no matte visibly, see docs/refinement.md."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"refinement steps must be at least 1, found {self.steps}")
        if not 0 < self.rate < math.inf:
            raise ConfigError(f"refinement rate must be positive, found {self.rate:g}")
        if self.optimiser not in get_args(Optimiser):
            raise ConfigError(
                f"refinement optimiser {self.optimiser!r}; "
                f"accepted: {', '.join(get_args(Optimiser))}"
            )
        if not 0 <= self.weight < math.inf or not 0 <= self.enough < math.inf:
            raise ConfigError(
                "refinement weight and what is enough must not be negative, "
                f"found {self.weight:g} and {self.enough:g}"
            )


PAPER = RefinementOptions(steps=100, optimiser="descent", enough=0.0)
"""As in the paper (section 4.3)."""


def default_options(
    padding: Padding, boundary: Boundary = "paper", *, optimiser: Optimiser | None = None
) -> RefinementOptions:
    """Give the options that suit what is asked for.

    Plain descent is the paper's where it is asked for, and where the paper or the authors' code is
    reproduced, by their `padding` or their `boundary`. Else L-BFGS, which needs no rate that fits
    the network and comes to a lower objective sooner.
    """
    reproduced = padding != "window" or boundary == "published"
    if optimiser == "descent" or (optimiser is None and reproduced):
        return PAPER
    return RefinementOptions()
