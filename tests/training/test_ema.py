from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("lightning")

from lsamatting.training.ema import WeightAverage
from lsamatting.training.module import MattingModule
from tests.tiny_network import TINY


def fill(module: MattingModule, value: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)


def test_the_average_follows_its_recursion_and_survives_a_checkpoint() -> None:
    module = MattingModule("paper", TINY)
    average = WeightAverage(0.3)
    fill(module, 0.0)
    average.on_train_start(SimpleNamespace(global_step=0), module)
    expected = 0.0
    for step in range(1, 6):
        fill(module, float(step))
        if step == 3:
            state = average.state_dict()
            average = WeightAverage(0.3)
            average.load_state_dict(state)
            average.on_train_start(SimpleNamespace(global_step=step - 1), module)
        for _ in range(2):  # the second call belongs to the same optimiser step
            average.on_train_batch_end(SimpleNamespace(global_step=step), module)
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    with average.applied(module.network):
        for parameter in module.parameters():
            assert parameter.mean().item() == pytest.approx(expected, rel=1e-5)
    assert all(parameter.min() == parameter.max() == 5 for parameter in module.parameters())
