"""Backpropagating refinement: a prediction made to agree with its trimap (paper, section 4.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.inference.frame import Layout, Placement
from lsamatting.inference.refinement.fast_decoder import FastDecoder
from lsamatting.inference.refinement.objective import Objective, Value
from lsamatting.inference.refinement.optimisers import (
    Progress,
    descend,
    descend_quasi_newton,
    find_rate,
)
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.refinement.targets import Targets
from lsamatting.inference.refinement.tiled_decoder import TiledDecoder
from lsamatting.inference.tensors import layout_tensors
from lsamatting.network.lsanet import LSANet


@dataclass(frozen=True)
class Refined:
    """What refinement came to."""

    alpha: NDArray[np.float32]
    """H×W in [0, 1], of the layout's size."""

    initial: NDArray[np.float32]
    """The network's own estimate, H×W in [0, 1]."""

    report: RefinementReport


class Refiner:
    """A picture's encoded features, from which it can be refined any number of times.

    Each `refine` starts from the network's own estimate, so its result depends on the targets and
    not on what was refined before.

    Parameters
    ----------
    decoder:
        Opacity as a function of the modules' fields.
    placed:
        Where the picture is in it.
    """

    def __init__(self, decoder: FastDecoder | TiledDecoder, placed: Placement) -> None:
        self.placed = placed
        self._decoder = decoder
        with torch.no_grad():
            self._raw = decoder.whole(decoder.zeros())

    @classmethod
    def at_once(cls, network: LSANet, layout: Layout) -> Refiner:
        """Encode a picture, once for all refinements. The network is in evaluation mode."""
        with torch.no_grad():
            inputs = network.inputs(*layout_tensors(layout, network.mean.device))
            return cls(FastDecoder(network, inputs, network.encode(inputs)), layout)

    @property
    def initial(self) -> NDArray[np.float32]:
        """The network's own estimate, H×W float32 in [0, 1]."""
        return _clamped(self._raw)

    def refine(
        self,
        targets: Targets,
        options: RefinementOptions,
        *,
        progress: Progress | None = None,
    ) -> Refined:
        """Minimise the violation of what is known, staying near the network's own estimate.

        Parameters
        ----------
        targets:
            What is known, see `lsamatting.inference.refinement.targets.boundary_targets`.
        options:
            How.
        progress:
            Called after each step; an exception that it raises ends the refinement.

        Returns
        -------
        Refined
            With the initial estimate and a notice if there is nothing to refine, if the objective
            is not lower at the end than at the start, or if a number is no longer finite.
        """
        started = perf_counter()
        objective = Objective(targets, weight=options.weight)
        initial = self.initial

        def result(alpha: NDArray[np.float32], notice: str, trace: list[Value]) -> Refined:
            report = RefinementReport(
                c1=tuple(value.c1 for value in trace),
                c2=tuple(value.c2 for value in trace),
                weight=options.weight,
                notice=notice,
                seconds=perf_counter() - started,
            )
            return Refined(alpha=alpha, initial=initial, report=report)

        def keep(notice: str, trace: list[Value]) -> Refined:
            return result(initial, notice, trace)

        if not objective.stays and not targets.strokes:
            return keep("nothing is unknown, so there is nothing to refine", [])
        if not objective.pulls:
            return keep("the trimap has no boundary, so there is nothing to refine", [])
        opacity_of = self._decoder.at(objective.pixels)
        fields = self._decoder.zeros()
        opacity = opacity_of(fields)[0]
        objective.start(opacity)
        first = objective(opacity)
        goal = objective.rest + options.enough
        if not first.gradient.any() or first.total <= goal:
            return keep("the estimate agrees with what is known, so it was kept", [first])

        steps = options.steps
        if targets.boundary == "published" and options.optimiser == "descent":
            # The authors' loop returns what it had before its last step.
            steps -= 1
            if not steps:
                return keep("the authors' loop of one step returns what it began with", [first])

        def evaluate(fields: Tensor) -> tuple[Value, Tensor]:
            opacity, pull = opacity_of(fields)
            value = objective(opacity)
            return value, pull(value.gradient.to(opacity.device))

        rate = options.rate
        if targets.strokes:
            rate = find_rate(evaluate, fields, rate)
        minimise = descend if options.optimiser == "descent" else descend_quasi_newton
        while True:
            refined, trace = minimise(
                evaluate, fields, steps=steps, rate=rate, goal=goal, progress=progress
            )
            # A length that suits the first step may be too long for those that follow.
            if trace[-1].total < trace[0].total or rate <= options.rate:
                break
            rate /= 2
        with torch.no_grad():
            raw = self._decoder.whole(refined)
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
        return result(_clamped(raw), "", trace)


def _clamped(raw: Tensor) -> NDArray[np.float32]:
    clamped: NDArray[np.float32] = raw.clamp(0, 1).cpu().numpy()
    return clamped
