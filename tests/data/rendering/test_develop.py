from __future__ import annotations

import numpy as np

from lsamatting.data.rendering.develop import develop


def rendered(light, opacity):
    return np.dstack([opacity[..., None] * light, opacity, opacity]).astype(np.float32)


def test_one_colour_goes_on_everywhere():
    opacity = np.zeros((60, 80))
    opacity[20:40, 20:50] = 1
    opacity[20:40, 50:60] = np.linspace(1, 0, 10)
    cutout = develop(np.random.default_rng(0), rendered(np.array([0.1, 0.2, 0.3]), opacity))
    np.testing.assert_allclose(cutout.alpha, opacity, atol=1e-6)
    spread = np.ptp(cutout.foreground, axis=(0, 1))
    assert (spread < 0.01).all()
    red, green, blue = cutout.foreground[0, 0]
    assert red < green < blue


def test_exposure_makes_dark_and_bright_things_alike_but_not_the_same():
    opacity = np.ones((40, 40))
    dark, bright = (
        develop(np.random.default_rng(1), rendered(np.full(3, light), opacity)).foreground.mean()
        for light in (0.005, 2.0)
    )
    assert 0.05 < dark < bright < 1


def test_nothing_to_see():
    cutout = develop(np.random.default_rng(0), np.zeros((30, 30, 5), np.float32))
    assert not cutout.alpha.any()
    assert np.isfinite(cutout.foreground).all()


def test_opacity_is_that_of_its_own_pass():
    opacity = np.full((30, 30), 0.5)
    picture = rendered(np.full(3, 0.3), opacity)
    picture[..., 4] = 0.25
    np.testing.assert_allclose(develop(np.random.default_rng(0), picture).alpha, 0.25)
