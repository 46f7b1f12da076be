"""Optimisers and learning-rate schedules: the paper's, and one for training from scratch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from lsamatting.errors import ConfigError


@dataclass(frozen=True)
class OptimiserConfig:
    """Options of the optimiser and its schedule; the defaults are the paper's."""

    kind: Literal["adam", "adamw"] = "adam"
    """`adam` adds the decay to the gradient, `adamw` applies it to the weights."""

    learning_rate: float = 5e-5
    """Learning rate at the start, or at the end of the warm-up."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of the two moments."""

    weight_decay: float = 1e-4
    """Weight decay of convolutions and biases."""

    norm_decay: float = 1e-4
    """Weight decay of normalisation parameters. The authors' code has 1e-5."""

    schedule: Literal["halving", "cosine"] = "halving"
    """`halving` every so many epochs, or a `cosine` over all steps."""

    halve_every: int = 20
    """Epochs between halvings."""

    warmup_steps: int = 0
    """Steps over which the cosine schedule rises from 0 first."""

    floor: float = 0.01
    """The end of the cosine in parts of the learning rate."""

    samples: int | None = None
    """Stop after so many samples, over which the cosine then stretches. By default the trainer's
    own limits on steps or epochs say both. A run cut short by `max_time` keeps the long schedule:
    state here what fits in the time."""

    def __post_init__(self) -> None:
        if self.kind not in ("adam", "adamw"):
            raise ConfigError(f"optimiser kind {self.kind!r} is not one of adam, adamw")
        if self.schedule not in ("halving", "cosine"):
            raise ConfigError(f"schedule {self.schedule!r} is not one of halving, cosine")
        if self.learning_rate <= 0 or self.halve_every < 1 or self.warmup_steps < 0:
            raise ConfigError(
                "learning_rate and halve_every must be positive, warmup_steps not negative"
            )
        if self.samples is not None and self.samples < 1:
            raise ConfigError(f"samples must be positive, found {self.samples}")


def build_optimiser(network: nn.Module, config: OptimiserConfig) -> torch.optim.Optimizer:
    """Build the optimiser, with normalisation parameters in a group of their own decay."""
    norms = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)
    of_norms = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, norms)
        for parameter in module.parameters(recurse=False)
    }
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in trained if id(parameter) not in of_norms],
            "weight_decay": config.weight_decay,
        },
        {
            "params": [parameter for parameter in trained if id(parameter) in of_norms],
            "weight_decay": config.norm_decay,
        },
    ]
    kind = torch.optim.AdamW if config.kind == "adamw" else torch.optim.Adam
    return kind(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=config.betas,
    )


def cosine_factor(step: int, *, total: float, warmup: int, floor: float) -> float:
    """Give the part of the learning rate at `step`: linear warm-up, then a cosine to `floor`."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if math.isinf(total):
        return 1.0
    progress = min(1.0, (step - warmup) / max(1.0, total - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
