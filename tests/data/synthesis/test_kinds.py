"""What holds for every kind of matte whose file has no closed-form answer of its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsamatting.data.synthesis import (
    combination,
    flags,
    glass,
    leaves,
    lettering,
    marked,
    motion,
    nets,
    smoke,
    solids,
    thicket,
)
from lsamatting.data.synthesis.cutout import Cutout

KINDS = (
    combination, flags, glass, leaves, lettering, marked, motion, nets, smoke, solids, thicket,
)  # fmt: skip
NAMES = [kind.__name__.rpartition(".")[2] for kind in KINDS]
SHAPE = (110, 140)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_values_are_valid_and_seeds_decide(kind, photos):
    for seed in range(6):
        first, second = (kind.render(np.random.default_rng(seed), SHAPE, photos) for _ in range(2))
        assert first.alpha.shape == SHAPE
        assert first.foreground.shape == (*SHAPE, 3)
        for values, again in (
            (first.alpha, second.alpha),
            (first.foreground, second.foreground),
        ):
            assert values.dtype == np.float32
            assert np.isfinite(values).all()
            assert values.min() >= 0
            assert values.max() <= 1
            np.testing.assert_array_equal(values, again)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_colours_are_smooth_where_nothing_is_seen(kind, photos):
    steps = []
    for seed in range(8):
        cutout = kind.render(np.random.default_rng(seed), SHAPE, photos)
        # Away from the edges, where neighbouring parts may differ.
        empty = cv2.erode((cutout.alpha < 1e-3).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        change = np.abs(np.diff(cutout.foreground, axis=1)).max(axis=2)
        steps.append(change[empty[:, 1:] & empty[:, :-1]])
    assert np.concatenate(steps).mean() < 0.02


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_most_mattes_show_something(kind, photos):
    seen = [
        kind.render(np.random.default_rng(seed), SHAPE, photos).alpha.mean() for seed in range(8)
    ]
    assert np.median(seen) > 0.01


def test_solid_edges_in_focus_are_a_few_pixels_wide(photos):
    for seed in range(8):
        alpha = solids.solid(np.random.default_rng(seed), (200, 240), photos).alpha
        solid = (alpha > 0.98).astype(np.uint8)
        if not solid.any():
            continue
        reach = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
        # Thin parts never become opaque; beside the opaque ones, two or three pixels fade.
        beside = (reach > 4) & (reach < 6)
        assert np.median(alpha[beside]) < 0.02


def test_unfocusing_keeps_the_amount_of_cover(photos):
    y, x = np.mgrid[:200, :240]
    alpha = ((x - 120) ** 2 + (y - 100) ** 2 < 50**2).astype(np.float32)
    cutout = Cutout(np.full((200, 240, 3), 0.4, dtype=np.float32), alpha)
    for seed in range(4):
        blurred = solids.unfocus(np.random.default_rng(seed), cutout)
        assert blurred.alpha.sum() == pytest.approx(alpha.sum(), rel=0.05)
        np.testing.assert_allclose(blurred.foreground, 0.4, atol=1e-3)


def test_leaf_has_the_length_it_is_given():
    canvas = np.zeros((80, 160, 4), dtype=np.float32)
    blade = leaves.Blade(0.3, 0.5, 1.0, 0, 0.0, 0, 0.0, 5, 0.2)
    green = np.array([0.2, 0.5, 0.1])
    leaves.paint(
        np.random.default_rng(0), canvas, blade, np.array([20, 40]), 0.0, 100, green, green
    )
    columns = np.flatnonzero(canvas[..., 3].max(axis=0) > 0.5)
    assert 20 <= columns.min() <= 26
    assert 114 <= columns.max() <= 120
    assert canvas.min() >= 0
    assert (canvas[..., :3] <= canvas[..., 3:] + 1e-5).all()


def test_thickness_of_fog_is_never_negative():
    for seed in range(4):
        for cloud in (smoke.plume, smoke.cloud, smoke.wisps, smoke.fog):
            thickness = cloud(np.random.default_rng(seed), SHAPE)
            assert thickness.dtype == np.float32
            assert thickness.min() >= 0


def test_glass_over_glass_grows_more_opaque():
    layers = glass.Layers((4, 5))
    layers.add(np.ones(3), np.full((4, 5), 0.5))
    layers.add(np.zeros(3), np.full((4, 5), 0.4))
    np.testing.assert_allclose(layers.pixels[..., 3], 0.7, rtol=1e-6)
    np.testing.assert_allclose(layers.pixels[..., :3], 0.3, rtol=1e-6)


def test_shifting_moves_colours_with_their_alpha():
    alpha = np.zeros((60, 60), dtype=np.float32)
    alpha[28:32, 28:32] = 1
    foreground = np.random.default_rng(0).random((60, 60, 3), dtype=np.float32)
    moved = combination.shifted(np.random.default_rng(3), Cutout(foreground, alpha))
    assert moved.alpha.sum() == alpha.sum()
    np.testing.assert_array_equal(moved.foreground[moved.alpha == 1], foreground[alpha == 1])


def test_a_rim_has_its_colour_at_the_edge_and_leaves_the_inside(photos):
    coverage = np.zeros((120, 120), np.float32)
    coverage[20:100, 20:100] = 1
    colour = np.full((120, 120, 3), 0.5, np.float32)
    for seed in range(6):
        painted = marked.rim(np.random.default_rng(seed), colour, coverage, photos)
        np.testing.assert_allclose(painted[60, 60], 0.5, atol=1e-6)
        edge = painted[20, 30:90]
        np.testing.assert_allclose(edge, np.broadcast_to(edge[0], edge.shape), atol=1e-5)


def test_marks_stay_where_they_are_stuck_and_change_no_outline(photos):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        coverage = marked.random_outline(rng, SHAPE)
        cutout = marked.finish(rng, np.full((*SHAPE, 3), 0.5, np.float32), coverage)
        assert np.abs(cutout.alpha - coverage).mean() < 0.03
