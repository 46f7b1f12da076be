"""Refinement in tiles against that of the whole picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lsamatting.inference.frame import Stack, frame_picture
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.refinement.refiner import Refiner
from lsamatting.inference.refinement.targets import boundary_targets
from lsamatting.inference.refinement.tiled_decoder import TiledDecoder
from lsamatting.inference.symmetry import IDENTITY, square_symmetries
from tests.inference.refinement.test_refiner import SMALL, VARIANTS, descent, small_network

TURNED = square_symmetries(8)[5]


def framed(height, width, channels):
    """Noise, of which a band and a patch at the border are unknown; priors that are noise, too."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:height, :width]
    distance = columns - width / 2 - 60 * np.sin(rows / 60)
    marks = np.select([distance < -12, distance > 12], [0, 255], 128).astype(np.uint8)
    marks[-40:, -50:] = 128
    image = rng.random((height, width, 3), np.float32)
    frame = frame_picture(image, marks, margin=height + width, tile=128)
    return replace(frame, priors=Stack(rng.random((*frame.trimap.shape, channels), np.float32)))


def both(frame, symmetry, **changes):
    """Refine at once, and in tiles whose encoder sees everything."""
    layout = frame.lay_out(symmetry)
    network = small_network(layout, **changes)
    decoder = TiledDecoder(network, frame, symmetry, side=128, overlap=1024)
    return Refiner.at_once(network, layout), Refiner(decoder, frame.place(symmetry))


@pytest.mark.parametrize(
    ("variant", "symmetry", "value", "rate"),
    [("paper", IDENTITY, 0.3, 20.0), ("lite", TURNED, None, 200.0)],
)
def test_tiles_are_refined_as_the_whole_is(variant, symmetry, value, rate):
    """With a stroke in the middle of what is known, which needs a tile of its own, and without."""
    changes = VARIANTS[variant]
    frame = framed(250, 350, replace(SMALL, **changes).prior_channels)
    whole, tiled = both(frame, symmetry, **changes)
    placed = whole.placed
    unknown = placed.marks == 128
    np.testing.assert_allclose(tiled.initial[unknown], whole.initial[unknown], atol=1e-5)
    targets = boundary_targets(placed.marks, placed.counted)
    if value is not None:
        stroke = np.zeros(unknown.shape, bool)
        stroke[10:20, 10:30] = True
        assert not unknown[:64, :64].any()
        targets = replace(targets, strokes=((stroke, value),))
    expected = whole.refine(targets, descent(3, rate=rate))
    found = tiled.refine(targets, descent(3, rate=rate))
    assert not expected.report.kept
    assert np.abs(expected.alpha - expected.initial).max() > 0.03
    np.testing.assert_allclose(found.report.c1, expected.report.c1, rtol=1e-3)
    np.testing.assert_allclose(found.alpha[unknown], expected.alpha[unknown], atol=1e-3)


def test_derivatives_are_those_of_the_whole():
    changes = VARIANTS["lite"]
    frame = framed(160, 330, replace(SMALL, **changes).prior_channels)
    whole, tiled = both(frame, IDENTITY, **changes)
    pixels = whole.placed.marks == 128
    torch.manual_seed(1)
    fields = torch.randn_like(whole._decoder.zeros()) * 0.05
    by_opacity = torch.randn(int(pixels.sum()))
    (expected, pull), (found, pull_tiled) = (
        refiner._decoder.at(pixels)(fields) for refiner in (whole, tiled)
    )
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    gradient = pull(by_opacity)
    torch.testing.assert_close(
        pull_tiled(by_opacity), gradient, atol=1e-4 * float(gradient.abs().max()), rtol=1e-3
    )


def test_refining_again_gives_the_same():
    frame = framed(160, 330, 0)
    _, tiled = both(frame, IDENTITY)
    targets = boundary_targets(tiled.placed.marks, tiled.placed.counted)
    first = tiled.refine(targets, descent(2))
    tiled.refine(targets, RefinementOptions(steps=2))
    np.testing.assert_array_equal(tiled.refine(targets, descent(2)).alpha, first.alpha)
