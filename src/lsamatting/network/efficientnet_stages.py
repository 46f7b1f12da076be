"""The stages of the EfficientNet-Lite family, apart from the modules that need PyTorch.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
in the variant for phones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first of them has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM_CHANNELS = 32

_STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)

EFFICIENTNETS = {
    "efficientnet-lite0": (1.0, 1.0),
    "efficientnet-lite1": (1.0, 1.1),
    "efficientnet-lite2": (1.1, 1.2),
}
"""Factors of width and depth."""

TAP_STAGES = (0, 1, 2, 4, 6)
"""The last stages at strides 2, 4, 8, 16 and 32."""


def stages_of(name: str) -> tuple[Stage, ...]:
    """Scale the stages; the first and the last keep their number of blocks."""
    width, depth = EFFICIENTNETS[name]
    last = len(_STAGES) - 1
    return tuple(
        Stage(
            stage.blocks if number in (0, last) else math.ceil(depth * stage.blocks),
            stage.kernel,
            stage.stride,
            stage.expansion,
            _multiple_of_8(width * stage.channels),
        )
        for number, stage in enumerate(_STAGES)
    )


def tap_channels(name: str) -> tuple[int, ...]:
    """Give the channels of the taps at strides 2, 4, 8, 16 and 32."""
    stages = stages_of(name)
    return tuple(stages[number].channels for number in TAP_STAGES)


def _multiple_of_8(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
