from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lsamatting.errors import ConfigError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from lsamatting.training.loss import LossConfig
from lsamatting.training.module import MattingModule
from tests.tiny_network import TINY


def test_training_on_from_weights_learns_its_statistics_too(tmp_path: Path) -> None:
    """Saved weights load in evaluation mode; batch norm must not stay there."""
    LSANet(NetworkConfig.from_dict(TINY)).save_pretrained(tmp_path)
    module = MattingModule(weights=str(tmp_path), network={"attention": "unknown"})
    assert module.network.config.attention == "unknown"
    before = module.network.encoder.stem[0].bn.running_mean.clone()
    module(torch.rand(2, 3, 64, 64), torch.full((2, 1, 64, 64), 0.5), torch.rand(2, 0, 64, 64))
    assert not torch.equal(module.network.encoder.stem[0].bn.running_mean, before)


def test_the_base_is_what_the_loss_compares_with() -> None:
    network = {**TINY, "priors": ["alpha_joint", "alpha_nearest"], "base": "alpha_nearest"}
    module = MattingModule(network=network, loss=LossConfig(beside_base=0.5, epsilon=1e-6))
    batch = {
        "image": torch.rand(2, 3, 64, 64),
        "trimap": torch.full((2, 1, 64, 64), 0.5),
        "alpha": torch.zeros(2, 1, 64, 64),
        "priors": torch.full((2, 2, 64, 64), 0.25),
    }
    batch["priors"][:, 0] = 1.0
    # Untrained it gives its base, 0.25 everywhere: an error of 0.25 on each of five scales.
    error = 0.25 * sum(0.5**level for level in range(5))
    loss = module.training_step(batch, 0)
    assert float(loss.detach()) == pytest.approx(error / (error + 0.5), rel=1e-4)


def test_without_a_base_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(ConfigError, match="beside_base needs a network with a base"):
        MattingModule(network=TINY, loss=LossConfig(beside_base=0.5))


def test_training_starts_from_a_smaller_network_and_has_its_function(tmp_path: Path) -> None:
    torch.manual_seed(1)
    small = LSANet(NetworkConfig.from_dict(TINY))
    small.save_pretrained(tmp_path, half=False)
    wider = {**TINY, "decoder_channels": [8, 8, 4, 4, 8], "stage_blocks": [2, 1, 1, 1]}
    module = MattingModule(network=wider, grow_from=str(tmp_path))
    image, trimap = torch.rand(1, 3, 32, 32), torch.full((1, 1, 32, 32), 0.5)
    with torch.no_grad():
        expected, found = (n.eval()(image, trimap) for n in (small, module.network))
    torch.testing.assert_close(found, expected)
    with pytest.raises(ConfigError, match="exclude each other"):
        MattingModule(network=wider, grow_from=str(tmp_path), weights=str(tmp_path))
