from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.rendering.environment import photographed_light


def test_light_goes_all_around_without_a_seam(photos):
    light = photographed_light(np.random.default_rng(3), photos)
    assert light.shape == (128, 256, 3)
    assert light.mean() == pytest.approx(1, rel=1e-4)
    assert light.min() >= 0
    across = np.abs(np.diff(light, axis=1, append=light[:, :1])).mean(axis=(0, 2))
    # The step from the last column to the first is like any other.
    assert across[-1] <= np.quantile(across, 0.99) * 1.5


def test_light_is_a_function_of_the_seed(photos):
    first, second, other = (
        photographed_light(np.random.default_rng(seed), photos) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
