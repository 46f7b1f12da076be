"""The network, averaging and refinement on a device that is not the CPU and has no float64."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.strokes import Stroke
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.inference.tta import Averaging
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet

SPEC = importlib.util.spec_from_file_location("elsewhere", Path(__file__).with_name("elsewhere.py"))
elsewhere = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(elsewhere)

SMALL = {
    "stem_channels": (4, 4, 8),
    "stage_channels": (8, 8, 12, 12),
    "stage_blocks": (1, 1, 1, 1),
    "block": "basic",
    "decoder_channels": (12, 12, 8, 8, 8),
    "head_channels": (8, 8),
}
VARIANTS = [
    {},
    {
        "head": "subpixel",
        "attention": "unknown",
        "priors": ("alpha_nearest",),
        "base": "alpha_nearest",
    },
]
WAYS = [
    EstimateOptions(),
    EstimateOptions(padding="published", averaging=Averaging((1.0,), 2)),
    EstimateOptions(refinement=RefinementOptions(steps=4)),
    EstimateOptions(
        refinement=RefinementOptions(steps=4, optimiser="descent"), boundary="published"
    ),
]


def picture():
    rng = np.random.default_rng(0)
    marks = np.zeros((64, 90), np.uint8)
    marks[10:50, 20:80] = 128
    marks[25:35, 40:60] = 255
    stroke = np.zeros(marks.shape, bool)
    stroke[40:46, 60:70] = True
    return rng.random((*marks.shape, 3), dtype=np.float32), marks, [Stroke(stroke, 0.2)]


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("changes", VARIANTS)
def test_it_is_as_on_the_cpu(changes, options, monkeypatch):
    # Tensors that wrap another cannot be inference tensors.
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)
    torch.manual_seed(0)
    network = LSANet(NetworkConfig(**{**SMALL, **changes})).eval()
    torch.nn.init.normal_(network.head.conv3.weight, std=0.1)
    image, marks, strokes = picture()
    expected = estimate(TorchRuntime(network), image, marks, options=options, strokes=strokes)
    with elsewhere.another_device() as device:
        runtime = TorchRuntime(network.to(device), device)
        found = estimate(runtime, image, marks, options=options, strokes=strokes)
    np.testing.assert_allclose(found.alpha, expected.alpha, atol=0.03)
    assert [r.notice for r in found.reports] == [r.notice for r in expected.reports]


def test_the_device_has_no_double_precision():
    with elsewhere.another_device() as device:
        x = torch.ones(3, device=device)
        assert x.device == device
        assert (x + 1).cpu().tolist() == [2, 2, 2]
        with pytest.raises(AssertionError, match="double"):
            x.double()
        with pytest.raises(AssertionError, match="mixes"):
            x + torch.ones(3)
