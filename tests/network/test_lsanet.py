import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from lsamatting.errors import ConfigError, WeightsError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.decoder import ChannelAttention, average_over
from lsamatting.network.lsanet import LSANet
from lsamatting.priors import PRIOR_CHANNELS

TINY = NetworkConfig(
    stem_channels=(4, 4, 6),
    stage_channels=(8, 8, 12, 12),
    stage_blocks=(1, 1, 1, 1),
    block="basic",
    decoder_channels=(10, 8, 8, 6, 4),
    head="subpixel",
    head_channels=(6, 4),
)


def tiny(**settings):
    return NetworkConfig.from_dict({**TINY.to_dict(), **settings})


@pytest.fixture(scope="module")
def paper():
    torch.manual_seed(0)
    return LSANet(NetworkConfig.preset("paper")).eval()


def parameters_of_resnet50d(inputs):
    """Count by hand: convolutions without bias, two parameters per normalised channel."""

    def conv_bn(inputs, outputs, kernel):
        return inputs * outputs * kernel**2 + 2 * outputs

    total = conv_bn(inputs, 32, 3) + conv_bn(32, 32, 3) + conv_bn(32, 64, 3)
    width = 64
    for outputs, blocks in zip((256, 512, 1024, 2048), (3, 4, 6, 3), strict=True):
        for block in range(blocks):
            middle = outputs // 4
            total += conv_bn(width, middle, 1) + conv_bn(middle, middle, 3)
            total += conv_bn(middle, outputs, 1)
            if block == 0:
                total += conv_bn(width, outputs, 1)
            width = outputs
    return total


def parameters_of_decoder():
    total, above = 0, 0
    for tap, outputs in zip((2048, 1024, 512, 256, 64), (512, 256, 128, 64, 64), strict=True):
        total += (tap + above) * outputs * 9 + 2 * outputs + outputs**2 + outputs
        above = outputs
    return total


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_papers_parameter_counts(paper):
    assert count(paper.encoder) == parameters_of_resnet50d(4)
    # torchvision and timm state 25.58 million for ResNet-50-D with its 2.05 million classifier.
    assert parameters_of_resnet50d(3) + 2048 * 1000 + 1000 == 25_576_264
    assert count(paper.decoder) == parameters_of_decoder()
    assert count(paper.head) == 68 * 32 * 9 + 32 + 32 * 32 * 9 + 32 + 32 * 9 + 1


def test_the_papers_taps_have_their_strides_and_channels(paper):
    with torch.no_grad():
        taps = paper.encoder(torch.rand(1, 4, 64, 96))
    assert [tuple(tap.shape[1:]) for tap in taps] == [
        (64, 32, 48),
        (256, 16, 24),
        (512, 8, 12),
        (1024, 4, 6),
        (2048, 2, 3),
    ]


def test_lite_stays_within_its_budget():
    from torch.utils.flop_counter import FlopCounterMode

    config = NetworkConfig.preset("lite")
    network = LSANet(config).eval()
    side = 128
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(
            torch.rand(1, 3, side, side),
            torch.rand(1, 1, side, side),
            torch.rand(1, config.prior_channels, side, side),
        )
    assert count(network) <= 2_000_000
    assert counter.get_total_flops() / 2 / side**2 <= 16_000


def test_forward_is_the_diagram(paper):
    """Encoder, decoder and head again, spelled out from the paper's figure."""
    torch.manual_seed(1)
    image, trimap = torch.rand(1, 3, 32, 64), torch.randint(0, 3, (1, 1, 32, 64)) / 2
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    x = torch.cat(((image - mean) / std, trimap), dim=1)
    with torch.no_grad():
        taps = paper.encoder(x)
        above = None
        for level, tap in zip(paper.decoder.levels, taps[::-1], strict=True):
            if above is not None:
                doubled = above.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
                tap = torch.cat((tap, doubled), dim=1)
            y = torch.relu(level.norm(functional.conv2d(tap, level.conv.weight, padding=1)))
            gate = level.attention.fc(y.mean((2, 3), keepdim=True))
            above = y * (torch.clamp(gate + 3, 0, 6) / 6)
        up = functional.interpolate(above, scale_factor=2, mode="bilinear", align_corners=False)
        y = torch.relu(paper.head.conv1(torch.cat((x, up), dim=1)))
        expected = paper.head.conv3(torch.relu(paper.head.conv2(y)))
        result = paper(image, trimap)
    assert result.shape == (1, 1, 32, 64)
    tolerance = 1e-4 * float(expected.abs().max())
    torch.testing.assert_close(result, expected, rtol=0, atol=tolerance)


def test_a_subpixel_head_is_a_strided_full_head():
    """Its first convolution sees a 6×6 window of input pixels around each 2×2 block."""
    torch.manual_seed(0)
    head = LSANet(TINY).head
    inputs = torch.rand(1, 4, 8, 8)
    blocks = functional.pixel_unshuffle(inputs, 2).reshape(1, 4, 4, 4, 4).transpose(1, 2)
    # pixel_unshuffle sorts by channel first, the head by position in the block first.
    blocks = blocks.reshape(1, 16, 4, 4)
    features = torch.rand(1, 4, 4, 4)
    x = torch.relu(head.conv1(torch.cat((blocks, features), dim=1)))
    x = head.conv3(torch.relu(head.conv2(x)))
    result = head(inputs, features)
    for row in range(2):
        for column in range(2):
            torch.testing.assert_close(result[0, 0, row::2, column::2], x[0, 2 * row + column])


def test_with_a_base_the_untrained_network_gives_the_base():
    config = tiny(priors=["alpha_joint", "alpha_nearest", "distances"], base="alpha_nearest")
    network = LSANet(config).eval()
    priors = torch.rand(2, 4, 32, 64)
    with torch.no_grad():
        alpha = network(torch.rand(2, 3, 32, 64), torch.rand(2, 1, 32, 64), priors)
    torch.testing.assert_close(alpha, priors[:, 1:2])


def test_far_from_what_is_known_a_quarter_of_the_correction_counts():
    shared = {"priors": ["alpha_joint", "distances"], "base": "alpha_joint"}
    near = LSANet(tiny(**shared, correction="near")).eval()
    everywhere = LSANet(tiny(**shared)).eval()
    torch.nn.init.normal_(near.head.conv3.weight)
    everywhere.load_state_dict(near.state_dict())
    image, trimap = torch.rand(1, 3, 32, 64), torch.full((1, 1, 32, 64), 0.5)
    base, others = torch.rand(1, 1, 32, 64), torch.ones(1, 1, 32, 64)
    # Pixels from what is known, to the left; there is nothing else.
    away = torch.arange(64.0).expand(1, 1, 32, 64) * 1.5
    priors = torch.cat((base, others, (away / 64).clamp(max=1)), dim=1)
    with torch.no_grad():
        whole = everywhere(image, trimap, priors) - base
        found = near(image, trimap, priors) - base
    share = torch.from_numpy(np.interp(away.numpy(), [32, 64], [1, 0.25]).astype(np.float32))
    assert whole.abs().max() > 0.01
    torch.testing.assert_close(found, share * whole)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"correction": "far"}, "'far' is not one of everywhere, near"),
        ({"correction": "near"}, "needs a base and the prior distances"),
        (
            {"correction": "near", "priors": ["alpha_joint"], "base": "alpha_joint"},
            "needs a base and the prior distances",
        ),
    ],
)
def test_a_correction_that_cannot_be(values, words):
    with pytest.raises(ConfigError, match=words):
        tiny(**values)


def test_priors_must_be_given():
    network = LSANet(tiny(priors=["distances"]))
    with pytest.raises(ConfigError, match="distances"):
        network(torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32))


def test_saved_weights_come_back(tmp_path):
    torch.manual_seed(0)
    network = LSANet(tiny(priors=["distances"])).eval()
    network.save_pretrained(tmp_path, half=False)
    again = LSANet.from_pretrained(tmp_path)
    assert again.config == network.config
    assert not again.training
    for name, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_half_weights_are_within_half_precision(tmp_path):
    torch.manual_seed(0)
    network = LSANet(TINY).eval()
    network.save_pretrained(tmp_path)
    full = network.head.conv1.weight
    half = LSANet.from_pretrained(tmp_path).head.conv1.weight
    assert half.dtype == torch.float32
    assert 0 < (half - full).abs().max() <= full.abs().max() * 2**-11


@pytest.mark.parametrize("fault", ["missing", "unexpected", "shape", "damaged"])
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, fault):
    from safetensors.torch import load_file, save_file

    LSANet(TINY).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    state = load_file(path)
    if fault == "missing":
        del state["head.conv3.bias"]
    elif fault == "unexpected":
        state["head.conv9.bias"] = torch.zeros(1)
    elif fault == "shape":
        state["head.conv3.bias"] = torch.zeros(5)
    save_file(state, path)
    if fault == "damaged":
        path.write_bytes(path.read_bytes()[:100])
    wanted = {
        "missing": r"missing head\.conv3\.bias",
        "unexpected": r"unexpected head\.conv9\.bias",
        "shape": r"head\.conv3\.bias is \(5,\) instead of \(4,\)",
        "damaged": "not a readable safetensors file",
    }[fault]
    with pytest.raises(WeightsError, match=wanted) as error:
        LSANet.from_pretrained(tmp_path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [1e5, -7e4, float("inf"), float("nan")])
def test_half_precision_is_refused_where_it_would_change_a_value_for_good(tmp_path, value):
    network = LSANet(TINY)
    assert network.beyond_half() is None
    network.encoder.stem[0].bn.running_var[0] = value
    assert network.beyond_half() == "encoder.stem.0.bn.running_var"
    with pytest.raises(WeightsError, match=r"stem\.0\.bn\.running_var .* beyond 65504"):
        network.save_pretrained(tmp_path / "half")
    assert not (tmp_path / "half").exists()
    network.save_pretrained(tmp_path / "full", half=False)
    found = LSANet.from_pretrained(tmp_path / "full").encoder.stem[0].bn.running_var[0]
    torch.testing.assert_close(found, torch.tensor(value), equal_nan=True)


def test_a_config_that_is_none_is_refused(tmp_path):
    LSANet(TINY).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"stem": 3}')
    with pytest.raises(WeightsError, match="stem"):
        LSANet.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(WeightsError, match=r"config\.json"):
        LSANet.from_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json"):
        LSANet.from_pretrained(tmp_path)


widths = st.integers(1, 512)


@given(
    stem=st.tuples(widths, widths, widths),
    head=st.tuples(widths, widths),
    block=st.sampled_from(["basic", "bottleneck"]),
    priors=st.integers(0, len(PRIOR_CHANNELS)),
)
@settings(max_examples=50)
def test_configs_survive_their_dictionary(stem, head, block, priors):
    config = NetworkConfig(
        stem_channels=stem,
        head_channels=head,
        block=block,
        priors=tuple(PRIOR_CHANNELS)[:priors],
    )
    assert NetworkConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"stem": 1}, "unknown network setting 'stem'"),
        ({"stem_channels": [1, 2]}, "needs 3 numbers"),
        ({"stem_channels": 3}, "must be a list of int"),
        ({"stem_channels": [0, 1, 1]}, "must be positive"),
        ({"priors": ["colour"]}, "unknown prior 'colour'"),
        ({"priors": ["distances", "alpha_smooth"]}, "must come first"),
        ({"base": "alpha_smooth"}, "must be one of"),
        ({"block": "dense"}, "basic"),
        ({"head": "wide"}, "subpixel"),
        ({"attention": "here"}, "unknown"),
        ({"head": 3}, "must be a string"),
    ],
)
def test_configs_that_make_no_sense_are_refused(settings, wanted):
    with pytest.raises(ConfigError, match=wanted):
        NetworkConfig.from_dict(settings)


def test_attention_over_unknown_pixels_ignores_known_surroundings():
    """The paper's average over the window moves with the picture around; this one does not."""
    torch.manual_seed(0)
    attention = ChannelAttention(3)
    inner = torch.rand(1, 3, 4, 4)
    where = torch.ones(1, 1, 4, 4)
    wide = functional.pad(inner, (2, 2, 2, 2), value=5.0)
    wide_where = functional.pad(where, (2, 2, 2, 2))
    expected = attention(inner, average_over(inner, None))
    torch.testing.assert_close(attention(inner, average_over(inner, where)), expected)
    torch.testing.assert_close(
        attention(wide, average_over(wide, wide_where))[..., 2:-2, 2:-2], expected
    )
    assert not torch.allclose(attention(wide, average_over(wide, None))[..., 2:-2, 2:-2], expected)


def test_attention_without_an_unknown_pixel_stays_finite():
    network = LSANet(tiny(attention="unknown")).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)).isfinite().all()


def test_settings_can_be_changed_when_training_goes_on(tmp_path):
    LSANet(TINY).save_pretrained(tmp_path)
    changed = LSANet.from_pretrained(tmp_path, changes={"attention": "unknown"})
    assert changed.config == tiny(attention="unknown")
    with pytest.raises(WeightsError, match=r"head\.conv2\.weight"):
        LSANet.from_pretrained(tmp_path, changes={"head_channels": [6, 5]})


@pytest.mark.parametrize("head", ["full", "subpixel"])
def test_opacity_is_in_single_precision_whatever_the_rest_is_computed_in(head):
    """Of the numbers between 0.5 and 1, bfloat16 has 128."""
    torch.manual_seed(0)
    config = NetworkConfig(
        stem_channels=(4, 4, 8),
        stage_channels=(8, 8, 8, 8),
        stage_blocks=(1, 1, 1, 1),
        block="basic",
        decoder_channels=(8, 8, 8, 8, 8),
        head=head,
    )
    network = LSANet(config).eval()
    torch.nn.init.constant_(network.head.conv3.bias, 0.75)
    torch.nn.init.normal_(network.head.conv3.weight, std=0.01)
    inputs = torch.rand(1, 3, 96, 96), torch.full((1, 1, 96, 96), 0.5)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        opacity = network(*inputs)
    assert opacity.dtype == torch.float32
    between = opacity[(opacity > 0.5) & (opacity < 1)]
    assert len(between.unique()) > 1000


def test_saved_weights_can_be_read_by_whom_other_files_can(tmp_path):
    LSANet(TINY).save_pretrained(tmp_path)
    (tmp_path / "plain").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1
