import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.errors import TrimapError
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.frame import pad_to_multiple
from lsamatting.inference.strokes import Stroke
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.inference.tta import SINGLE, Averaging
from lsamatting.network.config import NetworkConfig
from lsamatting.network.inputs import trimap_values
from lsamatting.network.lsanet import LSANet
from tests.tiny_network import TINY

CONFIG = NetworkConfig.from_dict({**TINY, "head": "subpixel"})


def alpha_of(network, image, trimap, **options):
    return estimate(TorchRuntime(network), image, trimap, options=EstimateOptions(**options)).alpha


class Recording(torch.nn.Module):
    """Stands for a network: gives the image's red channel, remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.config = CONFIG
        self.seen = []

    def forward(self, image, trimap, priors=None):
        self.seen.append(tuple(image.shape))
        return image[:, :1] * 1.5 - 0.2


@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    top=st.integers(0, 69),
    left=st.integers(0, 69),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_unknown_pixels_are_the_networks_and_known_ones_the_trimaps(height, width, top, left, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, 3), dtype=np.float32)
    trimap = rng.choice(np.uint8([0, 255]), (height, width))
    trimap[top : top + 9, left : left + 9] = 128
    network = Recording()
    alpha = alpha_of(network, image, trimap, margin=5, precision="full")
    expected = np.where(trimap == 128, np.clip(image[..., 0] * 1.5 - 0.2, 0, 1), trimap == 255)
    np.testing.assert_allclose(alpha, expected, atol=1e-6)
    if network.seen:
        assert all(side % 32 == 0 for side in network.seen[0][2:])


def test_only_the_unknown_region_and_its_margin_are_computed():
    image = np.zeros((500, 700, 3), np.float32)
    trimap = np.zeros((500, 700), np.uint8)
    trimap[200:210, 300:320] = 128
    network = Recording()
    alpha_of(network, image, trimap, margin=16)
    assert network.seen == [(1, 3, 64, 64)]


def test_nothing_unknown_means_no_network():
    trimap = np.zeros((40, 40), np.uint8)
    trimap[10:20] = 255
    network = Recording()
    alpha = alpha_of(network, np.zeros((40, 40, 3), np.float32), trimap)
    assert not network.seen
    np.testing.assert_array_equal(alpha, trimap == 255)


def test_sizes_that_differ_are_both_named():
    with pytest.raises(TrimapError, match=r"30×40.*20×10"):
        alpha_of(Recording(), np.zeros((10, 20, 3), np.float32), np.zeros((40, 30), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (33, 65), (64, 64)])
@pytest.mark.parametrize("config", [CONFIG, NetworkConfig.preset("lite")])
def test_a_real_network_takes_any_size(shape, config):
    torch.manual_seed(0)
    network = LSANet(config).eval()
    rng = np.random.default_rng(0)
    image = rng.random((*shape, 3), dtype=np.float32)
    found = estimate(TorchRuntime(network), image, np.full(shape, 128, np.uint8))
    alpha = found.alpha
    assert alpha.shape == shape
    assert ((alpha >= 0) & (alpha <= 1)).all()
    assert set(found.seconds) == {"priors", "network"}
    assert found.reports == ()


def test_an_exception_of_progress_ends_the_work():
    class CancelledError(Exception):
        pass

    def cancel(done, total):
        assert (done, total) == (0, 1)
        raise CancelledError

    network = Recording()
    image = np.zeros((8, 8, 3), np.float32)
    with pytest.raises(CancelledError):
        estimate(TorchRuntime(network), image, np.full((8, 8), 128, np.uint8), progress=cancel)
    assert not network.seen


def test_strokes_are_knowledge_and_hold_exactly():
    trimap = np.full((40, 60), 128, np.uint8)
    image = np.full((40, 60, 3), 0.4, np.float32)
    masks = np.zeros((3, 40, 60), bool)
    masks[0, :, :30], masks[1, :10], masks[2, 20:30, 20:50] = True, True, True
    strokes = [Stroke(masks[0], 1.0), Stroke(masks[1], 0.0), Stroke(masks[2], 0.3)]
    seen = []

    class Seeing(TorchRuntime):
        def run(self, layout, *, precision):
            seen.append(layout.marks)
            return super().run(layout, precision=precision)

    for averaging in (SINGLE, Averaging((0.5, 1.0), 2)):
        alpha = estimate(
            Seeing(Recording()),
            image,
            trimap,
            options=EstimateOptions(averaging=averaging),
            strokes=strokes,
        ).alpha
        for mask, value in ((masks[2], 0.3), (masks[1], 0), (masks[0] & ~masks[1] & ~masks[2], 1)):
            np.testing.assert_array_equal(alpha[mask], np.float32(value))
        rest = ~masks.any(axis=0)
        np.testing.assert_allclose(alpha[rest], 0.4 * 1.5 - 0.2, atol=0.1)
    assert (seen[0][:10] == 0).all()
    assert (seen[0][12:18, :30] == 255).all()
    assert (seen[0][21:29, 21:49] == 128).all()


def test_nothing_of_pytorch_is_needed_but_to_run_a_network():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from types import SimpleNamespace\n"
        "from lsamatting.inference.estimate import EstimateOptions, estimate\n"
        "from lsamatting.inference.tta import Averaging\n"
        "from lsamatting.network.config import NetworkConfig\n"
        "class Red:\n"
        "    config, name = NetworkConfig.preset('paper'), 'onnx'\n"
        "    def run(self, layout, *, precision):\n"
        "        return layout.image[..., 0]\n"
        "image = np.full((30, 50, 3), 0.25, np.float32)\n"
        "options = EstimateOptions(averaging=Averaging((1.0,)))\n"
        "found = estimate(Red(), image, np.full((30, 50), 128, np.uint8), options=options)\n"
        "assert (found.alpha == 0.25).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_half_precision_stays_near_full():
    torch.manual_seed(0)
    network = LSANet(CONFIG).eval()
    rng = np.random.default_rng(0)
    image = rng.random((96, 96, 3), dtype=np.float32)
    trimap = np.full((96, 96), 128, np.uint8)
    full = alpha_of(network, image, trimap, precision="full")
    auto = alpha_of(network, image, trimap)
    assert np.abs(full - auto).mean() < 0.02


@given(height=st.integers(1, 100), width=st.integers(1, 100))
@settings(max_examples=30, deadline=None)
def test_padding_reflects(height, width):
    array = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    padded = pad_to_multiple(array)
    assert padded.shape[0] % 32 == padded.shape[1] % 32 == 0
    assert padded.shape[0] < height + 32
    expected = np.pad(array, ((0, -height % 32), (0, -width % 32), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(padded, expected)


def test_trimap_values():
    assert trimap_values(np.uint8([[0, 128, 255]])).tolist() == [[0, 0.5, 1]]
