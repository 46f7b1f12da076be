from __future__ import annotations

import math

import numpy as np
import pytest

from lsamatting.data.synthesis.outlines import OUTLINES, Stencil, smooth_path, turned


def test_disc_has_its_area_and_centre():
    stencil = Stencil((60, 80))
    stencil.disc(np.array([41.3, 27.8]), 12.0)
    coverage = stencil.coverage()
    assert coverage.sum() == pytest.approx(math.pi * 12**2, rel=0.02)
    y, x = np.mgrid[:60, :80] + 0.5
    assert (coverage * x).sum() / coverage.sum() == pytest.approx(41.3, abs=0.2)
    assert (coverage * y).sum() / coverage.sum() == pytest.approx(27.8, abs=0.2)


def test_polygon_edges_are_partly_covered():
    stencil = Stencil((20, 20))
    stencil.loop(np.array([[4.0, 4.0], [10.5, 4.0], [10.5, 12.0], [4.0, 12.0]]))
    coverage = stencil.coverage()
    assert coverage[8, 6] == 1
    assert coverage[8, 15] == 0
    # The outline itself is filled too, so up to one stencil pixel more than exact.
    assert coverage[8, 10] == pytest.approx(0.5, abs=0.26)


def test_cutting_removes():
    stencil = Stencil((40, 40))
    stencil.disc(np.array([20.0, 20.0]), 15.0)
    stencil.disc(np.array([20.0, 20.0]), 6.0, cut=True)
    coverage = stencil.coverage()
    assert coverage[20, 20] == 0
    assert coverage.sum() == pytest.approx(math.pi * (15**2 - 6**2), rel=0.03)


def test_limb_covers_its_capsule():
    stencil = Stencil((60, 100))
    path = np.stack([np.linspace(20, 80, 13), np.full(13, 30.0)], axis=1)
    stencil.limb(path, np.full(13, 5.0))
    assert stencil.coverage().sum() == pytest.approx(60 * 10 + math.pi * 25, rel=0.03)


def test_rounding_keeps_ends_and_stays_within_the_hull():
    corner = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    rounded = smooth_path(corner)
    np.testing.assert_array_equal(rounded[[0, -1]], corner[[0, -1]])
    assert rounded.min() >= 0
    assert rounded.max() <= 10
    assert np.linalg.norm(rounded - corner[1], axis=1).min() > 1


def test_turning_keeps_lengths():
    points = np.random.default_rng(0).normal(size=(9, 2))
    moved = turned(points, 1.1, np.array([3.0, -2.0]))
    lengths = np.linalg.norm(moved - [3.0, -2.0], axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(points, axis=1))


@pytest.mark.parametrize("outline", [outline for outline, _ in OUTLINES])
def test_every_outline_is_a_crisp_part_of_the_frame(outline):
    for seed in range(3):
        coverage = outline(np.random.default_rng(seed), (90, 120)).coverage()
        assert coverage.shape == (90, 120)
        assert 0.005 < coverage.mean() < 0.95
        assert ((coverage > 0) & (coverage < 1)).mean() < 0.5
        again = outline(np.random.default_rng(seed), (90, 120)).coverage()
        np.testing.assert_array_equal(coverage, again)
