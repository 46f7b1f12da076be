from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.appearance import (
    augment_colour,
    bend_alpha,
    camouflage,
    defocus,
    harmonise,
    jpeg,
    rim_light,
    sensor_noise,
    soften,
    tone,
)


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


def test_a_subject_that_moves_has_edges_that_rise_evenly() -> None:
    alpha = np.zeros((40, 80), np.float32)
    alpha[:, 40:] = 1
    rng = np.random.default_rng(0)
    front = np.broadcast_to(rng.random(3, dtype=np.float32), (40, 80, 3))
    for radius, angle in ((6.0, 0.0), (6.0, np.pi)):
        moved, soft = soften(front, alpha, radius, angle=angle)
        # The average over a way of 12 pixels, taken at 16 places that are interpolated between.
        np.testing.assert_allclose(soft[20, 34:46], (np.arange(12) + 0.5) / 12, atol=0.012)
        np.testing.assert_allclose(moved, front, atol=1e-5)
    across = soften(front, alpha, 6.0, angle=np.pi / 2)[1]
    np.testing.assert_allclose(across, alpha, atol=1e-5)


def test_a_subject_out_of_focus_covers_as_much_and_shows_only_its_own_colours() -> None:
    rows, columns = np.mgrid[:96, :96]
    alpha = (np.hypot(rows - 48, columns - 48) < 20).astype(np.float32)
    front = np.zeros((96, 96, 3), np.float32)
    front[..., 0] = 0.25 + 0.5 * alpha  # what is not covered has other colours
    blurred, soft = soften(front, alpha, 8.0, angle=None)
    assert soft.sum() == pytest.approx(alpha.sum(), rel=0.01)
    assert ((soft > 0.05) & (soft < 0.95)).sum() > 3 * np.pi * 40
    np.testing.assert_allclose(blurred[soft > 0.02][:, 0], 0.75, atol=1e-4)


@pytest.mark.parametrize("radius", [0.96, 2.0, 3.3, 7.0, 11.9, 15.4])
@pytest.mark.parametrize("angle", [None, 0.3])
def test_a_soft_subject_is_opaque_inside_and_gone_outside(
    radius: float, angle: float | None
) -> None:
    """Exactly, as a trimap asks: what is all but opaque would be unknown."""
    rows, columns = np.mgrid[:160, :160]
    away = np.hypot(rows - 80, columns - 80)
    front = np.full((160, 160, 3), 0.5, np.float32)
    _, soft = soften(front, (away < 50).astype(np.float32), radius, angle=angle)
    reach = 1.5 * radius + 3
    assert (soft[away < 50 - reach] == 1).all()
    assert (soft[away > 50 + reach] == 0).all()


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
