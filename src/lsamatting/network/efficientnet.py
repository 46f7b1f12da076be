"""EfficientNet-Lite: inverted residual blocks, small enough for a processor.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
in the variant without squeeze-and-excitation and with ReLU6 that was published for phones. Its
weights from ImageNet are free of non-commercial terms (Apache-2.0), which is why it is here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsamatting.network.efficientnet_stages import (
    STEM_CHANNELS,
    TAP_STAGES,
    Stage,
    stages_of,
)


class DepthwiseConv(nn.Conv2d):
    """A convolution per channel whose gradients do not take most of the training on a processor.

    PyTorch's gradients of these are slow there for strides of 2 and for weights in bfloat16: with
    this an EfficientNet-Lite trains at 9 samples/s instead of 6.5. The result is the same.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve; in training on a processor with stride 1, in float32, leaving out the rest."""
        if not self.training or input.device.type != "cpu":
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            dense = functional.conv2d(
                input.float(), self.weight, padding=self.padding, groups=self.groups
            )
        down, right = self.stride
        return dense[:, :, ::down, ::right].to(input.dtype)


class ConvBN(nn.Module):
    """A bias-free convolution and its batch norm, padded as these weights were trained.

    A convolution of stride 2 has one pixel less of padding at the top and left, as TensorFlow's
    has on even sizes.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, groups: int = 1
    ) -> None:
        super().__init__()
        before = (kernel - 1) // 2 - (stride - 1)
        after = (kernel - 1) // 2
        self.uneven = (before, after, before, after) if stride > 1 else None
        padding = 0 if self.uneven else after
        kind = nn.Conv2d if groups == 1 else DepthwiseConv
        self.conv = kind(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the convolution's output."""
        if self.uneven:
            x = functional.pad(x, self.uneven)
        normalised: Tensor = self.bn(self.conv(x))
        return normalised


class InvertedBlock(nn.Module):
    """1×1 to a multiple of the width, a convolution per channel, 1×1 back."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        middle = inputs * stage.expansion
        self.expand = ConvBN(inputs, middle, 1) if stage.expansion > 1 else None
        self.depthwise = ConvBN(middle, middle, stage.kernel, stride, groups=middle)
        self.project = ConvBN(middle, stage.channels, 1)
        self.skip = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """Transform, and add where nothing changes its shape."""
        expanded = x if self.expand is None else functional.relu6(self.expand(x))
        y: Tensor = self.project(functional.relu6(self.depthwise(expanded)))
        return x + y if self.skip else y


class EfficientNetEncoder(nn.Module):
    """Input at stride 1 → taps at strides 2, 4, 8, 16 and 32."""

    def __init__(self, name: str, input_channels: int) -> None:
        super().__init__()
        self.stem = ConvBN(input_channels, STEM_CHANNELS, 3, 2)
        self.stages = nn.ModuleList()
        inputs = STEM_CHANNELS
        for stage in stages_of(name):
            blocks = []
            for number in range(stage.blocks):
                blocks.append(InvertedBlock(inputs, stage, 1 if number else stage.stride))
                inputs = stage.channels
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Encode an N×C×H×W input; H and W are multiples of 32.

        Returns
        -------
        list of Tensor
            Five taps, stride 2 first.
        """
        x = functional.relu6(self.stem(x))
        taps = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in TAP_STAGES:
                taps.append(x)
        return taps
