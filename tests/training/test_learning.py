"""Training does what it is for: the loss falls, and opacity comes nearer to the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")

from lsamatting.network.config import NetworkConfig
from lsamatting.training.loss import LossConfig, matting_loss
from lsamatting.training.module import MattingModule
from lsamatting.training.optimiser import OptimiserConfig, build_optimiser

SMALL = {
    **NetworkConfig.preset("lite").to_dict(),
    "encoder": "resnet-d",
    "stem_channels": [8, 8, 8],
    "stage_channels": [8, 8, 16, 16],
    "stage_blocks": [1, 1, 1, 1],
    "decoder_channels": [8, 8, 8, 8, 8],
    "head_channels": [8, 8],
    "priors": [],
    "base": "",
    "correction": "everywhere",
}


def batch(count: int, seed: int) -> dict[str, torch.Tensor]:
    """Soft discs of one colour on a ground of another, 64×64; a wide band is unknown."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64]
    images, alphas, trimaps = [], [], []
    for _ in range(count):
        centre, radius = rng.uniform(24, 40, 2), rng.uniform(12, 20)
        distance = np.hypot(rows - centre[0], columns - centre[1])
        alpha = np.clip((radius - distance) / rng.uniform(2, 8) + 0.5, 0, 1)
        front, back = rng.uniform(0, 1, (2, 3, 1, 1))
        images.append(alpha * front + (1 - alpha) * back)
        alphas.append(alpha[None])
        trimaps.append(np.where(abs(distance - radius) < 10, 0.5, alpha > 0.5)[None])
    named = {"image": images, "alpha": alphas, "trimap": trimaps}
    tensors = {
        name: torch.tensor(np.array(found), dtype=torch.float32) for name, found in named.items()
    }
    return {**tensors, "priors": torch.zeros(count, 0, 64, 64)}


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_the_loss_falls_on_pictures_that_were_never_seen(kind):
    torch.manual_seed(0)
    options = OptimiserConfig(kind=kind, learning_rate=5e-3)
    module = MattingModule(network=SMALL, preset="lite", optimiser=options)
    optimiser = build_optimiser(module.network, options)

    def loss_of(data: dict[str, torch.Tensor]) -> torch.Tensor:
        predicted = module(data["image"], data["trimap"], data["priors"])
        return matting_loss(predicted, data["alpha"], data["trimap"] == 0.5, config=LossConfig())

    unseen = batch(8, seed=1000)

    def loss_on_unseen() -> float:
        module.eval()
        with torch.no_grad():
            loss = float(loss_of(unseen))
        module.train()
        return loss

    before = loss_on_unseen()
    for step in range(40):
        loss = loss_of(batch(4, seed=step))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss_on_unseen() < 0.6 * before
