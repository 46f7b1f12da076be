from __future__ import annotations

import numpy as np

from lsamatting.data.synthesis import strands


def test_curves_have_the_length_asked_for():
    rng = np.random.default_rng(0)
    count = 50
    length = rng.uniform(3, 60, count).astype(np.float32)
    points = strands.curves(
        rng.uniform(0, 100, (count, 2)).astype(np.float32),
        rng.uniform(0, 6, count).astype(np.float32),
        length,
        rng.normal(0, 1, count).astype(np.float32),
        12,
    )
    walked = np.linalg.norm(np.diff(points, axis=1), axis=2).sum(axis=1)
    np.testing.assert_allclose(walked, length, rtol=1e-3)


def test_straight_curve_goes_where_it_is_headed():
    points = strands.curves(
        np.array([[10, 20]], np.float32),
        np.array([np.pi / 2], np.float32),
        np.array([30], np.float32),
        np.zeros(1, np.float32),
        7,
    )
    np.testing.assert_allclose(points[0, -1], [10, 50], atol=1e-4)


def test_gathering_moves_tips_together_and_roots_not_at_all():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 50, (30, 8, 2)).astype(np.float32)
    group = np.repeat(np.arange(3), 10).astype(np.int32)
    gathered = strands.gather(points, group, np.ones(30, np.float32), 1.0)
    np.testing.assert_array_equal(gathered[:, 0], points[:, 0])
    for n in range(3):
        tips = gathered[group == n, -1]
        np.testing.assert_allclose(tips, np.broadcast_to(tips.mean(axis=0), tips.shape), atol=1e-4)
        np.testing.assert_allclose(tips[0], points[group == n, -1].mean(axis=0), atol=1e-4)


def test_tufts_are_about_as_far_apart_as_asked():
    labels = strands.tufts(np.random.default_rng(0), (200, 300), 20)
    assert labels.shape == (200, 300)
    assert 100 < len(np.unique(labels)) <= 150


def test_taper_is_thickest_where_asked_and_thin_at_the_tip():
    radius = strands.taper(3, np.array([1, 2, 4], np.float32), 21, fullest=0.3, tip=0.1)
    assert (radius.argmax(axis=1) == 6).all()
    np.testing.assert_allclose(radius.max(axis=1), [0.5, 1, 2], rtol=0.01)
    np.testing.assert_allclose(radius[:, -1] / radius.max(axis=1), 0.1, atol=0.01)


def test_shade_stays_in_range_and_keeps_order():
    colour = np.broadcast_to(np.linspace(0, 1, 11, dtype=np.float32)[None, :, None], (1, 11, 3))
    bright = strands.shade(colour, np.full((1, 11), 1.5, np.float32))
    assert bright.max() <= 1
    assert (np.diff(bright[0, :, 0]) > 0).all()
    np.testing.assert_allclose(
        strands.shade(colour, np.ones((1, 11), np.float32))[0, :8], colour[0, :8], atol=1e-6
    )
