"""Decoder levels 5 to 1 and the head (paper, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsamatting.network.config import NetworkConfig

NUMBERS = (5, 4, 3, 2, 1)
"""Of the levels in the order in which they are computed: the power of two of their stride."""

Modulation = Callable[[Tensor], Tensor]
"""What may be done to a decoder level's output, the identity while training."""


@dataclass
class Averages:
    """What the attention averages, of a picture that is seen in parts.

    Where a level's average is given it is what the level's factors follow from, else that of the
    counted pixels of the part alone.
    """

    counted: Tensor
    """N×1×H×W at stride 1, not negative: which pixels of the part count in the picture's."""

    given: Sequence[Tensor] | None = None
    """Each level's average over the picture, N×C×1×1, level 5 first."""

    totals: list[Tensor] = field(default_factory=list)
    """What each level's features sum up to over the counted pixels, N×C×1×1, level 5 first."""

    weights: list[Tensor] = field(default_factory=list)
    """What the counted pixels weigh there, N×1×1×1."""

    def note(self, features: Tensor, counted: Tensor) -> Tensor:
        """Note what the next level's features sum up to; give the average to follow."""
        level = len(self.totals)
        total, weight = summed_over(features, counted)
        self.totals.append(total)
        self.weights.append(weight)
        return self.follow(level, total / weight.clamp_min(1e-6))

    def follow(self, level: int, own: Tensor) -> Tensor:
        """Choose between what is given for a level, 0 the coarsest, and the part's own average."""
        return own if self.given is None else self.given[level]


class ChannelAttention(nn.Module):
    """VoVNet's eSE: pool, one 1×1 convolution, hard sigmoid, multiply."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, average: Tensor) -> Tensor:
        """Scale each channel of `x` by a factor in [0, 1] that depends on the channels' averages.

        `average` is N×C×1×1.
        """
        return x * functional.hardsigmoid(self.fc(average))


def average_over(x: Tensor, where: Tensor | None) -> Tensor:
    """Average N×C×H×W over the whole map or, if `where` (N×1×H×W, not negative) is given, by it."""
    if where is None:
        half = x.dtype in (torch.float16, torch.bfloat16)
        return (x.float() if half else x).mean(dim=(2, 3), keepdim=True)
    total, weight = summed_over(x, where)
    return total / weight.clamp_min(1e-6)


def summed_over(x: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Sum N×C×H×W, weighted by N×1×H×W of single precision, and sum the weights."""
    return (x * where).sum(dim=(2, 3), keepdim=True), where.sum(dim=(2, 3), keepdim=True)


class DecoderLevel(nn.Module):
    """3×3 convolution, batch norm, ReLU, channel attention."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.attention = ChannelAttention(outputs)

    def forward(
        self,
        x: Tensor,
        where: Tensor | None = None,
        averages: Averages | None = None,
        counted: Tensor | None = None,
    ) -> Tensor:
        """Fuse an encoder tap with the level above, already concatenated.

        `where` is the attention's. `averages` are those of a picture of which this is a part; what
        is given for this level is used, and what the part adds over what is `counted` is noted.
        """
        features = torch.relu(self.norm(self.conv(x)))
        if averages is None or counted is None:
            average = average_over(features, where)
        else:
            average = averages.note(features, counted)
        attended: Tensor = self.attention(features, average)
        return attended


class Decoder(nn.Module):
    """Five levels from stride 32 to stride 2, each fed by its encoder tap and the level above."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.levels = nn.ModuleList()
        above = 0
        for tap, outputs in zip(
            reversed(config.tap_channels), config.decoder_channels, strict=True
        ):
            self.levels.append(DecoderLevel(tap + above, outputs))
            above = outputs

    def forward(
        self,
        taps: list[Tensor],
        where: Tensor | None = None,
        modules: Mapping[int, Modulation] | None = None,
        averages: Averages | None = None,
    ) -> Tensor:
        """Decode the encoder's taps (stride 2 first) into features at stride 2.

        `where` (N×1×H×W at stride 1, in [0, 1]) tells the attention which pixels count.
        `modules` change the output of their level (5 the coarsest) before it goes on. `averages`
        are those of a picture of which this is a part.
        """
        x: Tensor | None = None
        for number, level, tap in zip(NUMBERS, self.levels, reversed(taps), strict=True):
            if x is not None:
                x = functional.interpolate(x, scale_factor=2, mode="nearest")
                tap = torch.cat((tap, x), dim=1)
            counted = None if averages is None else shrink_mask(averages.counted, number)
            shrunk = None if where is None else shrink_mask(where, number)
            x = level(tap, shrunk, averages, counted)
            if modules is not None and number in modules:
                x = modules[number](x)
        assert x is not None
        return x


def shrink_mask(where: Tensor, level: int) -> Tensor:
    """Average `where` down to the size of a level's tap, which lies at stride 2^level."""
    return functional.avg_pool2d(where, 2**level)


def in_full(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve in single precision whatever autocast says.

    The last convolution gives the opacity: bfloat16 has 128 values between ½ and 1, which a 16-bit
    matte shows as bands.
    """
    kind = x.device.type
    if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
        result: Tensor = convolution(x)
        return result
    with torch.autocast(kind, enabled=False):
        result = convolution(x.float())
    return result


class FullHead(nn.Module):
    """The paper's head: three 3×3 convolutions at full resolution over input and features."""

    def __init__(self, inputs: int, features: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        first, second = hidden
        self.conv1 = nn.Conv2d(inputs + features, first, 3, padding=1)
        self.conv2 = nn.Conv2d(first, second, 3, padding=1)
        self.conv3 = nn.Conv2d(second, 1, 3, padding=1)

    def forward(self, inputs: Tensor, features: Tensor) -> Tensor:
        """Give one unclamped value per pixel of `inputs`."""
        features = functional.interpolate(
            features, scale_factor=2, mode="bilinear", align_corners=False
        )
        x = torch.relu(self.conv1(torch.cat((inputs, features), dim=1)))
        return in_full(self.conv3, torch.relu(self.conv2(x)))


class SubpixelHead(nn.Module):
    """The same three convolutions at stride 2, on 2×2 blocks of input pixels."""

    def __init__(self, inputs: int, features: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        first, second = hidden
        self.conv1 = nn.Conv2d(4 * inputs + features, first, 3, padding=1)
        self.conv2 = nn.Conv2d(first, second, 3, padding=1)
        self.conv3 = nn.Conv2d(second, 4, 3, padding=1)

    def forward(self, inputs: Tensor, features: Tensor) -> Tensor:
        """Give one unclamped value per pixel of `inputs`."""
        number, channels, height, width = inputs.shape
        # A pixel-unshuffle that keeps channels last; PyTorch's own falls back to channels first.
        blocks = (
            inputs.permute(0, 2, 3, 1)
            .reshape(number, height // 2, 2, width // 2, 2, channels)
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(number, height // 2, width // 2, 4 * channels)
            .permute(0, 3, 1, 2)
        )
        x = torch.relu(self.conv1(torch.cat((blocks, features), dim=1)))
        return functional.pixel_shuffle(in_full(self.conv3, torch.relu(self.conv2(x))), 2)
