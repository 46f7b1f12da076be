import cv2
import numpy as np
import pytest
from scipy.sparse import identity
from scipy.sparse.linalg import spsolve

from lsamatting.priors import affinity
from lsamatting.priors.affinity import COLOUR_WEIGHT, EPSILON, affinity_alpha


def slow_laplacian(image):
    """Levin et al., equation 12, window by window."""
    height, width = image.shape[:2]
    laplacian = np.zeros((height * width, height * width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            window = [(y + i) * width + x + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
            colours = image.reshape(-1, 3)[window]
            centred = colours - colours.mean(axis=0)
            covariance = centred.T @ centred / 9 + EPSILON / 9 * np.eye(3)
            weights = (1 + centred @ np.linalg.inv(covariance) @ centred.T) / 9
            laplacian[np.ix_(window, window)] += np.eye(9) - weights
    return laplacian


def scene(height=14, width=17, seed=0):
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.random((height, width, 3), dtype=np.float32), (0, 0), 1.5)
    foreground, background = np.zeros((2, height, width), bool)
    foreground[:, :4] = True
    background[:, -5:] = True
    return image, foreground, background, rng.random((height, width), dtype=np.float32)


def test_it_is_the_minimiser_of_its_energy(monkeypatch):
    monkeypatch.setattr(affinity, "TOLERANCE", 1e-10)
    image, foreground, background, pull = scene()
    laplacian = slow_laplacian(image.astype(np.float64))
    unknown = ~(foreground | background).ravel()
    system = laplacian[np.ix_(unknown, unknown)] + COLOUR_WEIGHT * identity(unknown.sum())
    target = COLOUR_WEIGHT * pull.ravel()[unknown]
    target = target - laplacian[np.ix_(unknown, ~unknown)] @ foreground.ravel()[~unknown]
    expected = foreground.astype(np.float64).ravel()
    expected[unknown] = np.clip(spsolve(system, target), 0, 1)
    result = affinity_alpha(image, foreground, background, pull)
    np.testing.assert_allclose(result.ravel(), expected, atol=1e-4)


def test_by_default_it_stops_near_the_minimiser(monkeypatch):
    usual = affinity_alpha(*scene(40, 50))
    monkeypatch.setattr(affinity, "TOLERANCE", 1e-10)
    assert np.abs(usual - affinity_alpha(*scene(40, 50))).mean() < 0.02


def test_opacity_that_is_affine_in_colour_is_recovered():
    """Constant foreground and background: the energy's null space holds the truth."""
    alpha = np.clip((35 - np.hypot(*np.mgrid[-40:40, -40:40])) / 20, 0, 1).astype(np.float32)
    front, back = np.array([0.9, 0.3, 0.2]), np.array([0.1, 0.4, 0.7])
    image = (alpha[..., None] * front + (1 - alpha[..., None]) * back).astype(np.float32)
    result = affinity_alpha(image, alpha == 1, alpha == 0, np.full_like(alpha, 0.5))
    assert np.abs(result - alpha).max() < 0.03


def test_a_uniform_picture_does_not_break_the_solver():
    """The first guess may be the exact solution already, with nothing left to do."""
    image = np.full((30, 30, 3), 0.4, np.float32)
    foreground, background = np.zeros((2, 30, 30), bool)
    foreground[:3], background[-3:] = True, True
    with np.errstate(all="raise"):
        flat = affinity_alpha(image, foreground, background, np.zeros((30, 30), np.float32))
        none = affinity_alpha(image, np.zeros_like(foreground), background, np.zeros_like(flat))
    assert np.isfinite(flat).all()
    assert flat[1].min() == 1
    np.testing.assert_array_equal(none, 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 5), (3, 3)])
def test_tiny_pictures(shape):
    image = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    known = np.zeros(shape, bool)
    known[0, 0] = True
    result = affinity_alpha(image, known, np.zeros_like(known), np.full(shape, 0.3, np.float32))
    assert result[0, 0] == 1
    assert ((result >= 0) & (result <= 1)).all()


def test_large_systems_are_solved_on_a_coarser_grid(monkeypatch):
    image, foreground, background, pull = scene(60, 80)
    image = cv2.GaussianBlur(image, (0, 0), 4)
    fine = affinity_alpha(image, foreground, background, pull)
    monkeypatch.setattr(affinity, "LARGEST_SYSTEM", 1500)
    coarse = affinity_alpha(image, foreground, background, pull)
    np.testing.assert_array_equal(coarse[foreground], 1)
    np.testing.assert_array_equal(coarse[background], 0)
    assert 0 < np.abs(coarse - fine).mean() < 0.1
