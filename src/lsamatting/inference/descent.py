"""Plain gradient descent, which the paper refines with."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from lsamatting.inference.objective import Value

Evaluate = Callable[[Tensor], tuple[Value, Tensor]]
"""Gives the objective at given fields, and its derivative by them."""


def descend(
    evaluate: Evaluate,
    fields: Tensor,
    *,
    steps: int,
    rate: float,
    progress: Callable[[int, int], None] | None = None,
) -> list[Value]:
    """Change `fields` in place by some steps of gradient descent.

    Stops where the objective is no longer finite.

    Returns
    -------
    list
        The objective before each step.
    """
    trace = []
    for step in range(steps):
        value, gradient = evaluate(fields)
        trace.append(value)
        if not math.isfinite(value.total):
            break
        fields.sub_(gradient, alpha=rate)
        if progress is not None:
            progress(step + 1, steps)
    return trace
