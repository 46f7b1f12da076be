import cv2
import numpy as np
import pytest

from lsamatting.priors.couplings import window_couplings
from lsamatting.priors.laplacian import MattingLaplacian


def slow_laplacian(image, epsilon):
    """Levin et al., equation 12, window by window."""
    height, width = image.shape[:2]
    laplacian = np.zeros((height * width, height * width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            window = [(y + i) * width + x + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
            colours = image.reshape(-1, 3)[window].astype(np.float64)
            centred = colours - colours.mean(axis=0)
            covariance = centred.T @ centred / 9 + epsilon / 9 * np.eye(3)
            weights = (1 + centred @ np.linalg.inv(covariance) @ centred.T) / 9
            laplacian[np.ix_(window, window)] += np.eye(9) - weights
    return laplacian


@pytest.mark.parametrize("epsilon", [1e-7, 1e-5])
def test_it_is_the_slow_one_among_the_unknown_pixels(epsilon):
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.random((14, 17, 3), dtype=np.float32), (0, 0), 1.5)
    marks = rng.integers(0, 3, image.shape[:2])
    marks[4:9, 5:13] = 2
    foreground, unknown = marks == 0, marks == 2
    expected = slow_laplacian(image, epsilon)
    ours = MattingLaplacian.of(window_couplings(image, foreground, unknown, epsilon=epsilon))
    np.testing.assert_array_equal(np.sort(ours.rows * 17 + ours.columns), np.flatnonzero(unknown))
    pixels = ours.rows * 17 + ours.columns
    matrix = ours.lower + ours.lower.T
    matrix.setdiag(ours.diagonal)
    np.testing.assert_allclose(matrix.toarray(), expected[np.ix_(pixels, pixels)], atol=1e-5)
    pull = -expected[pixels] @ foreground.ravel()
    np.testing.assert_allclose(ours.pull, pull, atol=1e-5)


def test_pixels_of_a_class_are_not_coupled():
    image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    unknown = np.ones((20, 30), bool)
    ours = MattingLaplacian.of(window_couplings(image, ~unknown, unknown))
    number = np.searchsorted(ours.bounds, np.arange(600), side="right")
    entries = ours.lower.tocoo()
    assert (number[entries.col] < number[entries.row]).all()
    assert ours.lower.nnz > 10 * 600


@pytest.mark.parametrize("shape", [(1, 9), (2, 5)])
def test_without_a_window_there_is_no_affinity(shape):
    unknown = np.ones(shape, bool)
    image = np.zeros((*shape, 3), np.float32)
    ours = MattingLaplacian.of(window_couplings(image, ~unknown, unknown))
    assert ours.lower.nnz == 0 or not ours.lower.data.any()
    np.testing.assert_array_equal(ours.diagonal, 0)
