"""A running average of the weights, which validation and export use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from lsamatting.training.module import network_of


class WeightAverage(L.Callback):
    """Keep an exponential moving average of the network's parameters and running statistics.

    Lightning's `WeightAveraging` does not resume exactly (2.6, tried): it puts the average into the
    network when training ends, so that a finished run that goes on starts from the average, and
    when a stop signal ends a validation it leaves the average where the weights belong. Here the
    network holds the average only while it is validated or written, whatever ends that, and what a
    checkpoint keeps lets a resumed run equal an unbroken one to the bit.

    Parameters
    ----------
    decay
        Share that the average keeps at each step, in [0, 1). It starts lower, at (1 + n)/(10 + n)
        after n steps, so that the first random weights are soon forgotten.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._average: dict[str, Tensor] = {}
        self._kept: dict[str, Tensor] = {}

    @staticmethod
    def _tensors(network: nn.Module) -> dict[str, Tensor]:
        return {k: v for k, v in network.state_dict().items() if v.is_floating_point()}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start from the network's weights, or go on from the checkpoint's average."""
        tensors = self._tensors(network_of(pl_module))
        self._average = {
            name: (self._average.get(name, tensor)).detach().to(tensor.device, copy=True)
            for name, tensor in tensors.items()
        }

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Move the average towards the weights once per optimiser step."""
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        tensors = self._tensors(network_of(pl_module))
        torch._foreach_lerp_(
            [self._average[name] for name in tensors], list(tensors.values()), share
        )

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Give the network the averaged weights for a while."""
        self._swap_in(network)
        try:
            yield
        finally:
            self._swap_out(network)

    @torch.no_grad()
    def _swap_in(self, network: nn.Module) -> None:
        if self._kept or not self._average:
            return
        for name, tensor in self._tensors(network).items():
            self._kept[name] = tensor.clone()
            tensor.copy_(self._average[name])

    @torch.no_grad()
    def _swap_out(self, network: nn.Module) -> None:
        for name, tensor in self._tensors(network).items():
            if name in self._kept:
                tensor.copy_(self._kept[name])
        self._kept = {}

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Validate the average."""
        self._swap_in(network_of(pl_module))

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on training the weights."""
        self._swap_out(network_of(pl_module))

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Put the weights back if validation was cut short."""
        self._swap_out(network_of(pl_module))

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint keeps."""
        return {"average": self._average, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint kept."""
        self._average = dict(state_dict["average"])
        self.steps = int(state_dict["steps"])
