from __future__ import annotations

import pytest
import torch


class RandomState(dict[str, torch.Tensor]):
    """Random weights by name, always the same, to be laid out as a published file's."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def conv(self, name: str, inputs: int, outputs: int, kernel: int) -> None:
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=self.generator)
        self[f"{name}.weight"] = weight * (2 / (inputs * kernel**2)) ** 0.5

    def norm(self, name: str, channels: int) -> None:
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            self[f"{name}.{leaf}"] = torch.rand(channels, generator=self.generator) + 0.5
        self[f"{name}.num_batches_tracked"] = torch.tensor(7)


@pytest.fixture(scope="module")
def random_state() -> RandomState:
    return RandomState()
