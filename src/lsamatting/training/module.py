"""The training step, the validation step and the optimiser, as Lightning wants them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from lsamatting.errors import ConfigError
from lsamatting.inference.open_picture import OpenPicture
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from lsamatting.training.loss import LossConfig, matting_loss
from lsamatting.training.optimiser import OptimiserConfig, build_optimiser, rate_factor
from lsamatting.training.validation import ValidationPicture, picture_errors

_CHANGEABLE = ("warmup_steps", "cooldown", "floor", "samples")


class MattingModule(L.LightningModule):
    """An `LSANet` in training.

    Parameters
    ----------
    preset
        `paper`, `lite` or `base`: the network to start from.
    network
        Settings of `NetworkConfig` that differ from the preset or the weights.
    encoder
        ImageNet weights for the encoder: a file or a name that
        `lsamatting.network.imagenet.initialise_encoder` takes.
    weights
        A folder or hub name of weights to start from; they state the network too, but for what
        `network` changes.
    grow_from
        A folder or hub name of weights of a narrower or shallower network, whose function this one
        has at first (`lsamatting.network.growth`).
    loss, optimiser
        Their options.
    channels_last
        Memory layout of pictures and weights; faster on CPUs and on CUDA in half precision.
    """

    def __init__(
        self,
        preset: str = "paper",
        network: dict[str, Any] | None = None,
        encoder: str | None = None,
        weights: str | None = None,
        grow_from: str | None = None,
        loss: LossConfig = LossConfig(),  # noqa: B008 (frozen, and shown in the CLI's help)
        optimiser: OptimiserConfig = OptimiserConfig(),  # noqa: B008
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        if sum(start is not None for start in (encoder, weights, grow_from)) > 1:
            raise ConfigError("model.encoder, model.weights and model.grow_from exclude each other")
        if weights:
            # Loaded weights come in evaluation mode, and Lightning leaves modes as they are.
            self.network = LSANet.from_pretrained(weights, changes=network).train()
        else:
            self.network = LSANet(_network_config(preset, network or {}))
            if encoder:
                from lsamatting.network.imagenet import initialise_encoder

                initialise_encoder(self.network, encoder)
            if grow_from:
                from lsamatting.network.growth import grow

                grow(self.network, LSANet.from_pretrained(grow_from))
        if loss.beside_base is not None and not self.network.config.base:
            raise ConfigError("loss.beside_base needs a network with a base prior")
        self.loss = loss
        self.optimiser = optimiser
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network.to(memory_format=self.layout)  # type: ignore[call-overload]

    def forward(self, image: Tensor, trimap: Tensor, priors: Tensor) -> Tensor:
        """Predict raw alpha, Nx1xHxW, from image, trimap and priors."""
        inputs = (
            tensor.contiguous(memory_format=self.layout) for tensor in (image, trimap, priors)
        )
        predicted: Tensor = self.network(*inputs)
        return predicted

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        """Give the loss of one batch."""
        channel = self.network.config.base_channel
        predicted = self(batch["image"], batch["trimap"], batch["priors"])
        with torch.autocast(predicted.device.type, enabled=False):
            loss = matting_loss(
                predicted,
                batch["alpha"],
                batch["trimap"] == 0.5,
                base=None if channel is None else batch["priors"][:, channel : channel + 1],
                config=self.loss,
            )
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: ValidationPicture, _: int) -> Tensor:
        """Log the errors of one whole picture at its own size, and give its alpha."""
        runtime = TorchRuntime(self.network, self.device)
        predicted = OpenPicture(runtime, batch.frame).estimate().alpha
        errors = picture_errors(predicted, batch.alpha, batch.frame.whole == 128)
        values = {"val/sad": errors.sad, "val/mse": errors.mse, "val/mad": errors.mad}
        self.log_dict(values, on_epoch=True, batch_size=1, sync_dist=True)
        return torch.from_numpy(predicted)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Build the optimiser and its schedule, by epochs or steps."""
        optimiser = build_optimiser(self.network, self.optimiser)
        schedule: torch.optim.lr_scheduler.LRScheduler
        if self.optimiser.schedule == "halving":
            schedule = torch.optim.lr_scheduler.StepLR(optimiser, self.optimiser.halve_every, 0.5)
            return {
                "optimizer": optimiser,
                "lr_scheduler": {"scheduler": schedule, "interval": "epoch"},
            }
        total = self._total_steps()
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser,
            lambda step: rate_factor(step, total=total, config=self.optimiser),
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _total_steps(self) -> float:
        if self.trainer.max_steps >= 0:
            return self.trainer.max_steps
        return float(self.trainer.estimated_stepping_batches)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the settings of network and optimiser beside what they belong to."""
        checkpoint["network"] = self.network.config.to_dict()
        checkpoint["optimiser"] = _kept_settings(self.optimiser)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another network or optimiser with words.

        What an optimiser has stored would take the place of the settings without any.
        """
        kept = _kept_settings(self.optimiser)
        for what, theirs, ours in (
            ("network", checkpoint.get("network") or {}, self.network.config.to_dict()),
            # Older versions did not keep it.
            ("optimiser", checkpoint.get("optimiser", kept), kept),
        ):
            names = [key for key in ours if theirs.get(key) != ours[key]]
            if names:
                raise ConfigError(
                    f"the checkpoint is of another {what}: {', '.join(names)} differ; "
                    "resume with the options of the first run"
                )


def _kept_settings(config: OptimiserConfig) -> dict[str, Any]:
    """Give what a run cannot change on its way; the length and form of its schedule it can."""
    settings = json.loads(json.dumps(asdict(config)))
    return {name: value for name, value in settings.items() if name not in _CHANGEABLE}


def network_of(module: L.LightningModule) -> LSANet:
    """Give the network that a `MattingModule` trains, to callbacks that know any module."""
    if not isinstance(module, MattingModule):
        raise TypeError(f"expected a MattingModule, found {type(module).__name__}")
    return module.network


def _network_config(preset: str, changes: dict[str, Any]) -> NetworkConfig:
    return NetworkConfig.from_dict({**NetworkConfig.preset(preset).to_dict(), **changes})
