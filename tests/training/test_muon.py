from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from lsamatting.training.muon import COEFFICIENTS, Muon, orthogonalise
from lsamatting.training.optimiser import OptimiserConfig, build_optimiser


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16), (1, 9)])
def test_singular_values_come_near_one_and_directions_stay(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(shape, generator=generator)
    result = orthogonalise(matrix)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    # In the matrix's own singular vectors the result is diagonal, with a diagonal near 1.
    turned = left.T @ result @ right.T
    diagonal = torch.diagonal(turned)
    assert torch.allclose(turned, torch.diag(diagonal), atol=1e-4)
    assert float(diagonal.min()) > 0.5
    assert float(diagonal.max()) < 1.3


def plain(matrix: torch.Tensor) -> torch.Tensor:
    """The iteration as it is published."""
    a, b, c = COEFFICIENTS
    x = matrix.double() / matrix.double().norm()
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x


@pytest.mark.parametrize("shape", [(16, 144), (64, 16), (48, 48)])
def test_it_is_the_published_iteration(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    # Gradients have few large directions and many small ones.
    matrix = left @ torch.diag(torch.logspace(0, -3, min(shape))) @ right
    result, expected = orthogonalise(matrix).double(), plain(matrix)
    assert float((result - expected).norm() / expected.norm()) < 1e-3


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 1, 1)
    )


def _gradients(network: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def test_what_is_no_matrix_moves_as_with_adamw() -> None:
    ours, theirs = _network(), _network()
    config = OptimiserConfig(kind="muon", learning_rate=0.01, weight_decay=0.1, norm_decay=0.0)
    muon = build_optimiser(ours, config)
    adamw = build_optimiser(theirs, OptimiserConfig(**{**vars(config), "kind": "adamw"}))
    for step in range(3):
        for network, optimiser in ((ours, muon), (theirs, adamw)):
            _gradients(network, step)
            optimiser.step()
    same = {
        name: torch.allclose(a, b, atol=1e-6)
        for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True)
    }
    assert [name for name, equal in same.items() if not equal] == ["0.weight", "3.weight"]


def test_a_matrix_takes_a_step_of_the_stated_length() -> None:
    network = nn.Conv2d(4, 16, 3, bias=False)
    before = network.weight.detach().clone()
    config = OptimiserConfig(kind="muon", learning_rate=0.01, weight_decay=0.0)
    optimiser = build_optimiser(network, config)
    _gradients(network, 0)
    optimiser.step()
    step = (before - network.weight.detach()).flatten(1)
    assert torch.allclose(
        step, 0.01 * 0.2 * 36**0.5 * orthogonalise(network.weight.grad.flatten(1)), atol=1e-6
    )


def test_a_loaded_state_goes_on_as_before() -> None:
    straight = _network()
    config = OptimiserConfig(kind="muon", learning_rate=0.01)
    first = build_optimiser(straight, config)
    for step in range(2):
        _gradients(straight, step)
        first.step()
    resumed = copy.deepcopy(straight)
    second = build_optimiser(resumed, config)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for network, optimiser in ((straight, first), (resumed, second)):
        _gradients(network, 9)
        optimiser.step()
    for a, b in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_loaded_state_counts_on_where_parameters_are_bfloat16() -> None:
    weight = nn.Parameter(torch.zeros(3, dtype=torch.bfloat16))
    groups = [{"params": [weight], "muon": False, "lr": 0.01}]
    weight.grad = torch.ones_like(weight)
    first = Muon(groups)
    for _ in range(300):
        first.step()
    second = Muon(groups)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.step()
    assert int(second.state[weight]["steps"]) == 301


def test_it_finds_the_least_squares_solution() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(4, 4, 1, 1, generator=generator)
    network = nn.Conv2d(4, 4, 1, bias=False)
    optimiser = Muon([{"params": [network.weight], "muon": True, "lr": 0.1, "weight_decay": 0.0}])
    for step in range(300):
        x = torch.randn(16, 4, 3, 3, generator=generator)
        loss = (network(x) - nn.functional.conv2d(x, truth)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 300)
        optimiser.step()
    assert float((network.weight.detach() - truth).abs().max()) < 0.02
