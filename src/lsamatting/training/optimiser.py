"""Optimisers and learning-rate schedules: the paper's, and one for training from scratch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from lsamatting.errors import ConfigError
from lsamatting.training.muon import Muon


@dataclass(frozen=True)
class OptimiserConfig:
    """Options of the optimiser and its schedule; the defaults are the paper's."""

    kind: Literal["adam", "adamw", "muon"] = "adam"
    """`adam` adds the decay to the gradient, `adamw` applies it to the weights. `muon` takes
    orthogonal steps for the weights of convolutions (`lsamatting.training.muon`) and AdamW's for
    the rest."""

    learning_rate: float = 5e-5
    """Learning rate at the start, or at the end of the warm-up."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of Adam's two moments."""

    momentum: float = 0.95
    """Share of the running gradient that Muon keeps."""

    weight_decay: float = 1e-4
    """Weight decay of convolutions and biases."""

    norm_decay: float = 1e-4
    """Weight decay of normalisation parameters. The authors' code has 1e-5."""

    schedule: Literal["halving", "cosine", "trapezoid"] = "halving"
    """`halving` every so many epochs, a `cosine` over all steps, or a `trapezoid`: level, then
    straight down to the floor over the last steps, so that a run can be made longer while it is
    level and nothing before depends on its length."""

    halve_every: int = 20
    """Epochs between halvings."""

    warmup_steps: int = 0
    """Steps over which cosine and trapezoid rise from 0 first; `halving` has none."""

    cooldown: float = 0.2
    """Share of the steps over which the trapezoid falls."""

    floor: float = 0.01
    """The end of cosine and trapezoid in parts of the learning rate."""

    samples: int | None = None
    """Stop after so many samples, over which the schedule then stretches. By default the trainer's
    own limits on steps or epochs say both. A run cut short by `max_time` keeps the long schedule:
    state here what fits in the time."""

    def __post_init__(self) -> None:
        for name, accepted in (
            ("kind", ("adam", "adamw", "muon")),
            ("schedule", ("halving", "cosine", "trapezoid")),
        ):
            if getattr(self, name) not in accepted:
                raise ConfigError(
                    f"optimiser {name} {getattr(self, name)!r} is not one of {', '.join(accepted)}"
                )
        if not 0 < self.cooldown <= 1:
            raise ConfigError(f"cooldown must be in (0, 1], found {self.cooldown}")
        for name in ("weight_decay", "norm_decay"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be negative, found {getattr(self, name)}")
        if not (0 <= self.momentum < 1 and all(0 <= beta < 1 for beta in self.betas)):
            raise ConfigError(
                f"momentum and betas must be in [0, 1), found {self.momentum}, {self.betas}"
            )
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"floor must be in [0, 1], found {self.floor}")
        if self.learning_rate <= 0 or self.halve_every < 1 or self.warmup_steps < 0:
            raise ConfigError(
                "learning_rate and halve_every must be positive, warmup_steps not negative"
            )
        if self.schedule == "halving" and self.warmup_steps:
            raise ConfigError(
                f"warmup_steps {self.warmup_steps}: schedule halving has no warm-up; choose 0, or "
                "cosine or trapezoid"
            )
        if self.samples is not None and self.samples < 1:
            raise ConfigError(f"samples must be positive, found {self.samples}")


def build_optimiser(network: nn.Module, config: OptimiserConfig) -> torch.optim.Optimizer:
    """Build the optimiser, with normalisation parameters in a group of their own decay."""
    norms = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)
    of_norms: set[int] = set()
    matrices: set[int] = set()
    for module in network.modules():
        if isinstance(module, norms):
            of_norms.update(id(parameter) for parameter in module.parameters(recurse=False))
        elif config.kind == "muon" and isinstance(module, nn.Conv2d) and module.groups == 1:
            # Weights of a convolution per channel are no matrix: its rows never meet.
            matrices.add(id(module.weight))
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    plain = [p for p in trained if id(p) not in of_norms and id(p) not in matrices]
    groups: list[dict[str, Any]] = [
        {"params": plain, "weight_decay": config.weight_decay},
        {"params": [p for p in trained if id(p) in of_norms], "weight_decay": config.norm_decay},
    ]
    if config.kind == "muon":
        of_matrices = [p for p in trained if id(p) in matrices]
        groups.append({"params": of_matrices, "weight_decay": config.weight_decay})
        return Muon(
            [
                {**group, "muon": group["params"] is of_matrices, "lr": config.learning_rate}
                for group in groups
                if group["params"]
            ],
            momentum=config.momentum,
            betas=config.betas,
        )
    kind = torch.optim.AdamW if config.kind == "adamw" else torch.optim.Adam
    return kind(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=config.betas,
    )


def rate_factor(step: int, *, total: float, config: OptimiserConfig) -> float:
    """Give the part of the learning rate at `step` of `total`: warm-up, then as `schedule` says."""
    if step < config.warmup_steps:
        return (step + 1) / (config.warmup_steps + 1)
    if math.isinf(total):
        return 1.0
    if config.schedule == "cosine":
        progress = min(1.0, (step - config.warmup_steps) / max(1.0, total - config.warmup_steps))
        height = 0.5 * (1 + math.cos(math.pi * progress))
    else:
        height = min(1.0, max(0.0, (total - step) / max(1.0, config.cooldown * total)))
    return config.floor + (1 - config.floor) * height
