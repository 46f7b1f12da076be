"""The multi-scale matting loss (section 3, and `Loss` in the paper's notation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from lsamatting.errors import ConfigError


@dataclass(frozen=True)
class LossConfig:
    """Options of the loss; the defaults are the paper's."""

    variant: Literal["paper", "code"] = "paper"
    """`paper`: on every scale the mean over the cells that hold an unknown pixel. `code`, as the
    authors' program has it: cells weigh as much as their unknown part, and an opacity beyond
    [0, 1] costs nothing where the truth is exactly 0 or 1."""

    levels: int = 5
    """Number of scales, each half of the one before and of half its weight."""

    epsilon: float = 1e-3
    """Rounds the absolute difference off around 0."""

    beside_base: float | None = None
    """Divide each image's loss by that of the base prior plus this: what counts is how much of the
    prior's error is left. Otherwise the few images in which nothing tells the opacity, where the
    prior is far off and so is everything else, are most of the loss. None: all count alike."""

    def __post_init__(self) -> None:
        if self.variant not in ("paper", "code"):
            raise ConfigError(f"loss variant {self.variant!r} is not one of paper, code")
        if self.levels < 1 or self.epsilon <= 0:
            raise ConfigError("the loss needs at least one level and a positive epsilon")
        if self.beside_base is not None and self.beside_base <= 0:
            raise ConfigError(f"loss.beside_base must be positive, found {self.beside_base}")


def matting_loss(
    predicted: Tensor,
    alpha: Tensor,
    unknown: Tensor,
    *,
    base: Tensor | None = None,
    config: LossConfig | None = None,
) -> Tensor:
    """Sum 2^−ℓ L(P^ℓ α̂, P^ℓ α) over the scales ℓ, averaged over the images of the batch.

    Parameters
    ----------
    predicted
        Nx1xHxW, not clamped; H and W are multiples of 2^(levels − 1).
    alpha
        Nx1xHxW in [0, 1].
    unknown
        Nx1xHxW, 1 on unknown pixels and 0 elsewhere.
    base
        Nx1xHxW, the prior that `config.beside_base` compares with.
    config
        The paper's by default.

    Computed in float32 whatever the inputs are. An image without unknown pixels contributes 0.
    """
    config = config or LossConfig()
    losses = image_losses(predicted, alpha, unknown, config=config)
    if config.beside_base is not None and base is not None:
        with torch.no_grad():
            bases = image_losses(base, alpha, unknown, config=config)
        losses = losses / (bases + config.beside_base)
    return losses.mean()


def image_losses(
    predicted: Tensor, alpha: Tensor, unknown: Tensor, *, config: LossConfig
) -> Tensor:
    """Give the loss of each image, N; parameters as of `matting_loss`."""
    predicted, alpha, unknown = predicted.float(), alpha.float(), unknown.float()
    by_code = config.variant == "code"
    if by_code:
        predicted = torch.where(alpha == 0, predicted.clamp(min=0), predicted)
        predicted = torch.where(alpha == 1, predicted.clamp(max=1), predicted)
    total = predicted.new_zeros(len(predicted))
    for level in range(config.levels):
        if level:
            predicted = functional.avg_pool2d(predicted, 2)
            alpha = functional.avg_pool2d(alpha, 2)
            pool = functional.avg_pool2d if by_code else functional.max_pool2d
            unknown = pool(unknown, 2)
        difference = torch.sqrt((predicted - alpha).square() + config.epsilon**2)
        inside = unknown.sum(dim=(1, 2, 3))
        sums = (difference * unknown).sum(dim=(1, 2, 3))
        # Sums of an image without unknown pixels are 0, whatever they are divided by.
        total = total + 0.5**level * sums / torch.where(inside > 0, inside, 1)
    return total
