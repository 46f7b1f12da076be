"""ResNet-D: a residual encoder with a deep stem and pooled shortcuts.

He et al., "Bag of tricks for image classification with convolutional neural networks", CVPR 2019.
`resnet50d` widths give the paper's encoder, narrow widths the encoder of the lite model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lsamatting.network.config import NetworkConfig


class ConvBN(nn.Module):
    """A bias-free convolution and its batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the convolution's output."""
        normalised: Tensor = self.bn(self.conv(x))
        return normalised


class Shortcut(nn.Module):
    """The residual path's other branch where shape changes: 2×2 average pool, then 1×1 conv."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.pool = (
            nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
            if stride > 1
            else nn.Identity()
        )
        self.project = ConvBN(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Bring `x` to the block's output shape."""
        projected: Tensor = self.project(self.pool(x))
        return projected


class Block(nn.Module):
    """One residual block; the stride sits on the first 3×3 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        middle = outputs // 4
        self.branch = nn.Sequential(
            *(
                [
                    ConvBN(inputs, middle, 1),
                    nn.ReLU(inplace=True),
                    ConvBN(middle, middle, 3, stride),
                    nn.ReLU(inplace=True),
                    ConvBN(middle, outputs, 1),
                ]
                if bottleneck
                else [
                    ConvBN(inputs, outputs, 3, stride),
                    nn.ReLU(inplace=True),
                    ConvBN(outputs, outputs, 3),
                ]
            )
        )
        self.shortcut = (
            Shortcut(inputs, outputs, stride) if stride > 1 or inputs != outputs else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        return torch.relu(self.branch(x) + self.shortcut(x))


class Encoder(nn.Module):
    """Input at stride 1 → taps at strides 2, 4, 8, 16 and 32."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        first, second, third = config.stem_channels
        self.stem = nn.Sequential(
            ConvBN(config.input_channels, first, 3, 2),
            nn.ReLU(inplace=True),
            ConvBN(first, second, 3),
            nn.ReLU(inplace=True),
            ConvBN(second, third, 3),
            nn.ReLU(inplace=True),
        )
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.stages = nn.ModuleList()
        inputs = third
        for number, (outputs, blocks) in enumerate(
            zip(config.stage_channels, config.stage_blocks, strict=True)
        ):
            stride = 1 if number == 0 else 2
            stage = [
                Block(
                    inputs if index == 0 else outputs,
                    outputs,
                    stride if index == 0 else 1,
                    bottleneck=config.block == "bottleneck",
                )
                for index in range(blocks)
            ]
            self.stages.append(nn.Sequential(*stage))
            inputs = outputs

    def forward(self, x: Tensor) -> list[Tensor]:
        """Encode an N×C×H×W input; H and W are multiples of 32.

        Returns
        -------
        list of Tensor
            Five taps, stride 2 first.
        """
        taps = [self.stem(x)]
        x = self.pool(taps[0])
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps
