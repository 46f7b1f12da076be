from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.compositing.equation import composite
from lsamatting.data.augment import (
    AugmentConfig,
    Realism,
    View,
    augment,
    augment_colour,
    background_view,
    bend_alpha,
    camouflage,
    defocus,
    foreground_view,
    harmonise,
    jpeg,
    rim_light,
    sensor_noise,
    tone,
    warp,
)
from lsamatting.data.cache import DecodedBackground, DecodedCutout
from lsamatting.data.wide_trimaps import WideTrimaps
from lsamatting.errors import ConfigError


def smooth(rng: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    grid = rng.integers(0, 256, (5, 5, channels), dtype=np.uint8)
    picture = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return picture.reshape(height, width, channels)


def blob(height: int, width: int, sigma: float = 6) -> DecodedCutout:
    rng = np.random.default_rng(3)
    alpha = np.zeros((height, width), np.uint8)
    cv2.circle(alpha, (width // 2, height // 2), min(height, width) // 4, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), sigma)

    def points(mask: np.ndarray) -> np.ndarray:
        return np.argwhere(mask)[:, ::-1].astype(np.int32)

    return DecodedCutout(
        smooth(rng, height, width), alpha, points(alpha > 0), points((alpha > 0) & (alpha < 255))
    )


def photo(height: int = 200, width: int = 300) -> DecodedBackground:
    return DecodedBackground(smooth(np.random.default_rng(4), height, width), 1.0)


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
        noise=0.5,
        jpeg=0.5,
        soft_trimap=0.5,
    ),
)


def test_a_straight_view_is_the_crop_itself() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    view = View((30.5, 40.5), side=32)
    np.testing.assert_array_equal(
        warp(picture, view, 32, border=cv2.BORDER_REFLECT), picture[25:57, 15:47]
    )


@pytest.mark.parametrize("flip", [(True, False), (False, True), (True, True)])
def test_a_flipped_view_is_the_flipped_crop(flip: tuple[bool, bool]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    expected = picture[25:57, 15:47]
    expected = expected[:, ::-1] if flip[0] else expected
    expected = expected[::-1] if flip[1] else expected
    view = View((30.5, 40.5), side=32, flip=flip)
    np.testing.assert_array_equal(warp(picture, view, 32, border=cv2.BORDER_REFLECT), expected)


def test_a_quarter_turn_is_the_turned_crop() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    view = View((30.5, 40.5), side=32, angle=math.pi / 2)
    turned = warp(picture, view, 32, border=cv2.BORDER_REFLECT).astype(int)
    assert np.abs(turned - np.rot90(picture[25:57, 15:47])).max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0, 99),
    y=st.floats(0, 149),
    side=st.floats(10, 300),
    angle=st.floats(0, 6.3),
    flip=st.tuples(st.booleans(), st.booleans()),
)
def test_a_view_equals_the_warp_of_the_whole_picture(x, y, side, angle, flip) -> None:
    """On smooth pictures neither the cut nor the area average changes more than a few levels."""
    picture = smooth(np.random.default_rng(1), 150, 100)
    view = View((x, y), side, angle, flip)
    whole = cv2.warpAffine(
        cv2.copyMakeBorder(picture, 250, 250, 250, 250, cv2.BORDER_REFLECT),
        view.matrix(40) + np.array([[0, 0, 250], [0, 0, 250]]),
        (40, 40),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    corners = view.matrix(40) @ np.array([[0, 0, 39, 39], [0, 39, 0, 39], [1, 1, 1, 1]])
    inside = (corners.min(axis=1) > 0).all() and (corners.max(axis=1) < (99, 149)).all()
    ours = warp(picture, view, 40, border=cv2.BORDER_REFLECT)
    assert ours.shape == (40, 40, 3)
    if inside:
        assert np.abs(ours.astype(int) - whole).max() <= 12


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    shrunk = warp(stripes, View((127.5, 127.5), side=200), 40, border=cv2.BORDER_REFLECT)
    assert np.abs(shrunk.astype(int) - 127.5).max() < 30


def test_augmented_parts_make_the_augmented_composite() -> None:
    """Warping F, α and B by one view, then blending, is warping the blend."""
    rng = np.random.default_rng(0)
    cutout = blob(160, 160, sigma=12)
    back = smooth(rng, 160, 160)
    view = View((80, 75), side=70, angle=0.7, flip=(True, False))

    def see(picture: np.ndarray) -> np.ndarray:
        return warp(picture, view, 64, border=cv2.BORDER_REFLECT).astype(np.float32) / 255

    def unit(picture: np.ndarray) -> np.ndarray:
        return picture.astype(np.float32) / 255

    blended = composite(unit(cutout.foreground), unit(cutout.alpha), unit(back))
    of_parts = composite(see(cutout.foreground), see(cutout.alpha), see(back))
    of_whole = see(np.round(blended * 255).astype(np.uint8))
    assert np.abs(of_parts - of_whole).max() < 0.02


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


def test_the_crop_is_centred_on_a_visible_pixel_or_on_an_edge() -> None:
    cutout = blob(100, 100, sigma=2)
    rng = np.random.default_rng(0)
    edges = AugmentConfig(realism=Realism(edge_centre=1))
    for _ in range(50):
        x, y = foreground_view(rng, cutout, 64, AugmentConfig()).centre
        assert cutout.alpha[int(y), int(x)] > 0
        x, y = foreground_view(rng, cutout, 64, edges).centre
        assert 0 < cutout.alpha[int(y), int(x)] < 255


@pytest.mark.parametrize("rotate", [0.0, 1.0])
def test_crops_kept_inside_do_not_reach_over_the_border(rotate: float) -> None:
    config = AugmentConfig(rotate=rotate, crop_side=(0.3, 0.6), realism=Realism(keep_inside=1))
    cutout = blob(100, 100, sigma=12)
    rng = np.random.default_rng(0)
    for _ in range(50):
        matrix = foreground_view(rng, cutout, 100, config).matrix(100)
        edges = np.array([[-0.5, -0.5, 99.5, 99.5], [-0.5, 99.5, -0.5, 99.5], [1, 1, 1, 1]])
        corners = matrix @ edges
        assert corners.min() >= -0.5 - 1e-6
        assert corners.max() <= 99.5 + 1e-6


def test_the_background_is_cropped_inside_its_photograph() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        view = background_view(rng, photo(120, 200).picture, 640, AugmentConfig(rotate=0))
        assert view.side == 120
        assert view.centre[1] == pytest.approx(59.5)
        assert 59.5 <= view.centre[0] <= 139.5


def test_bending_keeps_the_ends() -> None:
    alpha = np.array([[0, 0.25, 1]], np.float32)
    np.testing.assert_allclose(bend_alpha(alpha, 0.5, from_above=False), [[0, 0.5, 1]], atol=1e-6)
    np.testing.assert_allclose(
        bend_alpha(alpha, 0.5, from_above=True), [[0, 1 - 0.75**0.5, 1]], atol=1e-6
    )


def test_colour_augmentation_scales_every_gradient() -> None:
    picture = np.random.default_rng(0).random((5, 6, 3), dtype=np.float32)
    weight = np.array([0.3], np.float32)
    mixed = augment_colour(picture, weight, np.array([1, 0, 0.5], np.float32))
    np.testing.assert_allclose(np.diff(mixed, axis=0), 0.3 * np.diff(picture, axis=0), atol=1e-6)
    np.testing.assert_allclose(mixed[0, 0], 0.3 * picture[0, 0] + [0.7, 0, 0.35], atol=1e-6)


@pytest.mark.parametrize("disk", [True, False])
@pytest.mark.parametrize("radius", [1.5, 8.0])
def test_defocus_spreads_a_point_without_losing_light(radius: float, disk: bool) -> None:
    picture = np.zeros((81, 81, 3), np.float32)
    picture[40, 40] = 1
    spread = defocus(picture, radius, disk=disk)[..., 0].astype(float)
    assert spread.sum() == pytest.approx(1, rel=0.02)
    ys, xs = np.mgrid[:81, :81] - 40.0
    # A disk of radius r has the variance r²/4 along each axis; the work on a smaller picture adds.
    variance = (spread * xs**2).sum() / spread.sum()
    assert variance == pytest.approx(radius**2 / 4, rel=0.35)
    if disk:
        assert spread[np.hypot(xs, ys) > 1.6 * radius + 2].max() < 1e-3


def test_defocus_keeps_one_colour() -> None:
    picture = np.full((50, 40, 3), 0.3, np.float32)
    np.testing.assert_allclose(defocus(picture, 7, disk=True), picture, atol=1e-5)


def test_tone_is_gain_then_gamma() -> None:
    picture = np.array([[[0.2, 0.4, 0.9]]], np.float32)
    toned = tone(picture, np.array([2, 1, 2], np.float32), 0.5)
    np.testing.assert_allclose(toned, [[[0.4**0.5, 0.4**0.5, 1]]], atol=1e-5)


def test_harmonising_fully_moves_the_mean_along_the_edge() -> None:
    rng = np.random.default_rng(0)
    front = 0.5 + 0.1 * rng.random((20, 20, 3), dtype=np.float32)
    back = 0.2 + 0.1 * rng.random((20, 20, 3), dtype=np.float32)
    alpha = rng.random((20, 20), dtype=np.float32)
    weight = (alpha * (1 - alpha))[..., None]
    moved = harmonise(front, back, alpha, 1.0)
    np.testing.assert_allclose(
        (moved * weight).sum((0, 1)), (front * weight).sum((0, 1)), rtol=1e-4
    )
    np.testing.assert_array_equal(harmonise(front, back, np.ones((20, 20), np.float32), 1), back)


@pytest.mark.parametrize("grain", [0.0, 0.8])
def test_noise_has_the_stated_deviation_at_mid_grey(grain: float) -> None:
    grey = np.full((128, 128, 3), 0.5, np.float32)
    noisy = sensor_noise(np.random.default_rng(0), grey, 0.02, grain)
    assert noisy.std() == pytest.approx(0.02, rel=0.05)
    assert noisy.mean() == pytest.approx(0.5, abs=1e-3)


def test_jpeg_keeps_the_order_of_channels() -> None:
    red = np.zeros((16, 16, 3), np.float32)
    red[..., 0] = 1
    assert np.abs(jpeg(red, 95) - red).max() < 0.05


@pytest.mark.parametrize(
    "values", [{"rotate": 1.5}, {"crop_side": (2.0, 1.0)}, {"flip": -0.1}], ids=str
)
def test_impossible_options_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        AugmentConfig(**values)


def test_rim_light_reaches_the_edge_and_leaves_the_inside():
    alpha = np.zeros((80, 80), np.float32)
    alpha[:, 40:] = 1
    front = np.full((80, 80, 3), 0.1, np.float32)
    lit = rim_light(front, alpha, np.float32([1.0, 0.9, 0.8]), width=4.0, amount=0.5)
    np.testing.assert_allclose(lit[:, 70:], 0.1, atol=1e-4)
    np.testing.assert_allclose(lit[0, 0], [0.55, 0.5, 0.45], atol=1e-4)
    # Half a pixel inside a straight edge the blurred step is just above one half.
    assert (np.diff(lit[40, :, 0]) <= 1e-6).all()
    np.testing.assert_allclose(lit[40, 40, 0], 0.1 + 0.5 * 0.9 * 2 * (1 - 0.5497), atol=5e-3)


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


def test_wide_crops_are_no_larger_than_the_foregrounds_picture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert (
            foreground_view(rng, blob(200, 150), 96, AugmentConfig(), crop_side=(1, 4)).side <= 150
        )


def test_a_camouflaged_background_has_the_mean_and_covariance_of_the_subject() -> None:
    rng = np.random.default_rng(0)
    mixing = np.array([[0.1, 0, 0], [0.05, 0.05, 0], [0, 0.02, 0.03]])
    front = (0.5 + rng.standard_normal((60, 50, 3)) @ mixing * 0.8).astype(np.float32)
    back = (0.4 + 0.06 * rng.standard_normal((60, 50, 3))).astype(np.float32)
    alpha = np.zeros((60, 50), np.float32)
    alpha[:, 20:] = 1
    shown = front[:, 20:].reshape(-1, 3)
    moved = camouflage(front, back, alpha, 1.0).reshape(-1, 3)
    np.testing.assert_allclose(moved.mean(axis=0), shown.mean(axis=0), atol=2e-3)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(shown.T), atol=4e-4)
    unchanged = camouflage(front, back, alpha, 0.0)
    np.testing.assert_allclose(unchanged, back, atol=1e-6)
    np.testing.assert_array_equal(camouflage(front, back, np.zeros_like(alpha), 1.0), back)


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
