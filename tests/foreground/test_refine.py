from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import spsolve

from lsamatting.errors import ConfigError, ImageError
from lsamatting.foreground import foreground_cost, refine_foreground
from lsamatting.foreground.refine import refine_samples
from lsamatting.foreground.sweeps import smooth


def random_alpha(rng, height, width):
    """Opaque, transparent and mixed pixels, all of them next to each other somewhere."""
    alpha = rng.random((height, width))
    alpha[rng.random((height, width)) < 0.3] = 0
    alpha[rng.random((height, width)) < 0.3] = 1
    return alpha


def hairy_alpha(height, width):
    """An opaque body with thin, half-transparent strands."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:height, :width]
    alpha = np.clip(0.3 * height - np.hypot(rows - height / 2, columns - width / 2), 0, 1)
    for _ in range(40):
        angle, reach = rng.uniform(0, 2 * np.pi), np.linspace(0.25, 0.48, 2 * height) * height
        y = np.rint(height / 2 + reach * np.sin(angle)).astype(int)
        x = np.rint(width / 2 + reach * np.cos(angle)).astype(int) % width
        alpha[y, x] = np.maximum(alpha[y, x], rng.uniform(0.2, 0.9))
    return alpha


def contaminated(alpha):
    """A smooth colour where opaque, noise where transparent."""
    rng = np.random.default_rng(4)
    rows, columns = np.mgrid[: alpha.shape[0], : alpha.shape[1]] / max(alpha.shape)
    smooth = np.stack([rows, columns, 1 - rows], axis=2)
    share = alpha[..., None]
    return share * smooth + (1 - share) * rng.random(smooth.shape)


def neighbours(index, size, border):
    """Give the neighbours of an index along one axis of the picture."""
    if border == "inside":
        return [i for i in (index - 1, index + 1) if 0 <= i < size]
    # Mirrored without repeating the edge; the only pixel of an axis is its own mirror image.
    return [min(abs(index - 1), size - 1), index + 1 if index + 1 < size else max(size - 2, 0)]


def direct_solution(foreground, alpha, kappa, border):
    """Set up the fixed point's equations pixel by pixel and solve them with SciPy."""
    height, width = alpha.shape
    q = (1 - alpha) ** 2
    matrix = sp.lil_matrix((alpha.size, alpha.size))
    for y in range(height):
        for x in range(width):
            i = y * width + x
            matrix[i, i] += alpha[y, x] ** 2
            around = [(j, x) for j in neighbours(y, height, border)]
            around += [(y, j) for j in neighbours(x, width, border)]
            for j in around:
                weight = kappa * (q[y, x] + q[j])
                matrix[i, i] += weight
                matrix[i, j[0] * width + j[1]] -= weight
    right = (alpha[..., None] ** 2 * foreground).reshape(alpha.size, -1)
    return np.asarray(spsolve(matrix.tocsc(), right)).reshape(foreground.shape)


def plain_jacobi(scaled, alpha, start, kappa, sweeps):
    """Algorithm 1 as it stands in the paper, borders mirrored."""
    height, width = alpha.shape

    def shifted(values):
        padded = np.pad(values, [(1, 1), (1, 1)] + [(0, 0)] * (values.ndim - 2), mode="reflect")
        return (
            padded[:height, 1:-1],
            padded[2:, 1:-1],
            padded[1:-1, :width],
            padded[1:-1, 2:],
        )

    q = (1 - alpha) ** 2
    around = shifted(q)
    below = (alpha**2 + 4 * kappa * q + kappa * sum(around))[..., None]
    for _ in range(sweeps):
        flow = sum((q + w)[..., None] * f for w, f in zip(around, shifted(start), strict=True))
        start = (alpha[..., None] * scaled + kappa * flow) / below
    return start


def plain_resize(values, height, width):
    """Bilinear, pixels as squares, no smoothing beforehand."""
    for axis, size in ((0, height), (1, width)):
        old = values.shape[axis]
        place = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.minimum(place.astype(int), max(old - 2, 0))
        part = (place - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        high = np.minimum(low + 1, old - 1)
        values = (1 - part) * values.take(low, axis) + part * values.take(high, axis)
    return values


def plain_multilevel(foreground, alpha, kappa, scales, iterations):
    """Algorithm 2 as it stands in the paper."""
    height, width = alpha.shape
    estimate = foreground
    for scale in reversed(range(scales)):
        size = height // 2**scale, width // 2**scale
        if min(size):
            estimate = plain_jacobi(
                plain_resize(alpha[..., None] * foreground, *size),
                plain_resize(alpha[..., None], *size)[..., 0],
                plain_resize(estimate, *size),
                kappa,
                2**scale * iterations,
            )
    return estimate


SHAPES = [(1, 1), (1, 2), (1, 7), (9, 1), (2, 2), (3, 5), (17, 12), (26, 41)]


@pytest.mark.parametrize("border", ["inside", "reflect"])
@pytest.mark.parametrize("kappa", [1.0, 0.1, 30.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_exact_is_the_direct_solution(shape, kappa, border):
    rng = np.random.default_rng([*shape, 7])
    alpha = random_alpha(rng, *shape)
    alpha[0, 0] = 0.5
    foreground = rng.random((*shape, 3))
    refined = refine_foreground(foreground, alpha, kappa=kappa, border=border, tolerance=1e-6)
    wanted = direct_solution(foreground, alpha, kappa, border)
    np.testing.assert_allclose(refined, wanted, atol=1e-4)


@pytest.mark.parametrize("kind", ["uniform", "edge", "noise"])
@pytest.mark.parametrize("kappa", [0.05, 50.0])
def test_exact_where_weights_differ_by_far(kind, kappa):
    rng = np.random.default_rng(15)
    alpha = rng.random((60, 75))
    if kind == "edge":
        alpha = np.tile(np.arange(75) < 38, (60, 1)).astype(float)
    elif kind == "noise":
        alpha = np.rint(alpha)
    foreground = rng.random((60, 75, 3))
    refined = refine_foreground(foreground, alpha, kappa=kappa, tolerance=1e-7)
    wanted = direct_solution(foreground, alpha, kappa, "inside")
    np.testing.assert_allclose(refined, wanted, atol=1e-4)


@pytest.mark.parametrize("border", ["inside", "reflect"])
def test_exact_where_grids_are_many_and_what_is_known_is_far(border):
    rng = np.random.default_rng(5)
    alpha = np.zeros((70, 91))
    alpha[10:14, 60:63] = 1
    alpha[40, 5:30] = rng.random(25)
    foreground = rng.random((70, 91, 3))
    refined = refine_foreground(foreground, alpha, border=border, tolerance=1e-6)
    wanted = direct_solution(foreground, alpha, 1, border)
    np.testing.assert_allclose(refined, wanted, atol=1e-4)


def test_exact_at_the_default_tolerance():
    alpha = hairy_alpha(60, 80)
    foreground = contaminated(alpha)
    wanted = direct_solution(foreground, alpha, 1, "inside")
    np.testing.assert_allclose(refine_foreground(foreground, alpha), wanted, atol=1e-3)


@pytest.mark.parametrize("faintness", [1e-2, 1e-3])
def test_exact_where_hardly_anything_is_known(faintness):
    rng = np.random.default_rng(6)
    alpha = random_alpha(rng, 40, 33) * faintness
    foreground = rng.random((40, 33, 3))
    wanted = direct_solution(foreground, alpha, 1, "inside")
    np.testing.assert_allclose(refine_foreground(foreground, alpha), wanted, atol=1e-4)


@pytest.mark.parametrize("shape", [*SHAPES, (70, 90)])
def test_jacobi_is_algorithm_1(shape):
    rng = np.random.default_rng(shape)
    alpha, foreground = random_alpha(rng, *shape), rng.random((*shape, 3))
    refined = refine_foreground(foreground, alpha, method="jacobi", kappa=0.7, iterations=30)
    wanted = plain_jacobi(alpha[..., None] * foreground, alpha, foreground, 0.7, 30)
    np.testing.assert_allclose(refined, wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [*SHAPES, (64, 97), (131, 70)])
def test_multilevel_is_algorithm_2(shape):
    rng = np.random.default_rng(shape)
    alpha, foreground = random_alpha(rng, *shape), rng.random((*shape, 3))
    refined = refine_foreground(foreground, alpha, method="multilevel")
    np.testing.assert_allclose(refined, plain_multilevel(foreground, alpha, 1, 6, 20), atol=1e-5)


@pytest.mark.parametrize("method", ["jacobi", "multilevel"])
def test_without_mirroring_the_sweeps_approach_the_cost_s_own_minimiser(method):
    rng = np.random.default_rng(8)
    alpha, foreground = random_alpha(rng, 12, 15), rng.random((12, 15, 3))
    refined = refine_foreground(
        foreground, alpha, method=method, border="inside", scales=2, iterations=400
    )
    np.testing.assert_allclose(refined, direct_solution(foreground, alpha, 1, "inside"), atol=1e-5)


@pytest.mark.parametrize("shape", [(48, 64), (100, 75), (33, 200)])
def test_costs_are_in_order(shape):
    alpha = hairy_alpha(*shape)
    foreground = contaminated(alpha)
    exact, multilevel, same = (
        foreground_cost(colours, foreground, alpha)
        for colours in (
            refine_foreground(foreground, alpha),
            refine_foreground(foreground, alpha, method="multilevel"),
            foreground,
        )
    )
    assert exact <= multilevel <= same
    assert exact < 0.5 * same


@pytest.mark.parametrize("border", ["inside", "reflect"])
def test_the_exact_solution_is_at_the_bottom_of_the_cost(border):
    rng = np.random.default_rng(9)
    alpha, foreground = random_alpha(rng, 14, 11), rng.random((14, 11, 3))
    lowest = direct_solution(foreground, alpha, 1, border)
    bottom = foreground_cost(lowest, foreground, alpha, border=border)
    for _ in range(5):
        step = rng.normal(0, 0.01, lowest.shape)
        # Of a parabola, one step to either side is equally high at its vertex.
        before, after = (
            foreground_cost(lowest + sign * step, foreground, alpha, border=border)
            for sign in (-1, 1)
        )
        assert before > bottom
        assert before - bottom == pytest.approx(after - bottom, rel=1e-3)


def test_the_cost_is_the_paper_s():
    rng = np.random.default_rng(10)
    alpha, foreground, estimate = rng.random((4, 5)), rng.random((4, 5, 3)), rng.random((4, 5, 3))
    total = 0.0
    for y in range(4):
        for x in range(5):
            total += alpha[y, x] ** 2 * ((estimate - foreground)[y, x] ** 2).sum()
            around = [(j, x) for j in neighbours(y, 4, "inside")]
            around += [(y, j) for j in neighbours(x, 5, "inside")]
            for j in around:
                total += 2 * (1 - alpha[y, x]) ** 2 * ((estimate[y, x] - estimate[j]) ** 2).sum()
    cost = foreground_cost(estimate, foreground, alpha, 2)
    assert cost == pytest.approx(total / 2, rel=1e-6)


@pytest.mark.parametrize("method", ["exact", "multilevel", "jacobi"])
def test_an_opaque_picture_is_what_it_was(method):
    foreground = np.random.default_rng(11).random((40, 37, 3), np.float32)
    refined = refine_foreground(foreground, np.ones((40, 37)), method=method)
    np.testing.assert_array_equal(refined, foreground)
    assert not np.shares_memory(refined, foreground)


@pytest.mark.parametrize("faintness", [0.0, 1e-9, 1e-20])
def test_a_transparent_picture_becomes_constant(faintness):
    foreground = np.random.default_rng(12).random((40, 37, 3), np.float32)
    refined = refine_foreground(foreground, np.full((40, 37), faintness))
    np.testing.assert_allclose(
        refined, foreground.mean(axis=(0, 1)) * np.ones((40, 37, 1)), atol=1e-5
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (40, 37)])
def test_sweeps_leave_a_transparent_pixel_without_neighbours_alone(shape):
    # At the coarsest scale the largest of these pictures is one pixel, too.
    foreground = np.random.default_rng(14).random((*shape, 3), np.float32)
    refined = refine_foreground(foreground, np.zeros(shape), method="multilevel", border="inside")
    assert foreground.min() <= refined.min() <= refined.max() <= foreground.max()


def test_light_brighter_than_white_and_one_channel():
    rng = np.random.default_rng(13)
    alpha, foreground = random_alpha(rng, 20, 30), rng.random((20, 30)) * 9 - 3
    plane = refine_foreground(foreground, alpha, tolerance=1e-6)
    assert plane.shape == (20, 30)
    assert plane.dtype == np.float32
    with_axis = refine_foreground(foreground[..., None], alpha, tolerance=1e-6)
    np.testing.assert_array_equal(with_axis[..., 0], plane)
    wanted = direct_solution(foreground[..., None], alpha, 1, "inside")
    np.testing.assert_allclose(with_axis, wanted, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.sampled_from([1, 3]),
    method=st.sampled_from(["exact", "multilevel", "jacobi"]),
    border=st.sampled_from([None, "inside", "reflect"]),
    levels=st.sampled_from([1, 2, 255, 65535]),
    seed=st.integers(0, 99),
)
def test_any_shape(height, width, channels, method, border, levels, seed):
    rng = np.random.default_rng(seed)
    alpha = rng.integers(levels + 1, size=(height, width)) / levels
    foreground = rng.random((height, width, channels), np.float32)
    before = foreground.copy()
    refined = refine_foreground(
        foreground, alpha, method=method, border=border, iterations=3, scales=3
    )
    assert refined.shape == foreground.shape
    assert refined.dtype == np.float32
    assert refined.min() >= foreground.min() - 1e-5
    assert refined.max() <= foreground.max() + 1e-5
    np.testing.assert_array_equal(foreground, before)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 40),
    method=st.sampled_from(["exact", "multilevel", "jacobi"]),
    border=st.sampled_from(["inside", "reflect"]),
    rows=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_a_part_of_the_rows_at_a_time_changes_no_bit(height, width, method, border, rows, seed):
    rng = np.random.default_rng(seed)
    alpha = np.rint(255 * random_alpha(rng, height, width)).astype(np.uint8)
    foreground = rng.integers(256, size=(height, width, 3), dtype=np.uint8)
    options = {"method": method, "border": border, "iterations": 5, "scales": 3}
    whole = refine_samples(foreground, alpha, **options)
    parts = refine_samples(foreground, alpha, **options, rows=rows)
    np.testing.assert_array_equal(parts, whole)
    floats = foreground / np.float32(255), alpha / np.float32(255)
    np.testing.assert_array_equal(refine_foreground(*floats, **options), whole)


GOOD = np.full((4, 6, 3), 0.5)
HALF = np.full((4, 6), 0.5)


@pytest.mark.parametrize(
    ("foreground", "alpha", "words"),
    [
        (np.where(GOOD > 0, np.nan, 0), HALF, "foreground: 72 values are not finite"),
        (GOOD, np.where(HALF > 0, np.nan, 0), "alpha: 24 values are not finite"),
        (GOOD, HALF.T, "alpha is 4x6 pixels but the foreground is 6x4"),
        (GOOD, GOOD, "alpha of shape"),
        (GOOD[..., :2], HALF, "foreground of shape"),
        (GOOD[0, 0], HALF, "foreground of shape"),
        (GOOD[:0], HALF[:0], "has no pixels"),
        (GOOD, HALF * 3, "alpha has values from 1.5 to 1.5"),
        ((GOOD * 255).astype(np.uint8), HALF, "foreground: values of dtype uint8"),
        (GOOD, HALF > 0, "alpha: values of dtype bool"),
    ],
)
def test_pictures_that_do_not_fit(foreground, alpha, words):
    with pytest.raises(ImageError, match=words):
        refine_foreground(foreground, alpha)
    with pytest.raises(ImageError, match=words):
        foreground_cost(foreground, foreground, alpha)


@pytest.mark.parametrize(
    "option",
    [
        {"method": "best"},
        {"kappa": 0},
        {"kappa": float("nan")},
        {"scales": 0},
        {"iterations": 0},
        {"tolerance": 0},
        {"border": "wrap"},
    ],
)
def test_options_that_do_not_fit(option):
    name = next(iter(option))
    with pytest.raises(ConfigError, match=f"{name}.*accepted"):
        refine_foreground(GOOD, HALF, **option)


def test_estimate_and_foreground_of_different_shapes():
    with pytest.raises(ImageError, match="estimate of shape"):
        foreground_cost(GOOD[..., 0], GOOD, HALF)


def test_importing_the_names_compiles_nothing():
    code = (
        "import sys; from lsamatting.foreground import foreground_cost, refine_foreground;"
        "print([name for name in ('numba', 'scipy', 'cv2', 'torch') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("height", [1, 2, 31, 32, 33, 34, 64, 65, 97])
@pytest.mark.parametrize("width", [1, 2, 9])
def test_a_sweep_does_pixels_of_one_colour_before_those_of_the_other(height, width):
    rng = np.random.default_rng(0)
    x, b = rng.random((2, height + 2, 1, width + 2), dtype=np.float32)
    wx, wy, inverse = 0.3 * rng.random((3, height + 2, width + 2), dtype=np.float32)
    expected = x.astype(np.float64)
    pixels = list(np.ndindex(height, width))
    for parity in (0, 1):
        for y, i in ((y + 1, i + 1) for y, i in pixels if (y + i + parity) % 2):
            expected[y, 0, i] = inverse[y, i] * (
                b[y, 0, i]
                + wx[y, i - 1] * expected[y, 0, i - 1]
                + wx[y, i] * expected[y, 0, i + 1]
                + wy[y - 1, i] * expected[y - 1, 0, i]
                + wy[y, i] * expected[y + 1, 0, i]
            )
    smooth(x, b, wx, wy, inverse, False, False)
    np.testing.assert_allclose(x, expected, atol=1e-6)
