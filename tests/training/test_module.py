from __future__ import annotations

from pathlib import Path

import torch

from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from lsamatting.training.module import MattingModule

TINY = {
    "stem_channels": [4, 4, 4],
    "stage_channels": [4, 4, 4, 4],
    "stage_blocks": [1, 1, 1, 1],
    "block": "basic",
    "decoder_channels": [4, 4, 4, 4, 4],
    "head_channels": [4, 4],
}


def test_training_on_from_weights_learns_its_statistics_too(tmp_path: Path) -> None:
    """Saved weights load in evaluation mode; batch norm must not stay there."""
    LSANet(NetworkConfig.from_dict(TINY)).save_pretrained(tmp_path)
    module = MattingModule(weights=str(tmp_path), network={"attention": "unknown"})
    assert module.network.config.attention == "unknown"
    before = module.network.encoder.stem[0].bn.running_mean.clone()
    module(torch.rand(2, 3, 64, 64), torch.full((2, 1, 64, 64), 0.5), torch.rand(2, 0, 64, 64))
    assert not torch.equal(module.network.encoder.stem[0].bn.running_mean, before)
