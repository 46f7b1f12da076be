"""The modules through which a prediction is refined: scale and shift fields on decoder levels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsamatting.network.config import NetworkConfig

LEVELS = (5, 4, 3, 2)
"""The decoder levels that are modulated, the coarsest first."""


def field_side(level: int) -> int:
    """Give the height and width of the fields of a decoder level: 8, 16, 32, 64 for 5 to 2."""
    return int(2 ** (8 - level))


class RefinementModule(nn.Module):
    """Backpropagating refinement module of one decoder level (paper, section 4.3).

    `exp(interp(A)) · x + interp(B)`, where A and B are small maps, zero at first, so that the
    module begins as the identity. They are all that is optimised for a picture: A makes a feature
    weaker or stronger in a part of it, B adds some of it.

    Parameters
    ----------
    channels:
        Channels of the level.
    level:
        5 to 2; decides the maps' size, 2^(8−level) on each side whatever the picture's.
    """

    def __init__(self, channels: int, level: int) -> None:
        super().__init__()
        side = field_side(level)
        self.scale = nn.Parameter(torch.zeros(channels, side, side))
        self.shift = nn.Parameter(torch.zeros(channels, side, side))

    def forward(self, x: Tensor) -> Tensor:
        """Modulate N×C×H×W features."""
        scale, shift = (
            functional.interpolate(
                field[None], size=x.shape[-2:], mode="bicubic", align_corners=False
            )
            for field in (self.scale, self.shift)
        )
        return torch.exp(scale) * x + shift


def refinement_modules(config: NetworkConfig) -> dict[int, RefinementModule]:
    """Make a network's modules by level, as `LSANet.decode` takes them."""
    return {
        level: RefinementModule(channels, level)
        for level, channels in zip(LEVELS, config.decoder_channels, strict=False)
    }
