"""Refinement against PyTorch's own modules and derivatives, and against its definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lsamatting.inference.frame import Layout, frame_picture
from lsamatting.inference.refinement.options import PAPER, RefinementOptions
from lsamatting.inference.refinement.refiner import Refiner
from lsamatting.inference.refinement.targets import boundary_targets
from lsamatting.inference.tensors import layout_tensors
from lsamatting.network.brm import refinement_modules
from lsamatting.network.config import NetworkConfig
from lsamatting.network.inputs import trimap_values
from lsamatting.network.lsanet import LSANet
from lsamatting.network.upsampling import BILINEAR, NEAREST, fold_upsampling

SMALL = NetworkConfig(
    stem_channels=(4, 4, 8),
    stage_channels=(8, 8, 12, 12),
    stage_blocks=(1, 1, 1, 1),
    block="basic",
    decoder_channels=(12, 12, 8, 8, 8),
    head_channels=(8, 8),
)
VARIANTS = {
    "paper": {},
    "subpixel": {"head": "subpixel"},
    "unknown": {"attention": "unknown"},
    "base": {"priors": ("alpha_joint", "nearest_foreground"), "base": "alpha_joint"},
    "lite": {
        "head": "subpixel",
        "attention": "unknown",
        "priors": ("alpha_joint",),
        "base": "alpha_joint",
    },
}


def small_network(layout: Layout, **changes) -> LSANet:
    """A random network whose statistics suit the picture, so that its opacity spreads in [0, 1]."""
    torch.manual_seed(0)
    network = LSANet(replace(SMALL, **changes)).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(*layout_tensors(layout))
        network.eval()
        torch.nn.init.normal_(network.head.conv3.weight, std=0.1)
        head = network(*layout_tensors(layout))
        base = network.base(network.inputs(*layout_tensors(layout)))
        head = head if base is None else head - base
        factor = 0.3 / head.std()
        network.head.conv3.weight.mul_(factor)
        network.head.conv3.bias.fill_((0.5 if base is None else 0.0) - factor * head.mean())
    return network


def picture(height: int = 96, width: int = 128, priors: int = 0) -> Layout:
    """Noise, and a trimap that is unknown at two borders and in patches."""
    rng = np.random.default_rng(1)
    image = rng.random((3, height, width), np.float32).transpose(1, 2, 0)
    marks = np.zeros((height, width), np.uint8)
    marks[20:75, 30:] = 128
    marks[60:, 10:50] = 128
    marks[35:60, 60:100] = 255
    marks[2, 3] = 128
    counted = np.ones(marks.shape, bool)
    counted[-5:] = False
    return Layout(
        image=image,
        trimap=trimap_values(marks),
        priors=rng.random((priors, height, width), np.float32).transpose(1, 2, 0),
        marks=marks,
        counted=counted,
        place=(slice(0, height - 5), slice(0, width)),
    )


def descent(steps: int, **changes) -> RefinementOptions:
    return replace(PAPER, steps=steps, **changes)


def with_modules(network, layout, targets, *, steps, rate=20.0, weight=0.1):
    """Descend as one writes it first; give all opacities and their objectives' two parts."""
    modules = refinement_modules(network.config)
    fields = [field for module in modules.values() for field in module.parameters()]
    optimiser = torch.optim.SGD(fields, lr=rate)
    with torch.no_grad():
        inputs = network.inputs(*layout_tensors(layout))
        taps = network.encode(inputs)
        # Through the modules, since where nothing has moved the derivative of |0| is 0, and that of
        # a rounding error is not.
        initial = network.decode(inputs, taps, modules)[0, 0]
        if targets.clamp_initial:
            initial = initial.clamp(0, 1)
    zero, one, unknown = map(torch.from_numpy, (targets.zero, targets.one, targets.unknown))
    count = zero.sum() + one.sum() + 2 * targets.added
    trace = []
    for step in range(steps + 1):
        opacity = network.decode(inputs, taps, modules)[0, 0].clamp(0, 1)
        c1 = ((opacity[zero] ** 2).sum() + ((1 - opacity[one]) ** 2).sum()) / count
        c2 = (opacity - initial)[unknown].abs().mean() ** 2
        trace.append((c1.item(), c2.item()))
        if step < steps:
            optimiser.zero_grad()
            (c1 + weight * c2).backward()
            optimiser.step()
    return opacity.detach().numpy(), np.array(trace)


@pytest.mark.parametrize("boundary", ["paper", "published"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_descent_equals_pytorchs_modules_and_derivatives(variant, boundary):
    changes = VARIANTS[variant]
    layout = picture(priors=replace(SMALL, **changes).prior_channels)
    network = small_network(layout, **changes)
    targets = boundary_targets(layout.marks, layout.counted, boundary=boundary)
    expected, trace = with_modules(network, layout, targets, steps=8, rate=60.0)
    # The authors' loop returns what was there before its last step.
    steps = 9 if boundary == "published" else 8
    result = Refiner.at_once(network, layout).refine(targets, descent(steps, rate=60.0))
    assert not result.report.kept
    np.testing.assert_allclose(result.report.c1, trace[:, 0], rtol=1e-4)
    np.testing.assert_allclose(result.report.c2, trace[:, 1], rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(result.alpha, expected, atol=1e-4)
    # The comparison would be empty if nothing had moved.
    assert np.abs(result.alpha - result.initial).max() > 0.05
    assert trace[-1, 0] < 0.99 * trace[0, 0]


def test_published_padding():
    rng = np.random.default_rng(0)
    marks = np.zeros((40, 50), np.uint8)
    marks[10:, 20:] = 128
    marks[20:30, 30:40] = 255
    frame = frame_picture(rng.random((40, 50, 3), np.float32), marks, padding="published")
    layout = frame.lay_out()
    network = small_network(layout)
    targets = boundary_targets(layout.marks, layout.counted, boundary="published")
    expected, _ = with_modules(network, layout, targets, steps=8)
    result = Refiner.at_once(network, layout).refine(targets, descent(9))
    np.testing.assert_allclose(result.alpha, expected, atol=1e-4)


def test_the_trace_is_the_definition_at_the_returned_alpha():
    layout = picture()
    targets = boundary_targets(layout.marks, layout.counted)
    result = Refiner.at_once(small_network(layout), layout).refine(targets, descent(6, weight=0.3))
    for alpha, place in ((result.initial, 0), (result.alpha, -1)):
        pulled = (alpha[targets.zero] ** 2).sum() + ((1 - alpha[targets.one]) ** 2).sum()
        c1 = pulled / (targets.zero.sum() + targets.one.sum())
        c2 = np.abs(alpha - result.initial)[targets.unknown].mean() ** 2
        assert result.report.c1[place] == pytest.approx(c1, rel=1e-4)
        assert result.report.c2[place] == pytest.approx(c2, rel=1e-3, abs=1e-12)
        assert result.report.objective[place] == pytest.approx(c1 + 0.3 * c2, rel=1e-4)
    assert len(result.report.c1) == len(result.report.c2) == 7


def test_the_initial_estimate_is_the_networks():
    layout = picture()
    network = small_network(layout)
    with torch.no_grad():
        plain = network(*layout_tensors(layout))[0, 0].clamp(0, 1).numpy()
    np.testing.assert_allclose(Refiner.at_once(network, layout).initial, plain, atol=1e-5)


@pytest.mark.parametrize(("rate", "steps", "said"), [(1e5, 5, "not finite"), (3e4, 1, "rose")])
def test_what_got_worse_is_not_kept(rate, steps, said):
    layout = picture()
    refiner = Refiner.at_once(small_network(layout), layout)
    targets = boundary_targets(layout.marks, layout.counted)
    result = refiner.refine(targets, descent(steps, rate=rate))
    assert result.report.kept
    assert said in result.report.notice
    np.testing.assert_array_equal(result.alpha, refiner.initial)


@pytest.mark.parametrize(
    ("value", "said"),
    [(128, "no boundary"), (0, "nothing is unknown"), (255, "nothing is unknown")],
)
def test_without_a_boundary_nothing_is_done(value, said):
    layout = picture(64, 64)
    refiner = Refiner.at_once(small_network(layout), layout)
    marks = np.full(layout.marks.shape, value, np.uint8)
    result = refiner.refine(boundary_targets(marks, layout.counted), PAPER)
    assert result.report.kept
    assert said in result.report.notice
    assert result.report.c1 == ()
    np.testing.assert_array_equal(result.alpha, refiner.initial)


def test_what_agrees_already_is_kept():
    layout = picture(64, 64)
    network = small_network(layout)
    with torch.no_grad():
        network.head.conv3.weight.zero_()
        network.head.conv3.bias.zero_()
    targets = boundary_targets(
        np.where(layout.marks == 255, 0, layout.marks).astype(np.uint8), layout.counted
    )
    result = Refiner.at_once(network, layout).refine(targets, PAPER)
    assert result.report.kept
    assert "agrees" in result.report.notice
    assert result.report.c1 == (0.0,)


def test_refining_again_gives_the_same():
    layout = picture()
    refiner = Refiner.at_once(small_network(layout), layout)
    targets = boundary_targets(layout.marks, layout.counted)
    first = refiner.refine(targets, descent(3))
    refiner.refine(targets, RefinementOptions(steps=3))
    np.testing.assert_array_equal(refiner.refine(targets, descent(3)).alpha, first.alpha)


def test_progress_counts_to_the_end():
    layout = picture(64, 64)
    seen = []
    targets = boundary_targets(layout.marks, layout.counted)
    refiner = Refiner.at_once(small_network(layout), layout)
    refiner.refine(targets, descent(4), progress=lambda done, steps: seen.append((done, steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_lbfgs_needs_fewer_evaluations():
    layout = picture()
    refiner = Refiner.at_once(small_network(layout), layout)
    targets = boundary_targets(layout.marks, layout.counted)
    plain = refiner.refine(targets, descent(60))
    seen = []
    quick = refiner.refine(
        targets,
        RefinementOptions(steps=60, enough=plain.report.objective[-1]),
        progress=lambda done, _: seen.append(done),
    )
    assert quick.report.objective[-1] <= plain.report.objective[-1]
    assert len(seen) <= 15
    assert all(
        a > b for a, b in zip(quick.report.objective, quick.report.objective[1:], strict=False)
    )


def test_strokes_overrule_the_trimap_and_each_other():
    layout = picture()
    network = small_network(layout)
    targets = boundary_targets(layout.marks, layout.counted)
    wide, narrow, black = np.zeros((3, *layout.marks.shape), bool)
    wide[30:50, 40:70] = True
    narrow[35:45, 50:60] = True
    black[60:70, 90:] = True
    struck = replace(targets, strokes=((wide, 0.7), (narrow, 0.2), (black, 0.0)))
    result = Refiner.at_once(network, layout).refine(struck, descent(1))
    with torch.no_grad():
        raw = network(*layout_tensors(layout))[0, 0].numpy()
    wide &= ~narrow
    free = ~(wide | narrow | black)
    clamped, zero, one = raw.clip(0, 1), targets.zero & free, targets.one & free
    pulled = (clamped[zero] ** 2).sum() + ((1 - clamped[one]) ** 2).sum()
    expected = pulled / (zero.sum() + one.sum())
    expected += ((raw[wide] - 0.7) ** 2).mean() + ((raw[narrow] - 0.2) ** 2).mean()
    # Below 0 there is nothing to correct, above 1 there is.
    assert raw[black].min() < 0
    assert raw[black].max() > 1
    expected += (raw[black].clip(0) ** 2).mean()
    assert result.report.c1[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("optimiser", ["descent", "lbfgs"])
def test_one_small_stroke_corrects_a_wrong_region_also_around_it(optimiser):
    """A thing of nearly the subject's colour that the trained network takes for the subject."""
    from lsamatting.matting import Matting

    rows, columns = np.mgrid[:160, :192]
    subject = np.hypot(rows - 80, columns - 70)
    thing = np.hypot(rows - 80, columns - 140) < 18
    # Of the very colour it would be as sure as it can be, where its answer no longer has a slope.
    image = np.where(thing[..., None], (0.65, 0.3, 0.35), (0.2, 0.3, 0.6))
    image = np.where((subject < 40)[..., None], (0.8, 0.3, 0.2), image)
    image += np.random.default_rng(0).normal(0, 0.02, image.shape)
    marks = np.zeros(subject.shape, np.uint8)
    marks[12:-12, 12:-12] = 128
    marks[subject < 28] = 255
    network = Matting.from_pretrained(device="cpu").network
    frame = frame_picture(
        np.clip(image, 0, 1).astype(np.float32),
        marks,
        padding="paper",
        priors=network.config.priors,
    )
    layout = frame.lay_out()
    refiner = Refiner.at_once(network, layout)
    stroke = np.zeros(layout.marks.shape, bool)
    stroke[77:83, 137:143] = True
    targets = boundary_targets(layout.marks, layout.counted)
    result = refiner.refine(
        replace(targets, strokes=((stroke, 0.0),)),
        RefinementOptions(optimiser=optimiser, steps=40),
    )
    assert result.report.notice == ""

    wrong = np.zeros(layout.marks.shape, bool)
    wrong[:160, :192] = thing
    around = wrong & ~stroke
    assert result.initial[stroke].mean() > 0.7
    assert result.initial[around].mean() > 0.7
    assert result.alpha[stroke].mean() < 0.05
    near = np.zeros_like(wrong)
    near[71:89, 131:149] = True
    assert result.alpha[near & ~stroke].mean() < (0.7 if optimiser == "descent" else 0.9)
    right = np.zeros_like(wrong)
    right[:160, :192] = (subject < 38) & (marks == 128)
    np.testing.assert_allclose(result.alpha[right], result.initial[right], atol=0.1)


@pytest.mark.parametrize(
    ("spread", "padding", "mode", "margin"),
    [(NEAREST, 1, "nearest", 0), (BILINEAR, 2, "bilinear", 2)],
)
def test_a_transposed_convolution_upsamples_and_convolves(spread, padding, mode, margin):
    torch.manual_seed(0)
    x, kernel = torch.randn(1, 5, 6, 7), torch.randn(4, 5, 3, 3)
    expected = torch.nn.functional.conv2d(
        torch.nn.functional.interpolate(x, scale_factor=2, mode=mode), kernel, padding=1
    )
    folded = fold_upsampling(kernel, spread)
    found = torch.nn.functional.conv_transpose2d(x, folded, stride=2, padding=padding)
    inner = (..., slice(margin, 12 - margin), slice(margin, 14 - margin))
    torch.testing.assert_close(found[inner], expected[inner], atol=1e-4, rtol=1e-4)
