"""What moves in the network while only the refinement modules' fields change, and nothing else.

No weight changes, so batch norm is part of the convolution before it. The encoder's features and
the input do not change, so a convolution of them concatenated with features that do is a sum of
which one half is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from lsamatting.network.brm import LEVELS, field_side
from lsamatting.network.decoder import DecoderLevel, FullHead, shrink_mask
from lsamatting.network.lsanet import LSANet

Fields = Mapping[int, Tensor]
"""By decoder level n×n×2C: the modules' A and B side by side, channels last."""


class MovingDecoder:
    """Decoder and head of one picture as a function of the modules' fields.

    Parameters
    ----------
    network:
        In evaluation mode.
    inputs, taps:
        What its `inputs` and `encode` gave for the picture.
    """

    def __init__(self, network: LSANet, inputs: Tensor, taps: list[Tensor]) -> None:
        where = network.attention_mask(inputs)
        levels = [module for module in network.decoder.levels if isinstance(module, DecoderLevel)]
        above = 0
        self.levels: list[MovingLevel] = []
        for number, level, tap in zip((5, 4, 3, 2, 1), levels, reversed(taps), strict=True):
            shrunk = None if where is None else shrink_mask(where, tap)
            self.levels.append(MovingLevel(level, tap, above, shrunk, number in LEVELS, number))
            above = level.conv.out_channels
        self.head = MovingHead(network, inputs, above)
        self.first = self.levels[0].attended(self.levels[0].constant)

    def fields(self) -> dict[int, Tensor]:
        """Make fields of zeros, with which the network is as it was trained."""
        device = self.first.device
        return {
            level.number: torch.zeros(
                (field_side(level.number),) * 2 + (2 * level.channels,), device=device
            )
            for level in self.levels
            if level.number in LEVELS
        }

    def __call__(self, fields: Fields) -> Tensor:
        """Give the opacity, H×W, not clamped."""
        x = self.first
        for level in self.levels:
            if level.number != 5:
                x = level(x)
            if level.number in fields:
                x = level.modulate(x, fields[level.number])
        return self.head(x)


class MovingLevel:
    """One decoder level."""

    def __init__(
        self,
        level: DecoderLevel,
        tap: Tensor,
        above: int,
        where: Tensor | None,
        modulated: bool,
        number: int,
    ) -> None:
        self.number = number
        self.channels = level.conv.out_channels
        norm = level.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        kernel = (level.conv.weight * factor[:, None, None, None]).detach()
        bias = (norm.bias - norm.running_mean * factor).detach()
        own = tap.shape[1]
        self.constant = functional.conv2d(tap, kernel[:, :own], bias, padding=1)
        self.kernel = kernel[:, own:].contiguous(memory_format=torch.channels_last)
        self.fc = level.attention.fc.weight.detach(), level.attention.fc.bias
        self.share: Tensor | None = None
        if where is not None:
            self.share = where / where.sum().clamp_min(1e-6)
        height, width = tap.shape[-2:]
        if modulated:
            side = field_side(number)
            self.rows = _resizing(side, height, tap.device)
            self.columns = _resizing(side, width, tap.device)

    def __call__(self, x: Tensor) -> Tensor:
        """Fuse the level above with the encoder's tap."""
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        return self.attended(functional.conv2d(x, self.kernel, padding=1) + self.constant)

    def attended(self, x: Tensor) -> Tensor:
        """Do what comes after the convolution."""
        x = torch.relu(x)
        if self.share is None:
            pooled = x.mean(dim=(2, 3), keepdim=True)
        else:
            pooled = (x * self.share).sum(dim=(2, 3), keepdim=True)
        return x * functional.hardsigmoid(functional.conv2d(pooled, *self.fc))

    def modulate(self, x: Tensor, field: Tensor) -> Tensor:
        """Apply the level's module."""
        side, _, channels = field.shape
        wide = (self.rows @ field.reshape(side, -1)).view(-1, side, channels)
        resized = (self.columns @ wide)[None].permute(0, 3, 1, 2)
        return torch.exp(resized[:, : self.channels]) * x + resized[:, self.channels :]


class MovingHead:
    """The head."""

    def __init__(self, network: LSANet, inputs: Tensor, features: int) -> None:
        head = network.head
        self.head = head
        self.inputs = network.head_inputs(inputs)
        self.size = inputs.shape[-2:]
        self.full = isinstance(head, FullHead)
        self.features = features
        self.base = network.base(inputs)

    def __call__(self, features: Tensor) -> Tensor:
        """Give the opacity."""
        alpha: Tensor = self.head(self.inputs, features)
        return (alpha if self.base is None else alpha + self.base)[0, 0]


def _resizing(source: int, target: int, device: torch.device) -> Tensor:
    """Give the target×source matrix of a bicubic resize, by resizing the identity."""
    identity = torch.eye(source, device=device).view(1, source, source, 1)
    resized = functional.interpolate(
        identity, size=(target, 1), mode="bicubic", align_corners=False
    )
    return resized[0, :, :, 0].T.contiguous()
