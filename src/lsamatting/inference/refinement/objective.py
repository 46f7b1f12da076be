"""What backpropagating refinement minimises: C1 + weight · C2 (paper, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.inference.refinement.targets import Mask, Targets


@dataclass(frozen=True)
class Value:
    """The two parts of the objective, and the derivative of C1 + weight · C2."""

    c1: float
    c2: float
    total: float
    gradient: Tensor
    """By opacity before clamping, one number per pixel of the objective; on the CPU."""


class Objective:
    """C1, C2 and their derivative for the pixels that matter, given as a vector.

    All is computed on the CPU: it is next to nothing beside the network, and not every device has
    the double precision that sums of squares need.

    C1 is the mean squared violation over the trimap's boundary, plus, for each of the user's
    strokes, the mean squared violation over the stroke: a stroke of twenty pixels would have no
    say in one mean over a boundary of thousands. C2 is the squared mean deviation from the initial
    estimate over the unknown region. Opacity is clamped to [0, 1] before all, except that under a
    stroke it is clamped only to the side that the stroke asks for: a clamped value has no
    derivative, so a stroke of 0 could not bring down what the network puts above 1.

    Parameters
    ----------
    targets:
        Which pixel ought to be what.
    weight:
        The factor before C2.
    """

    def __init__(self, targets: Targets, *, weight: float) -> None:
        self.weight = weight
        self.clamp_initial = targets.clamp_initial
        self.pixels: Mask = targets.zero | targets.one | targets.unknown
        """H×W, the pixels whose opacity the objective looks at."""
        for mask, _ in targets.strokes:
            self.pixels |= mask
        owner = self._stroke_owners(targets)
        free = owner < 0
        zero, one, unknown = (
            mask[self.pixels] & free for mask in (targets.zero, targets.one, targets.unknown)
        )

        # C1 = Σ pull · (opacity − wanted)² + rest: any number of squares on one pixel is one.
        count = int(zero.sum()) + int(one.sum()) + 2 * targets.added
        share = 1 / count if zero.any() or one.any() else 0.0
        pull = share * (zero.astype(np.float64) + one)
        weighted = share * one.astype(np.float64)
        squared = weighted.copy()
        lowest, highest = np.zeros_like(pull), np.ones_like(pull)
        for index, (_, value) in enumerate(targets.strokes):
            under = owner == index
            if under.any():
                lowest[under] = 0 if value <= 0 else -np.inf
                highest[under] = 1 if value >= 1 else np.inf
                pull[under] = 1 / under.sum()
                weighted[under] = value / under.sum()
                squared[under] = value**2 / under.sum()
        wanted = np.divide(weighted, pull, out=np.zeros_like(pull), where=pull > 0)
        self.rest = float((squared - pull * wanted**2).sum())
        """Least value of C1: above 0 where one pixel is pulled to both 0 and 1."""

        def vector(array: NDArray[np.float64]) -> Tensor:
            return torch.from_numpy(array.astype(np.float32))

        self.pull, self.wanted = vector(pull), vector(wanted)
        self.lowest, self.highest = vector(lowest), vector(highest)
        self.staying = vector(unknown / max(int(unknown.sum()), 1))
        self.initial: Tensor | None = None

    @property
    def pulls(self) -> bool:
        """Whether there is anything to violate."""
        return bool(self.pull.any())

    @property
    def stays(self) -> bool:
        """Whether there is anything unknown."""
        return bool(self.staying.any())

    def start(self, opacity: Tensor) -> None:
        """Take the initial estimate, not clamped, as what C2 compares with."""
        opacity = opacity.cpu()
        self.initial = opacity.clamp(0, 1) if self.clamp_initial else opacity.clone()

    def _stroke_owners(self, targets: Targets) -> NDArray[np.int32]:
        """Give each looked-at pixel the number of the stroke over it, −1 where there is none."""
        owner = np.full(np.count_nonzero(self.pixels), -1, np.int32)
        for index, (mask, _) in enumerate(targets.strokes):
            owner[mask[self.pixels]] = index
        return owner

    def __call__(self, opacity: Tensor) -> Value:
        """Evaluate at opacity that is not clamped."""
        assert self.initial is not None
        opacity = opacity.cpu()
        clamped = opacity.clamp(self.lowest, self.highest)
        violation = clamped - self.wanted
        away = clamped - self.initial
        pulled = self.pull * violation
        # Sums in double precision, so that what is compared is not rounding.
        c1 = float((pulled.double() * violation).sum()) + self.rest
        mean = float((self.staying.double() * away.abs()).sum())
        gradient = 2 * pulled + (2 * self.weight * mean) * self.staying * away.sign()
        gradient *= (opacity >= self.lowest) & (opacity <= self.highest)
        return Value(c1=c1, c2=mean**2, total=c1 + self.weight * mean**2, gradient=gradient)
