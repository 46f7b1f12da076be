"""The minimisers of backpropagating refinement: the paper's, and a quicker one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from torch import Tensor

from lsamatting.inference.refinement.objective import Value

Evaluate = Callable[[Tensor], tuple[Value, Tensor]]
"""Gives the objective at given fields, and its derivative by them."""

Progress = Callable[[int, int], None]
"""Called with the number of steps done and of all."""

MEMORY = 10
"""Pairs of steps and changes of the gradient that L-BFGS remembers."""

SUFFICIENT, CURVATURE = 1e-4, 0.9
"""The two constants of the Wolfe conditions."""

STALLED = 1e-4
"""L-BFGS ends when a step lowers the objective by less than this share of it."""


DOUBLINGS = 10
"""How often the search for a step length may double it."""


def find_rate(evaluate: Evaluate, fields: Tensor, rate: float) -> float:
    """Double a step length until one step along the gradient halves the objective.

    Where a region is confidently wrong short steps only silence the units that are active there,
    and on the plateau behind that no derivative is left; a longer step activates others.

    Returns
    -------
    float
        The first length that halves the objective, or the best of those tried.
    """
    value, gradient = evaluate(fields)
    best, lowest = rate, value.total
    for _ in range(DOUBLINGS):
        tried, _ = evaluate(fields.sub(gradient, alpha=rate))
        if tried.total < lowest:
            best, lowest = rate, tried.total
        if tried.total <= value.total / 2:
            break
        rate *= 2
    return best


def descend(
    evaluate: Evaluate,
    fields: Tensor,
    *,
    steps: int,
    rate: float,
    goal: float = 0.0,
    progress: Progress | None = None,
) -> tuple[Tensor, list[Value]]:
    """Take steps of plain gradient descent, as in the paper.

    Ends early where the objective is no longer finite, or not above `goal`.

    Returns
    -------
    tuple
        The last fields, and the objective at the start and after each step.
    """
    value, gradient = evaluate(fields)
    trace = [value]
    for step in range(steps):
        if not goal < value.total < math.inf:
            break
        fields = fields.sub(gradient, alpha=rate)
        value, gradient = evaluate(fields)
        trace.append(value)
        if progress is not None:
            progress(step + 1, steps)
    return fields, trace


def descend_quasi_newton(
    evaluate: Evaluate,
    fields: Tensor,
    *,
    steps: int,
    rate: float,
    goal: float = 0.0,
    progress: Progress | None = None,
) -> tuple[Tensor, list[Value]]:
    """Minimise with L-BFGS (Nocedal and Wright, Numerical Optimization, section 7.2).

    The step length meets the weak Wolfe conditions and is found by bisection (Lewis and Overton,
    2013), which also works where clamping and absolute values leave the objective without a
    derivative. `rate` is the length of the first step that is tried, and `steps` bounds the number
    of evaluations after the first, each of which costs what a step of plain descent does.

    Returns
    -------
    tuple
        The best fields, and the objective at the start and after each accepted step; it never
        rises.
    """
    value, gradient = evaluate(fields)
    trace = [value]
    pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=MEMORY)
    done = 0
    while done < steps and goal < value.total < math.inf:
        direction = _direction(gradient, pairs, rate)
        slope = float(gradient @ direction)
        if not slope < 0:
            break
        short, long, length = 0.0, math.inf, 1.0
        best = None
        while done < steps:
            done += 1
            tried = fields.add(direction, alpha=length)
            at_tried, its_gradient = evaluate(tried)
            if progress is not None:
                progress(done, steps)
            if not at_tried.total <= value.total + SUFFICIENT * length * slope:
                long = length
            else:
                best = tried, at_tried, its_gradient
                if at_tried.total <= goal or float(its_gradient @ direction) >= CURVATURE * slope:
                    break
                short = length
            length = (short + long) / 2 if long < math.inf else 2 * length
        if best is None:
            break
        tried, at_tried, its_gradient = best
        step, change = tried - fields, its_gradient - gradient
        curvature = float(step @ change)
        if curvature > 0:
            pairs.append((step, change, 1 / curvature))
        gain = value.total - at_tried.total
        fields, value, gradient = best
        trace.append(value)
        if gain < STALLED * value.total:
            break
    return fields, trace


def _direction(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor, float]], rate: float) -> Tensor:
    """Multiply the gradient by the estimated inverse of the second derivatives, negated."""
    direction = gradient.neg()
    if not pairs:
        return direction.mul_(rate)
    factors = []
    for step, change, inverse in reversed(pairs):
        factor = inverse * float(step @ direction)
        direction.sub_(change, alpha=factor)
        factors.append(factor)
    step, change, inverse = pairs[-1]
    direction.mul_(1 / (inverse * float(change @ change)))
    for (step, change, inverse), factor in zip(pairs, reversed(factors), strict=True):
        direction.add_(step, alpha=factor - inverse * float(change @ direction))
    return direction
