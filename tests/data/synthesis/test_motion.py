from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.synthesis.motion import movement, smear


def constant(shape, dx, dy):
    return np.full(shape, dx, dtype=np.float32), np.full(shape, dy, dtype=np.float32)


@pytest.mark.parametrize("length", [4.0, 10.0, 32.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_step_edge_becomes_a_linear_ramp_of_the_path_length(length, axis):
    picture = np.zeros((101, 101, 4), dtype=np.float32)
    picture[:, 51:] = 1
    picture[:, 50] = 0.5  # the edge runs through the middle of this column
    expected = np.clip(0.5 + (np.arange(101) - 50) / length, 0, 1)
    path = constant((101, 101), length, 0)
    if axis == 0:
        picture, path = picture.transpose(1, 0, 2).copy(), path[::-1]
    found = smear(picture, *path)
    row = found[:, 50, 0] if axis == 0 else found[50, :, 0]
    # The pixel and the interpolation between positions round the ramp's two corners.
    np.testing.assert_allclose(row, expected, atol=0.6 / length)
    inside = np.abs(np.arange(101) - 50) < length / 2 - 1.5
    np.testing.assert_allclose(row[inside], expected[inside], atol=0.02)


def test_no_movement_changes_nothing():
    picture = np.random.default_rng(0).random((20, 30, 4), dtype=np.float32)
    np.testing.assert_array_equal(smear(picture, *constant((20, 30), 0, 0)), picture)


def test_light_is_kept():
    picture = np.zeros((80, 90, 4), dtype=np.float32)
    picture[35:45, 40:50] = np.random.default_rng(1).random((10, 10, 4))
    found = smear(picture, *constant((80, 90), 17.0, -9.0))
    np.testing.assert_allclose(found.sum(axis=(0, 1)), picture.sum(axis=(0, 1)), rtol=1e-3)


def test_every_movement_is_a_finite_path():
    for seed in range(8):
        dx, dy = movement(np.random.default_rng(seed), (64, 96))
        assert dx.shape == dy.shape == (64, 96)
        assert dx.dtype == dy.dtype == np.float32
        assert np.isfinite(dx).all()
        assert np.isfinite(dy).all()
