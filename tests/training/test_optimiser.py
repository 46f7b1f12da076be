from __future__ import annotations

import pytest
import torch
from torch import nn

from lsamatting.errors import ConfigError
from lsamatting.training.optimiser import OptimiserConfig, build_optimiser, rate_factor


def test_normalisation_parameters_have_a_decay_of_their_own() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1, bias=False))
    config = OptimiserConfig(weight_decay=0.1, norm_decay=0.2)
    optimiser = build_optimiser(network, config)
    decays = {id(p): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    assert [decays[id(p)] for p in network.parameters()] == [0.1, 0.1, 0.2, 0.2, 0.1]


@pytest.mark.parametrize(
    ("kind", "optimiser"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_the_kind_decides_the_class(kind: str, optimiser: type) -> None:
    assert type(build_optimiser(nn.Linear(2, 2), OptimiserConfig(kind=kind))) is optimiser


def test_the_cosine_rises_then_falls_to_its_floor() -> None:
    config = OptimiserConfig(schedule="cosine", warmup_steps=10, floor=0.01)
    factors = [rate_factor(s, total=100, config=config) for s in range(103)]
    assert factors[0] == pytest.approx(1 / 11)
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.505)
    assert factors[100:] == pytest.approx([0.01] * 3)
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_the_trapezoid_is_level_whatever_its_length_and_falls_at_the_end() -> None:
    config = OptimiserConfig(schedule="trapezoid", warmup_steps=10, floor=0.0, cooldown=0.25)
    short = [rate_factor(s, total=100, config=config) for s in range(101)]
    long = [rate_factor(s, total=1000, config=config) for s in range(1001)]
    assert short[:76] == long[:76]
    assert set(long[10:750]) == {1.0}
    assert short[75:] == pytest.approx([1 - n / 25 for n in range(26)])


@pytest.mark.parametrize("schedule", ["cosine", "trapezoid"])
def test_an_endless_run_keeps_its_rate(schedule: str) -> None:
    config = OptimiserConfig(schedule=schedule, warmup_steps=10)
    assert rate_factor(12345, total=float("inf"), config=config) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "sgd"},
        {"schedule": "step"},
        {"learning_rate": 0.0},
        {"samples": 0},
        {"cooldown": 0.0},
        {"warmup_steps": 5, "schedule": "halving"},
        {"weight_decay": -1.0},
        {"momentum": 2.0},
        {"floor": -3.0},
    ],
    ids=str,
)
def test_impossible_options_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        OptimiserConfig(**values)
