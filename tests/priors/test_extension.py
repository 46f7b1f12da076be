import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from lsamatting.priors.extension import implied_alpha, nearest_colours, smooth_colours


def test_nearest_colours_are_those_of_the_nearest_known_pixel():
    rng = np.random.default_rng(0)
    # Known pixels lie apart, so the averaging window holds just one of them.
    known = np.zeros((60, 80), bool)
    known[5::12, 7::11] = rng.random(known[5::12, 7::11].shape) < 0.6
    image = rng.random((60, 80, 3), dtype=np.float32)
    colours, distance = nearest_colours(image, known)
    points = np.argwhere(known)
    exact, index = cKDTree(points).query(np.argwhere(np.ones_like(known)))
    exact, index = exact.reshape(known.shape), index.reshape(known.shape)
    # OpenCV's 5×5 distances are within a few percent; where two points tie to that, either is fine.
    np.testing.assert_allclose(distance, exact, rtol=0.03, atol=0.1)
    two = np.sort(
        np.hypot(*(np.argwhere(np.ones_like(known))[:, None] - points[None]).transpose(2, 0, 1)),
        axis=1,
    )[:, :2]
    clear = (two[:, 1] > 1.1 * two[:, 0] + 0.2).reshape(known.shape)
    assert clear.mean() > 0.5
    expected = image[tuple(points[index].transpose(2, 0, 1))]
    np.testing.assert_allclose(colours[clear], expected[clear], atol=1e-5)


def test_known_colours_are_averaged_over_known_neighbours_only():
    image = np.full((20, 20, 3), 0.9, np.float32)
    image[:, :10] = 0.2
    known = np.zeros((20, 20), bool)
    known[:, :10] = True
    colours, _ = nearest_colours(image, known)
    np.testing.assert_allclose(colours, 0.2, atol=1e-6)


@pytest.mark.parametrize("extend", [smooth_colours, lambda *a: nearest_colours(*a)[0]])
def test_a_side_without_known_pixels_is_grey(extend):
    image = np.random.default_rng(0).random((9, 7, 3), dtype=np.float32)
    np.testing.assert_array_equal(extend(image, np.zeros((9, 7), bool)), 0.5)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    share=st.floats(0.02, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_smooth_colours_keep_what_is_known_and_stay_within_it(height, width, share, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, 3), dtype=np.float32)
    known = rng.random((height, width)) < share
    known[rng.integers(height), rng.integers(width)] = True
    filled = smooth_colours(image, known)
    np.testing.assert_allclose(filled[known], image[known], atol=1e-5)
    low, high = image[known].min(axis=0), image[known].max(axis=0)
    assert (filled >= low - 1e-4).all()
    assert (filled <= high + 1e-4).all()


def test_a_constant_side_extends_to_that_constant():
    known = np.zeros((50, 70), bool)
    known[10:14, 20:30] = True
    image = np.random.default_rng(0).random((50, 70, 3), dtype=np.float32)
    image[known] = (0.1, 0.5, 0.7)
    np.testing.assert_allclose(
        smooth_colours(image, known), np.broadcast_to((0.1, 0.5, 0.7), image.shape), atol=1e-5
    )


@given(opacity=st.floats(0, 1))
@settings(deadline=None)
def test_the_true_pair_implies_the_true_opacity(opacity):
    front = np.full((2, 2, 3), (0.9, 0.2, 0.4), np.float32)
    back = np.full((2, 2, 3), (0.1, 0.3, 0.8), np.float32)
    image = np.float32(opacity) * front + np.float32(1 - opacity) * back
    np.testing.assert_allclose(implied_alpha(image, front, back, softening=0), opacity, atol=1e-5)


def test_equal_colours_imply_nothing():
    same = np.full((1, 1, 3), 0.5, np.float32)
    assert implied_alpha(same + np.float32(0.1), same, same)[0, 0] == 0
