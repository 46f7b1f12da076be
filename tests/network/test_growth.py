"""A grown network gives what the trained one gave, and every new weight can learn."""

from dataclasses import replace

import pytest
import torch

from lsamatting.errors import ConfigError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.growth import grow
from lsamatting.network.lsanet import LSANet
from tests.tiny_network import TINY

LITE = replace(
    NetworkConfig.preset("lite"),
    stem_channels=(4, 4, 6),
    stage_channels=(8, 8, 12, 12),
    stage_blocks=(1, 1, 1, 1),
    decoder_channels=(10, 8, 8, 6, 6),
    head_channels=(6, 4),
)
WIDER = replace(
    LITE,
    stem_channels=(4, 6, 8),
    stage_channels=(12, 8, 16, 20),
    stage_blocks=(2, 1, 3, 1),
    decoder_channels=(12, 10, 8, 8, 7),
    head_channels=(8, 6),
)
PAPER = NetworkConfig.from_dict({**TINY, "block": "bottleneck", "stage_channels": [8, 8, 8, 8]})
WIDER_PAPER = replace(PAPER, stage_channels=(12, 16, 8, 8), stage_blocks=(2, 2, 1, 1))
PRETRAINED = replace(
    NetworkConfig.preset("lite"),
    encoder="efficientnet-lite0",
    decoder_channels=(10, 8, 8, 6, 6),
    head_channels=(6, 4),
)
WIDER_PRETRAINED = replace(PRETRAINED, decoder_channels=(12, 8, 12, 6, 8), head_channels=(6, 8))


def trained_network(config: NetworkConfig) -> LSANet:
    """Make a network none of whose weights and statistics are as a new one's."""
    network = LSANet(config)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif value.is_floating_point():
                value.add_(0.1 * torch.randn_like(value))
    return network


def pictures(config: NetworkConfig) -> tuple[torch.Tensor, ...]:
    image, trimap = torch.rand(2, 3, 64, 64), torch.randint(0, 3, (2, 1, 64, 64)) / 2
    return image, trimap, torch.rand(2, config.prior_channels, 64, 64)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [(LITE, WIDER), (PAPER, WIDER_PAPER), (PRETRAINED, WIDER_PRETRAINED), (LITE, LITE)],
    ids=["basic", "bottleneck", "efficientnet", "same"],
)
@pytest.mark.parametrize("training", [True, False])
def test_a_grown_network_gives_what_the_trained_one_gave(narrow, wide, training):
    torch.manual_seed(0)
    small = trained_network(narrow)
    large = LSANet(wide)
    grow(large, small)
    given = pictures(narrow)
    with torch.no_grad():
        expected = small.train(training)(*given)
        found = large.train(training)(*given)
    assert expected.std() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_every_weight_of_a_grown_network_learns_by_the_third_step():
    torch.manual_seed(0)
    large = LSANet(WIDER)
    grow(large, trained_network(LITE))
    optimiser = torch.optim.SGD(large.parameters(), lr=0.01)
    image, trimap, priors = pictures(LITE)
    for _ in range(3):
        optimiser.zero_grad()
        large(image, trimap, priors).sub(0.3).square().mean().backward()
        optimiser.step()
    idle = [name for name, value in large.named_parameters() if not value.grad.any()]
    assert not idle


@pytest.mark.parametrize(
    ("narrow", "wide", "told"),
    [
        (WIDER, LITE, "cannot shrink: stem_channels"),
        (LITE, replace(WIDER, base="alpha_closed_form"), "base is 'alpha_closed_form'"),
        (
            replace(LITE, stem_channels=(4, 4, 8), stage_channels=(8, 8, 12, 12)),
            replace(WIDER, stage_channels=(12, 8, 16, 20)),
            "only one of them has encoder.stages.0.0.shortcut",
        ),
    ],
    ids=["narrower", "another base", "no projection"],
)
def test_networks_that_cannot_be_grown_into_are_refused(narrow, wide, told):
    with pytest.raises(ConfigError, match=told):
        grow(LSANet(wide), LSANet(narrow))
