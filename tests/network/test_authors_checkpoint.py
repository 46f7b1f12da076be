"""The authors' network written out on their keys, against ours with the same weights."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from lsamatting.errors import WeightsError
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.network.authors_checkpoint import authors_key, read_authors_checkpoint
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet

BLOCKS = (3, 4, 6, 3)
TAPS = (64, 256, 512, 1024, 2048)
WIDTHS = {5: 512, 4: 256, 3: 128, 2: 64, 1: 64}


def make_state():
    """Random weights and statistics under the authors' keys."""
    generator = torch.Generator().manual_seed(0)
    state = {}

    def conv(name, inputs, outputs, kernel, *, bias=False, gain=2.0):
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=generator)
        state[f"module.{name}.weight"] = weight * (gain / (inputs * kernel**2)) ** 0.5
        if bias:
            state[f"module.{name}.bias"] = torch.randn(outputs, generator=generator) * 0.3

    def norm(name, channels, *, gain=1.0):
        for leaf, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5)):
            state[f"module.{name}.{leaf}"] = torch.rand(channels, generator=generator) + low
        state[f"module.{name}.weight"] *= gain
        state[f"module.{name}.running_var"] = torch.rand(channels, generator=generator) + 0.5
        state[f"module.{name}.num_batches_tracked"] = torch.tensor(7)

    for number, (inputs, outputs) in enumerate(((4, 32), (32, 32), (32, 64))):
        conv(f"backbone.stem.{number}.conv", inputs, outputs, 3)
        norm(f"backbone.stem.{number}.bn", outputs)
    inputs = 64
    for stage, (blocks, outputs) in enumerate(zip(BLOCKS, TAPS[1:], strict=True), start=1):
        middle = outputs // 4
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            for number, (a, b, kernel) in enumerate(
                ((inputs, middle, 1), (middle, middle, 3), (middle, outputs, 1)), start=1
            ):
                conv(f"{name}.conv{number}", a, b, kernel)
                # Small steps from block to block, or activations and rounding grow with depth.
                norm(f"{name}.bn{number}", b, gain=0.3 if number == 3 else 1.0)
            if block == 0:
                first = 0 if stage == 1 else 1
                conv(f"{name}.downsample.{first}", inputs, outputs, 1)
                norm(f"{name}.downsample.{first + 1}", outputs)
            inputs = outputs
    above = 0
    for level, width in WIDTHS.items():
        name = f"decoder.decoder_{level}"
        conv(f"{name}.conv1", TAPS[level - 1] + above, width, 3)
        norm(f"{name}.norm1", width)
        conv(f"{name}.fc", width, width, 1, bias=True)
        above = width
    for number, (inputs, outputs) in enumerate(((68, 32), (32, 32), (32, 1)), start=1):
        conv(f"decoder.final_final.conv{number}", inputs, outputs, 3, bias=True, gain=0.5)
    return state


def theirs(x, state):
    """Run the network of the paper on N×4×H×W: its output, and the backbone's at each stride."""
    w = {key.removeprefix("module."): value for key, value in state.items()}

    def norm(x, name):
        statistics = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        return functional.batch_norm(x, *statistics, w[f"{name}.weight"], w[f"{name}.bias"])

    def conv(x, name, stride=1):
        weight = w[f"{name}.weight"]
        padding = weight.shape[-1] // 2
        return functional.conv2d(x, weight, w.get(f"{name}.bias"), stride, padding)

    inputs, taps = x, []
    for number in range(3):
        name = f"backbone.stem.{number}"
        x = functional.relu(norm(conv(x, f"{name}.conv", 2 if number == 0 else 1), f"{name}.bn"))
    taps.append(x)
    x = functional.max_pool2d(x, kernel_size=3, stride=2, padding=1)
    for stage, blocks in enumerate(BLOCKS, start=1):
        for block in range(blocks):
            name = f"backbone.layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = functional.relu(norm(conv(x, f"{name}.conv1"), f"{name}.bn1"))
            y = functional.relu(norm(conv(y, f"{name}.conv2", stride), f"{name}.bn2"))
            y = norm(conv(y, f"{name}.conv3"), f"{name}.bn3")
            if stage == 1 and block == 0:
                x = norm(conv(x, f"{name}.downsample.0"), f"{name}.downsample.1")
            elif block == 0:
                x = functional.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False)
                x = norm(conv(x, f"{name}.downsample.1"), f"{name}.downsample.2")
            x = functional.relu(x + y)
        taps.append(x)
    x = None
    for level in WIDTHS:
        name, tap = f"decoder.decoder_{level}", taps[level - 1]
        if x is not None:
            tap = torch.cat([tap, functional.interpolate(x, scale_factor=2, mode="nearest")], 1)
        x = functional.relu(norm(conv(tap, f"{name}.conv1"), f"{name}.norm1"))
        factor = conv(x.mean((2, 3), keepdim=True), f"{name}.fc")
        x = x * functional.relu6(factor + 3) / 6
    x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    x = functional.relu(conv(torch.cat([inputs, x], 1), "decoder.final_final.conv1"))
    x = functional.relu(conv(x, "decoder.final_final.conv2"))
    return conv(x, "decoder.final_final.conv3"), taps


@pytest.fixture(scope="module")
def state():
    return make_state()


@pytest.fixture(scope="module")
def checkpoint(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("authors") / "model.ckpt"
    torch.save({"epoch": 99, "state_dict": state}, path)
    return path


@pytest.fixture(scope="module")
def read(checkpoint):
    return read_authors_checkpoint(checkpoint)


def test_keys_map_one_to_one_shapes_included(state):
    own = LSANet(NetworkConfig.preset("paper")).state_dict()
    keys = {name: f"module.{authors_key(name)}" for name in own}
    assert sorted(keys.values()) == sorted(state)
    for name, key in keys.items():
        assert own[name].shape == state[key].shape


def test_every_tensor_arrives(read, state):
    assert (read.epoch, read.tensors) == (99, len(state))
    trained = [key for key in state if "running" not in key and "num_batches" not in key]
    assert read.parameters == sum(state[key].numel() for key in trained)
    for name, value in read.network.state_dict().items():
        assert torch.equal(value, state[f"module.{authors_key(name)}"]), name


def test_the_same_weights_give_the_same_opacity(read, state):
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(1, 3, 64, 64, generator=generator)
    trimap = torch.randint(0, 3, (1, 1, 64, 64), generator=generator) / 2
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.no_grad():
        expected, levels = theirs(torch.cat([(image - mean) / std, trimap], 1), state)
        found = read.network(image, trimap)
        taps = read.network.encode(read.network.inputs(image, trimap))
    assert expected.std() > 0.05
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    for tap, level in zip(taps, levels, strict=True):
        torch.testing.assert_close(tap, level, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(50, 90), (64, 128), (1, 1), (1, 70)])
def test_published_padding_is_the_authors_inference(read, state, shape):
    rng = np.random.default_rng(0)
    image = rng.random((*shape, 3), dtype=np.float32)
    trimap = rng.choice(np.uint8([0, 128, 255]), shape, p=[0.1, 0.8, 0.1])
    trimap[0, 0] = 128

    def padded(array):
        height, width = shape
        rest = [(0, 0)] * (array.ndim - 2)
        array = np.pad(array, [(0, -height % 64), (0, -width % 64), *rest], mode="reflect")
        array = np.pad(array, [(16, 16), (16, 16), *rest], mode="reflect")
        return np.pad(array, [(16, 16), (16, 16), *rest])

    colours = (padded(image) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    stacked = np.dstack([colours, padded(trimap) / 255]).astype(np.float32)
    with torch.no_grad():
        output, _ = theirs(torch.from_numpy(stacked.transpose(2, 0, 1)[None]), state)
    expected = output[0, 0, 32 : 32 + shape[0], 32 : 32 + shape[1]].clamp(0, 1).numpy()
    expected[trimap == 0], expected[trimap == 255] = 0, 1
    options = EstimateOptions(padding="published", precision="full")
    alpha = estimate(TorchRuntime(read.network), image, trimap, options=options).alpha
    np.testing.assert_allclose(alpha, expected, atol=1e-4)


@pytest.fixture(scope="module")
def light(state):
    """The same keys and shapes, with a single number behind each; a file of it is small."""
    return {
        key: torch.zeros((), dtype=value.dtype).expand(value.shape) for key, value in state.items()
    }


@pytest.mark.parametrize("kind", ["bare", "without module", "no counters", "safetensors"])
def test_other_wrappings_are_read(light, tmp_path, kind):
    state = light | {"module.decoder.decoder_1.fc.bias": torch.arange(64.0)}
    path = tmp_path / "weights.pth"
    if kind == "bare":
        torch.save(state, path)
    elif kind == "without module":
        torch.save({key.removeprefix("module."): value for key, value in state.items()}, path)
    elif kind == "no counters":
        kept = {key: value for key, value in state.items() if "num_batches" not in key}
        torch.save({"state_dict": kept}, path)
    else:
        path = tmp_path / "weights.safetensors"
        save_file({key: value.contiguous() for key, value in state.items()}, path)
    checkpoint = read_authors_checkpoint(path)
    assert checkpoint.epoch is None
    last = checkpoint.network.decoder.levels[4].attention.fc.bias
    assert torch.equal(last, torch.arange(64.0))


FAULTS = {
    "unexpected": r"unexpected backbone\.layer5\.0\.conv1\.weight$",
    "missing": r"missing backbone\.layer2\.0\.downsample\.1\.weight$",
    "shape": r"final_final\.conv1\.weight is \(32, 67, 3, 3\) instead of \(32, 68, 3, 3\)$",
    "no tensor": r"decoder\.decoder_3\.fc\.bias is no tensor but a list$",
    "kind": r"backbone\.stem\.1\.bn\.weight holds torch\.int64 instead of torch\.float32$",
    "not finite": r"backbone\.stem\.1\.bn\.bias has values that are not finite$",
    "many": r"missing \S+; missing \S+; missing \S+; and 272 more$",
    "half prefixed": r"unexpected module\.backbone",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_match_is_named(light, tmp_path, fault):
    state = {key.removeprefix("module."): value for key, value in light.items()}
    if fault == "unexpected":
        state["backbone.layer5.0.conv1.weight"] = torch.zeros(1)
    elif fault == "missing":
        del state["backbone.layer2.0.downsample.1.weight"]
    elif fault == "shape":
        state["decoder.final_final.conv1.weight"] = torch.zeros(32, 67, 3, 3)
    elif fault == "no tensor":
        state["decoder.decoder_3.fc.bias"] = [1.0]
    elif fault == "kind":
        state["backbone.stem.1.bn.weight"] = torch.ones(32, dtype=torch.int64)
    elif fault == "not finite":
        state["backbone.stem.1.bn.bias"] = torch.full((32,), float("nan"))
    elif fault == "many":
        state = {key: value for key, value in state.items() if not key.startswith("backbone")}
    else:
        key = "backbone.stem.1.bn.num_batches_tracked"
        state[f"module.{key}"] = state.pop(key)
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": state}, path)
    with pytest.raises(WeightsError, match=FAULTS[fault]) as caught:
        read_authors_checkpoint(path)
    assert str(caught.value).startswith(str(path))


class Harmful:
    """Would run code when unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ({"state_dict": {"module.a": Harmful()}}, r"other objects .*\(\S*exec\), which are not"),
        ({"epoch": 1, "state_dict": {}}, "holds no state dict"),
        ({"state_dict": [torch.zeros(1)]}, "holds no state dict"),
        (torch.zeros(3), "holds a Tensor"),
        ({"epoch": 3}, "missing backbone"),
    ],
)
def test_other_pickles_are_refused_and_never_run(tmp_path, content, wanted):
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(WeightsError, match=wanted) as caught:
        read_authors_checkpoint(tmp_path / "x.ckpt")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off", b"\x80\x02."])
@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_files_that_are_none_are_refused(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name} is not a checkpoint") as caught:
        read_authors_checkpoint(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_cut_off_file_is_refused(checkpoint, tmp_path):
    (tmp_path / "cut.pth").write_bytes(checkpoint.read_bytes()[:100_000])
    with pytest.raises(WeightsError, match=r"cut\.pth is not a checkpoint"):
        read_authors_checkpoint(tmp_path / "cut.pth")


def test_no_such_file(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.pth: no such file"):
        read_authors_checkpoint(tmp_path / "none.pth")
