from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lsamatting.data.augment import augment
from lsamatting.data.augment_config import AugmentConfig, Realism
from lsamatting.data.cache import DecodedCutout
from lsamatting.data.wide_trimaps import WideTrimaps
from tests.data.drawn_samples import blob, photo

EVERYTHING = AugmentConfig(
    blur=0.5,
    colour=0.5,
    realism=Realism(
        edge_centre=0.5,
        keep_inside=0.5,
        tone=0.5,
        defocus=0.5,
        harmonise=0.5,
        camouflage=0.5,
        light=0.5,
        soften=0.5,
        noise=0.5,
        jpeg=0.5,
        soft_trimap=0.5,
    ),
)


@pytest.mark.parametrize("number", range(12))
def test_every_sample_keeps_the_compositing_equation_and_its_ranges(number: int) -> None:
    config = AugmentConfig(blur=0.3, realism=Realism(tone=0.5, defocus=0.5, harmonise=0.5))
    rng = np.random.default_rng(number)
    sample = augment(rng, blob(200, 150), photo(), 96, config)
    alpha = sample.alpha[..., None]
    expected = alpha * sample.foreground + (1 - alpha) * sample.background
    np.testing.assert_allclose(sample.image, expected, atol=1e-5)
    assert set(np.unique(sample.trimap)) <= {0, 128, 255}
    assert (sample.alpha[sample.trimap == 0] == 0).all()
    assert (sample.alpha[sample.trimap == 255] == 1).all()


def test_a_lens_mixes_light() -> None:
    config = AugmentConfig(realism=Realism(light=1.0, light_exponent=(2.0, 2.0)))
    sample = augment(np.random.default_rng(3), blob(200, 150), photo(), 96, config)
    alpha = sample.alpha[..., None]
    light = alpha * sample.foreground**2 + (1 - alpha) * sample.background**2
    np.testing.assert_allclose(sample.image, np.sqrt(light), atol=1e-5)


@pytest.mark.parametrize("number", range(12))
def test_every_step_together_stays_in_range(number: int) -> None:
    sample = augment(np.random.default_rng(number), blob(200, 150), photo(), 96, EVERYTHING)
    for picture in (sample.image, sample.foreground, sample.background, sample.alpha):
        assert picture.dtype == np.float32
        assert picture.min() >= -1e-6
        assert picture.max() <= 1 + 1e-6
    assert sample.image.shape == (96, 96, 3)
    assert (sample.alpha[sample.trimap == 0] <= 0.05).all()
    assert (sample.alpha[sample.trimap == 255] >= 0.95).all()


def test_one_generator_state_is_one_sample() -> None:
    first, second = (
        augment(np.random.default_rng(7), blob(200, 150), photo(), 96, EVERYTHING) for _ in "ab"
    )
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.trimap, second.trimap)


def test_no_black_leaks_into_the_foreground() -> None:
    """A white foreground stays white, also where the crop reaches beyond its picture."""
    cutout = blob(100, 100)
    white = DecodedCutout(
        np.full_like(cutout.foreground, 255), cutout.alpha, cutout.visible, cutout.edge
    )
    config = AugmentConfig(crop_side=(2, 2), invert=0, colour=0)
    for number in range(8):
        sample = augment(np.random.default_rng(number), white, photo(), 96, config)
        assert sample.foreground.min() == 1
        assert sample.alpha[[0, 0, -1, -1], [0, -1, 0, -1]].max() == 0


def test_a_wide_sample_has_no_known_foreground_where_the_whole_is_unknown() -> None:
    config = AugmentConfig(wide=WideTrimaps(painted=0.2, whole=1, crop_side=(1, 2)))
    for number in range(8):
        rng = np.random.default_rng(number)
        sample = augment(rng, blob(200, 150), photo(), 96, config, wide=True)
        assert not (sample.trimap == 255).any()
        assert (sample.alpha[sample.trimap == 0] == 0).all()
        alpha = sample.alpha[..., None]
        expected = alpha * sample.foreground + (1 - alpha) * sample.background
        np.testing.assert_allclose(sample.image, expected, atol=1e-5)


@pytest.mark.parametrize("even", [0.0, 1.0])
def test_an_even_band_has_the_edge_in_its_middle(even: float) -> None:
    config = AugmentConfig(trimap_distance=(3.0, 30.0), trimap_even=even, gamma=0.0)
    soft = blob(200, 200, 40)
    cutout = replace(soft, alpha=np.where(soft.alpha > 128, 255, 0).astype(np.uint8))
    compared = uneven = 0
    for number in range(40):
        sample = augment(np.random.default_rng(number), cutout, photo(), 128, config)
        unknown = sample.trimap == 128
        if not {0, 255} <= set(np.unique(sample.trimap)):
            continue
        outside, inside = (
            float(cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, 5)[unknown].max())
            for side in (sample.alpha <= 0, sample.alpha >= 1)
        )
        compared += 1
        uneven += abs(outside - inside) > 3
    assert compared > 5
    assert uneven == 0 if even else uneven > compared / 3
