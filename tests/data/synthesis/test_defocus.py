from __future__ import annotations

import math

import numpy as np
import pytest

from lsamatting.data.synthesis.defocus import blur_disk, defocus, disk


def step(width, edge):
    """Row of pixels, 0 before `edge` and 1 after it; pixel i reaches from i to i + 1."""
    return np.clip(np.arange(width) + 1 - edge, 0, 1)


def edge_through_disk(distance, radius):
    """Share of a disk that lies on one side of a straight line at `distance` from its centre."""
    t = np.clip(distance / radius, -1, 1)
    return 0.5 + (t * np.sqrt(1 - t * t) + np.arcsin(t)) / math.pi


@pytest.mark.parametrize("radius", [0.3, 1.0, 2.5, 7.3])
def test_disk_sums_to_one_and_is_symmetric(radius):
    kernel = disk(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-7)
    np.testing.assert_allclose(kernel, kernel[::-1], atol=1e-7)


def test_disk_has_the_second_moment_of_its_radius():
    # Of a uniform disk it is r²/4 along each axis; pixels add their own 1/12.
    kernel = disk(6.0).astype(float)
    ticks = np.arange(len(kernel)) - len(kernel) // 2
    assert (kernel.sum(axis=0) * ticks**2).sum() == pytest.approx(6**2 / 4 + 1 / 12, rel=0.02)


@pytest.mark.parametrize(("radius", "tolerance"), [(1.0, 0.01), (4.0, 0.01), (13.0, 0.02)])
def test_straight_edge_follows_the_disk_integral(radius, tolerance):
    picture = np.tile(step(120, 60.0).astype(np.float32), (90, 1))
    # The edge lies between pixels, so the sum over a row of the kernel is the disk's own integral.
    expected = edge_through_disk(np.arange(120) + 0.5 - 60.0, radius)
    np.testing.assert_allclose(blur_disk(picture, radius)[45], expected, atol=tolerance)


def test_constant_radius_is_an_even_blur():
    picture = np.random.default_rng(0).random((60, 50, 4), dtype=np.float32)
    radius = np.full((60, 50), 3.0, dtype=np.float32)
    np.testing.assert_array_equal(defocus(picture, radius), blur_disk(picture, 3.0))


def test_varying_radius_leaves_the_sharp_zone_sharp():
    picture = np.random.default_rng(1).random((80, 100, 4), dtype=np.float32)
    radius = np.zeros((80, 100), dtype=np.float32)
    radius[:, 50:] = 6.0
    result = defocus(picture, radius)
    np.testing.assert_allclose(result[:, :50], picture[:, :50], atol=1e-6)
    assert result[:, 60:].std() < 0.3 * picture.std()


def test_even_picture_stays_even():
    radius = np.linspace(0, 12, 64 * 48, dtype=np.float32).reshape(64, 48)
    result = defocus(np.full((64, 48, 4), 0.7, dtype=np.float32), radius)
    np.testing.assert_allclose(result, 0.7, atol=1e-4)
