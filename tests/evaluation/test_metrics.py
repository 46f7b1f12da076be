from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from lsamatting.errors import MetricError
from lsamatting.evaluation.metrics import conn, grad, mad, mse, sad

Array = NDArray[Any]
ALL: list[Callable[..., float]] = [sad, mse, mad, grad, conn]

# From octave/golden.m: GNU Octave 7.3.0 with the package image 2.14.0, 2026-11-23.
# Order: SAD, MSE, Grad, Conn.
GOLDEN = {
    "all_zero": (2.84014119, 0.373922621, 2.99855959, 2.81949804),
    "equal_components": (0.298203931, 0.00270729668, 0.072252572, 0.0553411846),
    "hair": (0.499603927, 0.0497331348, 0.597943492, 0.501282359),
    "never_one": (0.116780396, 0.000630723398, 0.162538947, 0.120441184),
    "translucent": (0.31787454, 0.00344955483, 0.0819521812, 0.222201978),
}


def unknown(height: int, width: int) -> Array:
    return np.full((height, width), 128, np.uint8)


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("as_float", [False, True])
def test_octave_gives_the_same_values(name: str, as_float: bool) -> None:
    folder = Path(__file__).parent / "octave" / "mattes"
    prediction, target, trimap = (
        cv2.imread(str(folder / f"{name}_{part}.png"), cv2.IMREAD_GRAYSCALE)
        for part in ("prediction", "target", "trimap")
    )
    if as_float:
        # Multiplied by the reciprocal, not divided: up to an ulp off the 8-bit level.
        prediction, target = (
            m.astype(np.float32) * np.float32(1 / 255) for m in (prediction, target)
        )
    values = [f(prediction, target, trimap) for f in (sad, mse, grad, conn)]
    np.testing.assert_allclose(values, GOLDEN[name], rtol=1e-6)


# Independent definitions, slow and plain ---------------------------------------------------------


def slow_grad(prediction: Array, target: Array, region: Array) -> float:
    sigma = 1.4
    kernel = np.empty((9, 9))
    for i in range(9):
        for j in range(9):
            y, x = i - 4, j - 4
            kernel[i, j] = -x * math.exp(-(x * x + y * y) / (2 * sigma**2))
    kernel /= math.sqrt((kernel**2).sum())
    amplitudes = []
    for matte in (prediction, target):
        spread = matte.max() - matte.min()
        matte = (matte - matte.min()) / spread if spread else matte * 0
        across, down = (ndimage.convolve(matte, k, mode="nearest") for k in (kernel, kernel.T))
        amplitudes.append(np.hypot(across, down))
    return float(((amplitudes[0] - amplitudes[1]) ** 2)[region].sum() / 1000)


def slow_conn(prediction: Array, target: Array, region: Array) -> float:
    p, g = prediction.astype(np.float32), target.astype(np.float32)
    last = np.full(p.shape, -1, np.float32)
    for step in range(1, 11):
        both = (p >= np.float32(step / 10)) & (g >= np.float32(step / 10))
        # Labels in MATLAB's order: sort the components by their first pixel, columns first.
        labels = ndimage.label(both.T)[0].T
        sizes = {k: (labels == k).sum() for k in range(1, labels.max() + 1)}
        firsts = {k: np.flatnonzero((labels == k).T)[0] for k in sizes}
        best = min(sizes, key=lambda k: (-sizes[k], firsts[k]), default=None)
        largest = labels == best if best else np.zeros(p.shape, bool)
        last[(last == -1) & ~largest] = (step - 1) / 10
    last[last == -1] = 1
    phi = [1 - np.where(m - last >= 0.15, m - last, 0) for m in (p, g)]
    return float(np.abs(phi[0] - phi[1])[region].sum(dtype=np.float64) / 1000)


def random_case(seed: int) -> tuple[Array, Array, Array]:
    """8-bit mattes whose few levels and blocks make equally large components common."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(10, 40, 2))
    levels = np.array([0, 25, 26, 51, 77, 102, 127, 128, 153, 179, 204, 230, 254, 255])
    coarse = rng.choice(levels, (12, 12))
    target = np.kron(coarse, np.ones((4, 4), int))[: shape[0], : shape[1]]
    prediction = np.where(rng.uniform(size=shape) < 0.3, rng.choice(levels, shape), target)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), shape, p=[0.1, 0.8, 0.1])
    return prediction.astype(np.uint8), target.astype(np.uint8), trimap


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("region", ["unknown", "whole"])
def test_random_mattes_agree_with_slow_definitions(seed: int, region: str) -> None:
    prediction, target, trimap = random_case(seed)
    clamped = np.where(trimap == 0, 0, np.where(trimap == 255, 255, prediction)) / 255
    truth = target / 255
    counted = trimap == 128 if region == "unknown" else np.ones(trimap.shape, bool)
    difference = (clamped - truth)[counted]
    expected = {
        sad: np.abs(difference).sum() / 1000,
        mse: (difference**2).mean(),
        mad: np.abs(difference).mean(),
        grad: slow_grad(clamped, truth, counted),
        conn: slow_conn(clamped, truth, counted),
    }
    for metric, value in expected.items():
        assert metric(prediction, target, trimap, region=region) == pytest.approx(value, rel=1e-5)


# Answers known in closed form --------------------------------------------------------------------


@pytest.mark.parametrize("metric", ALL)
def test_a_perfect_matte_has_no_error(metric: Callable[..., float]) -> None:
    target = np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint8)
    # OpenCV may round the same pixel differently at another address.
    assert metric(target, target, unknown(30, 40)) == pytest.approx(0, abs=1e-12)


def test_constant_mattes() -> None:
    prediction, target = np.full((20, 50), 0.8, np.float32), np.full((20, 50), 0.4, np.float32)
    arguments = prediction, target, unknown(20, 50)
    assert sad(*arguments) == pytest.approx(0.4)
    assert mse(*arguments) == pytest.approx(0.16)
    assert mad(*arguments) == pytest.approx(0.4)
    assert grad(*arguments) == 0
    # The common component reaches 0.4, so the prediction stands 0.4 above it: φ is 0.6 against 1.
    assert conn(*arguments) == pytest.approx(0.4)


def test_gradient_of_a_step() -> None:
    """On a vertical step the amplitude is a partial sum of the kernel, whatever the contrast."""
    target = np.zeros((30, 40), np.uint8)
    target[:, 20:] = 100
    x = np.arange(-4, 5)
    smooth = np.exp(-(x**2) / (2 * 1.4**2))
    slope = x * smooth
    profile = np.array([max(slope[max(1 - d, -4) + 4 :].sum(), 0) for d in range(-4, 6)])
    amplitude = profile * smooth.sum() / np.linalg.norm(np.outer(smooth, slope))
    expected = 30 * (amplitude**2).sum() / 1000
    assert grad(np.zeros_like(target), target, unknown(30, 40)) == pytest.approx(expected, rel=1e-6)
    half = target // 2
    assert grad(half, target, unknown(30, 40)) == pytest.approx(0, abs=1e-12)


def test_connectivity_counts_an_island_in_full_and_ignores_small_steps() -> None:
    matte = np.zeros((20, 20), np.uint8)
    matte[:10] = 255
    island = matte.copy()
    island[15:17, 15:17] = 255
    # The island is in neither largest component: φ falls from 1 to 0 on its four pixels.
    assert conn(island, matte, unknown(20, 20)) == pytest.approx(0.004)
    # 0.1 above the last common threshold is within the tolerance of 0.15.
    assert conn(matte, np.where(matte > 0, 230, 0).astype(np.uint8), unknown(20, 20)) == 0


def test_only_unknown_pixels_count_and_known_ones_are_clamped() -> None:
    target = np.zeros((10, 10), np.uint8)
    target[:, 5:] = 255
    trimap = np.where(target > 0, 255, 0).astype(np.uint8)
    trimap[:, 4] = 128
    wrong_where_known = 255 - target
    wrong_where_known[:, 4] = 0
    for metric in ALL:
        assert metric(wrong_where_known, target, trimap) == 0
        assert metric(wrong_where_known, target, trimap, region="whole") == 0
    assert sad(255 - target, target, trimap) == pytest.approx(0.01)
    assert mad(255 - target, target, trimap) == 1
    assert mad(255 - target, target, trimap, region="whole") == pytest.approx(0.1)
    assert mad(255 - target, target, None, region="whole") == 1


def test_the_prediction_is_rounded_to_8_bit_and_the_target_is_not() -> None:
    target = np.full((8, 8), 100 / 255)
    assert sad(target + 0.4 / 255, target, unknown(8, 8)) == pytest.approx(0, abs=1e-8)
    assert mad(target + 0.6 / 255, target, unknown(8, 8)) == pytest.approx(1 / 255, rel=1e-4)
    assert mad(target, target + 0.4 / 255, unknown(8, 8)) == pytest.approx(0.4 / 255, rel=1e-3)


def test_every_value_of_half_precision_is_rounded_to_its_nearest_level() -> None:
    values = np.arange(0x3C01, dtype=np.uint16).view(np.float16)[None]  # from 0 to 1
    nearest = np.floor(values.astype(np.float64) * 255 + 0.5).astype(np.uint8)
    assert mad(values, nearest, unknown(*values.shape)) == 0


def test_inputs_are_left_alone() -> None:
    prediction, target, trimap = random_case(3)
    copies = prediction.copy(), target.copy(), trimap.copy()
    for metric in ALL:
        metric(prediction, target, trimap)
    for array, copy in zip((prediction, target, trimap), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Mistakes ----------------------------------------------------------------------------------------

HALF = np.full((4, 5), 0.5, np.float32)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("prediction", "target", "trimap", "message"),
    [
        (HALF, HALF, np.zeros((4, 5), np.uint8), "no unknown pixel"),
        (HALF, HALF[:3], unknown(4, 5), r"target has shape \(3, 5\)"),
        (HALF, HALF, unknown(5, 4), r"trimap has shape \(5, 4\)"),
        (HALF[..., None], HALF, unknown(4, 5), r"prediction has shape \(4, 5, 1\)"),
        (HALF[:0], HALF[:0], unknown(0, 5), "not empty"),
        (HALF * np.nan, HALF, unknown(4, 5), "prediction holds a value that is not finite"),
        (HALF, HALF * np.inf, unknown(4, 5), "target holds a value that is not finite"),
        (HALF * 255, HALF, unknown(4, 5), "prediction has values from 127.5 to 127.5"),
        (HALF, HALF - 1, unknown(4, 5), "target has values from -0.5"),
        (HALF.astype(np.uint16), HALF, unknown(4, 5), "prediction is of type uint16"),
        (HALF, HALF, unknown(4, 5) - 1, "trimap holds the value 127"),
        (HALF, HALF, None, "needs a trimap"),
    ],
)
def test_mistakes_are_named(
    metric: Callable[..., float], prediction: Array, target: Array, trimap: Array, message: str
) -> None:
    with pytest.raises(MetricError, match=message) as caught:
        metric(prediction, target, trimap)
    assert "\n" not in str(caught.value)


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(MetricError, match="region is 'known'"):
        sad(HALF, HALF, unknown(4, 5), region="known")  # type: ignore[arg-type]
