"""Backpropagating refinement: a prediction made to agree with its trimap (paper, section 4.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.choices import Optimiser
from lsamatting.inference.frame import Layout
from lsamatting.inference.refinement.fast_decoder import FastDecoder
from lsamatting.inference.refinement.objective import Objective, Value
from lsamatting.inference.refinement.optimisers import (
    Progress,
    descend,
    descend_quasi_newton,
    find_rate,
)
from lsamatting.inference.refinement.targets import Targets
from lsamatting.network.lsanet import LSANet

STEPS = 100
RATE = 20.0
WEIGHT = 0.1


@dataclass(frozen=True)
class Refinement:
    """What refinement came to."""

    alpha: NDArray[np.float32]
    """H×W in [0, 1], of the layout's size."""

    initial: NDArray[np.float32]
    """The network's own estimate, H×W in [0, 1]."""

    kept: bool
    """The initial estimate was kept."""

    c1: tuple[float, ...]
    """Violation of the trimap and the strokes, at the start and after each step."""

    c2: tuple[float, ...]
    """Deviation from the initial estimate, likewise."""

    weight: float
    """The factor of `c2` in the objective."""

    seconds: float
    """Time taken."""

    notice: str
    """Why the initial estimate was kept, empty if it was not."""

    @property
    def objective(self) -> tuple[float, ...]:
        """What was minimised, at the start and after each step."""
        return tuple(c1 + self.weight * c2 for c1, c2 in zip(self.c1, self.c2, strict=True))


class Refiner:
    """A picture's encoded features, from which it can be refined any number of times.

    The encoder runs once, here. Each `refine` starts from the network's own estimate, so its result
    depends on the targets and not on what was refined before.

    Parameters
    ----------
    network:
        In evaluation mode.
    layout:
        The picture, on the network's device.
    """

    def __init__(self, network: LSANet, layout: Layout) -> None:
        with torch.no_grad():
            inputs = network.inputs(
                layout.image.float(),
                layout.trimap.float(),
                None if layout.priors is None else layout.priors.float(),
            )
            self._decoder = FastDecoder(network, inputs, network.encode(inputs))
            self._raw = self._decoder.whole(self._decoder.zeros())

    @property
    def initial(self) -> NDArray[np.float32]:
        """The network's own estimate, H×W float32 in [0, 1]."""
        return _clamped(self._raw)

    def refine(
        self,
        targets: Targets,
        *,
        steps: int = STEPS,
        rate: float = RATE,
        weight: float = WEIGHT,
        optimiser: Optimiser = "descent",
        goal: float = 0.0,
        progress: Progress | None = None,
    ) -> Refinement:
        """Minimise the violation of what is known, staying near the network's own estimate.

        Parameters
        ----------
        targets:
            What is known, see `lsamatting.inference.refinement.targets.boundary_targets`.
        steps:
            Steps of plain descent; with L-BFGS, at most as many evaluations.
        rate:
            Step length of plain descent, and of the first step that L-BFGS tries. With strokes
            it is doubled until the first step halves the objective.
        weight:
            The factor before C2.
        optimiser:
            See `Optimiser`.
        goal:
            The objective at which to end before all steps are done.
        progress:
            Called after each step.

        Returns
        -------
        Refinement
            With the initial estimate and a notice if there is nothing to refine, if the objective
            is not lower at the end than at the start, or if a number is no longer finite.
        """
        started = perf_counter()
        objective = Objective(targets, weight=weight, device=self._raw.device)
        initial = self.initial

        def keep(notice: str, trace: list[Value]) -> Refinement:
            return Refinement(
                alpha=initial,
                initial=initial,
                kept=True,
                c1=tuple(value.c1 for value in trace),
                c2=tuple(value.c2 for value in trace),
                weight=weight,
                seconds=perf_counter() - started,
                notice=notice,
            )

        if not objective.stays and not targets.strokes:
            return keep("nothing is unknown, so there is nothing to refine", [])
        if not objective.pulls:
            return keep("the trimap has no boundary, so there is nothing to refine", [])
        opacity_of = self._decoder.at(objective.pixels)
        fields = self._decoder.zeros()
        with torch.no_grad():
            opacity = opacity_of(fields)
        objective.start(opacity)
        first = objective(opacity)
        if not first.gradient.any():
            return keep("the estimate agrees with all that is known, so it was kept", [first])

        def evaluate(fields: Tensor) -> tuple[Value, Tensor]:
            fields = fields.detach().requires_grad_()
            opacity = opacity_of(fields)
            value = objective(opacity.detach())
            (gradient,) = torch.autograd.grad(opacity, fields, value.gradient)
            return value, gradient

        if targets.strokes:
            rate = find_rate(evaluate, fields, rate)
        minimise = descend if optimiser == "descent" else descend_quasi_newton
        fields, trace = minimise(
            evaluate, fields, steps=steps, rate=rate, goal=goal, progress=progress
        )
        with torch.no_grad():
            raw = self._decoder.whole(fields)
        if not (math.isfinite(trace[-1].total) and bool(torch.isfinite(raw).all())):
            return keep(
                "refinement diverged to numbers that are not finite, so the initial estimate was "
                "kept; a lower rate may help",
                trace,
            )
        if not trace[-1].total < trace[0].total:
            return keep(
                f"the objective rose from {trace[0].total:.3g} to {trace[-1].total:.3g}, so the "
                "initial estimate was kept; a lower rate may help",
                trace,
            )
        return Refinement(
            alpha=_clamped(raw),
            initial=initial,
            kept=False,
            c1=tuple(value.c1 for value in trace),
            c2=tuple(value.c2 for value in trace),
            weight=weight,
            seconds=perf_counter() - started,
            notice="",
        )


def _clamped(raw: Tensor) -> NDArray[np.float32]:
    clamped: NDArray[np.float32] = raw.clamp(0, 1).cpu().numpy()
    return clamped
