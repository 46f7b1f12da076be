"""Muon: steps whose matrices are orthogonal, for the weights of convolutions.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. The momentum of a
matrix is replaced by the nearest semi-orthogonal matrix, which a Newton-Schulz iteration
approximates: every direction then moves alike, however seldom the data ask for it. A convolution's
weights count as a matrix of outputs × (inputs · kernel). PyTorch's own Muon takes matrices alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration, as published: they bring singular values near 1 fast, not exactly."""

ITERATIONS = 5


def orthogonalise(matrix: Tensor) -> Tensor:
    """Bring all singular values of a matrix near 1 (within about 0.7 and 1.2).

    Each step of the iteration multiplies from the left by a polynomial in the matrix times its
    transpose, so that everything but the last product is among small square matrices: a third of
    the time where a convolution has nine times as many inputs as outputs.

    Parameters
    ----------
    matrix
        M×N, float32.
    """
    x: Tensor = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / (x.norm() + 1e-7)
    square = x @ x.T
    step = _polynomial(square)
    factor = step
    for _ in range(ITERATIONS - 1):
        square = step @ square @ step
        step = _polynomial(square)
        factor = step @ factor
    x = factor @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


def _polynomial(square: Tensor) -> Tensor:
    a, b, c = COEFFICIENTS
    result = torch.addmm(square, square, square, beta=b, alpha=c)
    result.diagonal().add_(a)
    return result


class Muon(torch.optim.Optimizer):
    """Muon for the groups that say `muon`, AdamW for the others, in one optimiser.

    A step of Muon has the root mean square that a step of AdamW has (factor 0.2 √max(M, N), Liu
    et al., "Muon is scalable for LLM training", 2025), so that one learning rate serves both.

    Parameters
    ----------
    groups
        Parameter groups, each with `muon`, `lr` and `weight_decay`.
    momentum
        Share of the running sum of gradients that is kept (Nesterov).
    betas
        AdamW's decay rates.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        super().__init__(
            groups, {"momentum": momentum, "betas": betas, "eps": 1e-8, "weight_decay": 0.0}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; `closure`, where given, computes the loss and its gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            update = self._muon if group["muon"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    update(parameter, parameter.grad, group)
        return loss

    def _muon(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        direction = gradient.lerp(state["momentum"], group["momentum"]).flatten(1)
        scale = 0.2 * max(direction.shape) ** 0.5
        step = orthogonalise(direction.float()).to(parameter.dtype).view_as(parameter)
        parameter.add_(step, alpha=-group["lr"] * scale)

    def _adam(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            # No tensor: loading gives it the parameter's type, and bfloat16 cannot count.
            state["steps"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        first, second = group["betas"]
        count = state["steps"] = int(state["steps"]) + 1
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient.square(), 1 - second)
        mean = state["mean"] / (1 - first**count)
        spread = (state["square"] / (1 - second**count)).sqrt().add_(group["eps"])
        parameter.addcdiv_(mean, spread, value=-group["lr"])
