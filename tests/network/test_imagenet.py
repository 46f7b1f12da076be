"""The encoder against a ResNet-50-D written out from the key names of published weights."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from lsamatting.errors import WeightsError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.imagenet import initialise_encoder
from lsamatting.network.lsanet import LSANet

STAGES = ((64, 256, 3), (128, 512, 4), (256, 1024, 6), (512, 2048, 3))


@pytest.fixture(scope="module")
def published(random_state):
    """Random weights in the layout of timm's resnet50d."""
    state = random_state
    for number, (inputs, outputs) in enumerate(((3, 32), (32, 32), (32, 64))):
        state.conv(f"conv1.{3 * number}", inputs, outputs, 3)
    for name, channels in (("conv1.1", 32), ("conv1.4", 32), ("bn1", 64)):
        state.norm(name, channels)
    inputs = 64
    for stage, (middle, outputs, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            state.conv(f"{name}.conv1", inputs, middle, 1)
            state.conv(f"{name}.conv2", middle, middle, 3)
            state.conv(f"{name}.conv3", middle, outputs, 1)
            for number, channels in ((1, middle), (2, middle), (3, outputs)):
                state.norm(f"{name}.bn{number}", channels)
            if block == 0:
                state.conv(f"{name}.downsample.1", inputs, outputs, 1)
                state.norm(f"{name}.downsample.2", outputs)
            inputs = outputs
    state["fc.weight"], state["fc.bias"] = torch.zeros(1000, 2048), torch.zeros(1000)
    return state


def resnet50d(x, w):
    def norm(x, name):
        return functional.batch_norm(
            x,
            w[f"{name}.running_mean"],
            w[f"{name}.running_var"],
            w[f"{name}.weight"],
            w[f"{name}.bias"],
        )

    def conv(x, name, stride=1):
        weight = w[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    x = torch.relu(norm(conv(x, "conv1.0", 2), "conv1.1"))
    x = torch.relu(norm(conv(x, "conv1.3"), "conv1.4"))
    x = torch.relu(norm(conv(x, "conv1.6"), "bn1"))
    taps = [x]
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, (_, _, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = torch.relu(norm(conv(x, f"{name}.conv1"), f"{name}.bn1"))
            y = torch.relu(norm(conv(y, f"{name}.conv2", stride), f"{name}.bn2"))
            y = norm(conv(y, f"{name}.conv3"), f"{name}.bn3")
            if block == 0:
                x = functional.avg_pool2d(x, 2) if stride == 2 else x
                x = norm(conv(x, f"{name}.downsample.1"), f"{name}.downsample.2")
            x = torch.relu(x + y)
        taps.append(x)
    return taps


def test_published_weights_give_the_published_features(published, tmp_path):
    save_file(published, tmp_path / "resnet50d.safetensors")
    network = LSANet(NetworkConfig.preset("paper")).eval()
    initialise_encoder(network, tmp_path / "resnet50d.safetensors")
    torch.manual_seed(0)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = resnet50d(image, published)
        # The stem's trimap channel starts at zero, so the trimap is not seen yet.
        taps = network.encoder(torch.cat((image, torch.rand(1, 1, 64, 64)), dim=1))
    for tap, wanted in zip(taps, expected, strict=True):
        torch.testing.assert_close(tap, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("unexpected", r"layer5\.0\.conv1\.weight is no weight"),
        ("missing", r"lacks weights for stages\.0\.0\.branch\.0\.conv\.weight"),
        ("shape", r"bn1\.weight is \(3,\)"),
    ],
)
def test_other_networks_weights_are_refused_by_name(published, tmp_path, fault, wanted):
    state = dict(published)
    if fault == "unexpected":
        state["layer5.0.conv1.weight"] = torch.zeros(1)
    elif fault == "missing":
        del state["layer1.0.conv1.weight"]
    else:
        state["bn1.weight"] = torch.zeros(3)
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=wanted):
        initialise_encoder(LSANet(NetworkConfig.preset("paper")), tmp_path / "w.safetensors")


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        initialise_encoder(LSANet(NetworkConfig.preset("paper")), tmp_path / "w.safetensors")
