from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.data.synthesis.noise import (
    octaves,
    pixel_grid,
    sample,
    smooth_field,
    smoothstep,
    standardise,
    swirl,
    warp,
)


@pytest.mark.parametrize("scale", [1.0, 3.0, 10.0])
def test_smooth_field_has_zero_mean_and_unit_variance(scale):
    values = smooth_field(np.random.default_rng(0), (400, 400), scale=scale)
    assert abs(float(values.mean())) < 0.05
    assert float(values.std()) == pytest.approx(1, abs=0.08)


def test_smooth_field_has_no_steps():
    # Over a lattice cell of 200 pixels, a spline's slope changes by little from pixel to pixel.
    values = smooth_field(np.random.default_rng(1), (300, 300), scale=200)
    for axis in (0, 1):
        assert np.abs(np.diff(values, n=2, axis=axis)).max() < 40 / 200**2


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.5, 300))
def test_any_size_and_scale(height, width, scale):
    values = smooth_field(np.random.default_rng(2), (height, width), scale=scale)
    assert values.shape == (height, width)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_equal_seeds_give_equal_fields():
    one, other = (
        octaves(np.random.default_rng(5), (50, 70), scale=20, ridged=True) for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


def test_standardise():
    values = standardise(np.array([[1.0, 2.0], [3.0, 6.0]]))
    assert values.mean() == pytest.approx(0, abs=1e-6)
    assert values.std() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(standardise(np.full((2, 2), 7.0)), np.zeros((2, 2)))


def test_smoothstep():
    values = smoothstep(1.0, 3.0, np.array([0.0, 1.0, 1.5, 2.0, 3.0, 9.0]))
    np.testing.assert_allclose(values, [0, 0, 0.15625, 0.5, 1, 1])


def test_sampling_the_pixel_grid_changes_nothing():
    picture = np.random.default_rng(3).random((20, 30, 3), dtype=np.float32)
    np.testing.assert_array_equal(sample(picture, *pixel_grid((20, 30))), picture)


def test_warp_moves_by_its_amplitude():
    x, y = pixel_grid((200, 300))
    moved_x, moved_y = warp(np.random.default_rng(4), (200, 300), amplitude=6.0, scale=40)
    for moved, still in ((moved_x, x), (moved_y, y)):
        assert float((moved - still).std()) == pytest.approx(6, rel=1e-3)


def test_swirl_keeps_areas():
    # The flow has no divergence, so the map's Jacobian determinant is about 1 everywhere inside.
    x, y = swirl(np.random.default_rng(6), (200, 200), amplitude=1.0, scale=100, steps=4)
    xy, xx = np.gradient(x)
    yy, yx = np.gradient(y)
    area = (xx * yy - xy * yx)[20:-20, 20:-20]
    assert float(np.median(np.abs(area - 1))) < 0.02
    assert float(np.hypot(x - pixel_grid((200, 200))[0], y - pixel_grid((200, 200))[1]).max()) > 3
