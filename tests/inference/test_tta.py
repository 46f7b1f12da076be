import gc
import tracemalloc
import weakref

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from lsamatting.errors import ConfigError, TrimapError
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.inference.tta import Averaging
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from tests.tiny_network import TINY

SMALL = NetworkConfig.from_dict({**TINY, "head": "subpixel"})
PADDINGS = ["window", "paper", "published"]


class Answering(TorchRuntime):
    """Stands for a runtime: gives what a function makes of the layout."""

    def __init__(self, answer):
        super().__init__(Pointwise())
        self.answer = answer

    def run(self, layout, *, precision):
        return self.answer(layout)


def predict_alpha(network, image, trimap, **options):
    """One run of a network, or of a runtime."""
    runtime = network if isinstance(network, TorchRuntime) else TorchRuntime(network)
    return estimate(runtime, image, trimap, options=EstimateOptions(**options)).alpha


def average_alpha(network, image, trimap, averaging, **options):
    return predict_alpha(network, image, trimap, averaging=averaging, **options)


class Pointwise(torch.nn.Module):
    """Gives a function of each pixel's own red; counts how often it ran."""

    def __init__(self):
        super().__init__()
        self.config = SMALL
        self.runs = 0

    def forward(self, image, trimap, priors=None):
        self.runs += 1
        return image[:, :1] * 1.5 - 0.2


class Blur(torch.nn.Module):
    """Convolves image and trimap with a kernel that all eight symmetries leave as it is."""

    def __init__(self):
        super().__init__()
        self.config = SMALL
        distance = torch.hypot(*torch.meshgrid(*[torch.arange(-3.0, 4)] * 2, indexing="ij"))
        self.kernel = torch.exp(-distance)[None, None] / torch.exp(-distance).sum()

    def forward(self, image, trimap, priors=None):
        mixed = image.mean(dim=1, keepdim=True) + 0.3 * trimap
        return functional.conv2d(mixed, self.kernel, padding=3)


def make_picture(height=37, width=61, seed=0):
    """A random picture that is unknown in the middle, with known noise around."""
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, 3), dtype=np.float32)
    trimap = rng.choice(np.uint8([0, 255]), (height, width))
    trimap[8:-6, 10:-7] = 128
    return image, trimap


def untrained(config=SMALL):
    torch.manual_seed(0)
    network = LSANet(config).eval()
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.uniform_(-0.3, 0.3)
    return network


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize("network", [Pointwise(), Blur()])
def test_an_equivariant_networks_average_is_its_single_run(network, count, padding):
    # 64 wide and high: what is padded lies on one side only, which a turned picture sees elsewhere.
    image, trimap = make_picture(64, 64)
    options = {"padding": padding, "precision": "full"}
    single = predict_alpha(network, image, trimap, **options)
    average = average_alpha(network, image, trimap, Averaging((1.0,), count), **options)
    np.testing.assert_allclose(average, single, atol=1e-6)


@pytest.mark.parametrize("padding", PADDINGS)
def test_sizes_that_are_no_multiple_are_turned_as_well(padding):
    image, trimap = make_picture()
    single = predict_alpha(Pointwise(), image, trimap, padding=padding)
    average = average_alpha(Pointwise(), image, trimap, Averaging((1.0,)), padding=padding)
    np.testing.assert_allclose(average, single, atol=1e-6)


def test_over_scales_a_constant_picture_stays_what_it_is():
    image = np.full((45, 70, 3), 0.4, np.float32)
    trimap = np.full((45, 70), 128, np.uint8)
    network = Pointwise()
    alpha = average_alpha(network, image, trimap, Averaging(), precision="full")
    np.testing.assert_allclose(alpha, 0.4 * 1.5 - 0.2, atol=1e-6)
    assert network.runs == Averaging().runs == 24


def test_over_scales_a_ramp_stays_nearly_what_it_is():
    rows, columns = np.mgrid[:90, :120]
    ramp = 0.2 + (rows + columns) / 600
    image = np.repeat(ramp[..., None], 3, axis=2).astype(np.float32)
    alpha = average_alpha(
        Pointwise(), image, np.full(ramp.shape, 128, np.uint8), Averaging(symmetries=1)
    )
    # Cubic interpolation moves a pixel of a ramp by less than half a step, borders by one.
    np.testing.assert_allclose(alpha, ramp * 1.5 - 0.2, atol=1.5 * 1.5 * 2 / 600)


def plain_loop(network, image, trimap):
    """The 24 runs, each with a picture of its own, as written down without a thought."""
    height, width = trimap.shape
    total = np.zeros((height, width))
    for scale in (0.8, 1, 1.25):
        size = (int(scale * width), int(scale * height))
        if scale == 1:
            scaled, marks = image, trimap
        else:
            scaled = np.clip(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), 0, 1)
            marks = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
        summed = np.zeros(marks.shape)
        for flip in (False, True):
            for turns in range(4):
                a, b = np.rot90(scaled, turns), np.rot90(marks, turns)
                if flip:
                    a, b = np.flipud(a), np.flipud(b)
                result = predict_alpha(
                    network,
                    np.ascontiguousarray(a),
                    np.ascontiguousarray(b),
                    padding="published",
                    precision="full",
                )
                assert set(np.unique(result[b != 128])) <= {0, 1}
                summed += np.rot90(np.flipud(result) if flip else result, -turns)
        part = (summed / 8).astype(np.float32)
        if scale != 1:
            part = cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
        total += part
    alpha = np.clip(total / 3, 0, 1)
    alpha[trimap == 0] = 0
    alpha[trimap == 255] = 1
    return alpha


def test_it_equals_the_plain_loop():
    network = untrained()
    image, trimap = make_picture(70, 101)
    alpha = average_alpha(
        network, image, trimap, Averaging(), padding="published", precision="full"
    )
    assert alpha.dtype == np.float32
    expected = plain_loop(network, image, trimap)
    np.testing.assert_allclose(alpha, expected, atol=2e-6)
    # The comparison means something: the network is not equivariant, nor blind to scale.
    single = predict_alpha(network, image, trimap, padding="published", precision="full")
    assert np.abs(alpha - single).max() > 0.02


def test_every_run_is_clipped_before_it_counts():
    image, trimap = make_picture()
    values = iter([5.0, 0.0])

    def estimator(layout):
        return np.full(layout.marks.shape, next(values), np.float32)

    alpha = average_alpha(Answering(estimator), image, trimap, Averaging((1.0,), 2))
    np.testing.assert_array_equal(alpha[trimap == 128], 0.5)
    np.testing.assert_array_equal(alpha[trimap != 128], trimap[trimap != 128] == 255)


def test_the_estimator_sees_turned_pictures_and_what_counts_of_them():
    image, trimap = make_picture(40, 70)
    seen = []

    def estimator(layout):
        # What refinement does with it.
        torch.from_numpy(layout.counted)
        seen.append((layout.marks.shape, layout.counted.sum(), layout.marks[:1].tobytes()))
        return np.zeros(layout.marks.shape, np.float32)

    average_alpha(Answering(estimator), image, trimap, Averaging((1.0,)), padding="paper")
    assert sorted({shape for shape, _, _ in seen}) == [(64, 128), (128, 64)]
    assert {count for _, count, _ in seen} == {40 * 70}
    assert len({row for _, _, row in seen}) == 8


def test_progress_and_seconds():
    image, trimap = make_picture()
    calls = []
    found = estimate(
        TorchRuntime(Pointwise()),
        image,
        trimap,
        options=EstimateOptions(averaging=Averaging((0.8, 1.0), 4)),
        progress=lambda done, of: calls.append((done, of)),
    )
    assert calls == [(run, 8) for run in (*range(5), *range(4, 9))]
    assert set(found.seconds) == {"priors", "network"}


def test_priors_are_computed_once_a_scale(monkeypatch):
    import lsamatting.inference.frame as frame

    sizes = []
    compute = frame.PriorField

    def counting(image, trimap, **options):
        sizes.append(trimap.shape)
        return compute(image, trimap, **options)

    monkeypatch.setattr(frame, "PriorField", counting)
    image, trimap = make_picture()
    alpha = average_alpha(untrained(NetworkConfig.preset("lite")), image, trimap, Averaging())
    assert len(sizes) == 3
    assert ((alpha >= 0) & (alpha <= 1)).all()


def test_no_layout_outlives_its_run():
    image, trimap = make_picture()
    network = Pointwise()
    run, layouts = TorchRuntime(network).run, []

    def estimator(layout):
        gc.collect()
        assert not any(reference() for reference in layouts)
        layouts.append(weakref.ref(layout))
        return run(layout, precision="full")

    average_alpha(Answering(estimator), image, trimap, Averaging())
    assert len(layouts) == 24


def test_memory_does_not_grow_with_the_number_of_runs():
    image, trimap = make_picture(500, 500)

    def peak(scales, symmetries):
        tracemalloc.start()
        average_alpha(Pointwise(), image, trimap, Averaging(scales, symmetries))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    two = peak((1.25,), 2)
    assert peak((1.25,), 8) < 1.02 * two
    assert peak((1.25,) * 3, 2) < 1.1 * two


def test_a_scale_at_which_nothing_is_unknown_has_its_say():
    image = np.zeros((20, 40, 3), np.float32)
    trimap = np.zeros((20, 40), np.uint8)
    trimap[:, 20:] = 255
    trimap[3, 21] = 128
    network = Pointwise()
    marks = cv2.resize(trimap, (20, 10), interpolation=cv2.INTER_NEAREST)
    assert not (marks == 128).any()
    alpha = average_alpha(network, image, trimap, Averaging((0.5, 1.0), 1))
    assert network.runs == 1
    # The network gives 0 there, the smaller trimap its own answer.
    smaller = cv2.resize(np.float32(marks == 255), (40, 20), interpolation=cv2.INTER_CUBIC)
    assert alpha[3, 21] == pytest.approx(smaller[3, 21] / 2, abs=1e-6)
    np.testing.assert_array_equal(alpha[trimap != 128], trimap[trimap != 128] == 255)


def test_nothing_unknown_means_no_network():
    trimap = np.zeros((40, 40), np.uint8)
    trimap[10:20] = 255
    network = Pointwise()
    alpha = average_alpha(network, np.zeros((40, 40, 3), np.float32), trimap, Averaging())
    assert network.runs == 0
    np.testing.assert_array_equal(alpha, trimap == 255)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_tiny_pictures(shape, padding):
    network = untrained()
    image = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    trimap = np.full(shape, 128, np.uint8)
    averaging = Averaging((0.1, 1.0, 1.25), 8)
    alpha = average_alpha(network, image, trimap, averaging, padding=padding)
    assert alpha.shape == shape
    assert ((alpha >= 0) & (alpha <= 1)).all()


def test_sizes_that_differ_are_both_named():
    with pytest.raises(TrimapError, match=r"30×40.*20×10"):
        average_alpha(
            Pointwise(),
            np.zeros((10, 20, 3), np.float32),
            np.full((40, 30), 128, np.uint8),
            Averaging(),
        )


@pytest.mark.parametrize(
    "scales", [(), (0.0,), (-1.0,), (1.0, float("nan")), (float("inf"),), (5,)]
)
def test_impossible_scales_are_refused(scales):
    with pytest.raises(ConfigError, match=r"accepted are 0\.1 to 4"):
        Averaging(scales)


@pytest.mark.parametrize("symmetries", [0, 3, 16])
def test_impossible_symmetries_are_refused(symmetries):
    with pytest.raises(ConfigError, match="accepted are 1, 2, 4, 8"):
        Averaging(symmetries=symmetries)
