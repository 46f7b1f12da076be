import cv2
import numpy as np
import pytest
from scipy.sparse import diags
from scipy.sparse.linalg import spsolve

from lsamatting.priors.closed_form import FAINT_PULL, MIXTURE_WEIGHT, ClosedForm
from lsamatting.priors.mixture import Mixture, colour_mixture


def disc(size=80):
    """One colour a side: opacity is affine in colour everywhere."""
    distance = np.hypot(*np.mgrid[:size, :size] - size / 2)
    alpha = np.clip((size * 0.44 - distance) / 20, 0, 1).astype(np.float32)
    front, back = np.array([0.9, 0.3, 0.2]), np.array([0.1, 0.4, 0.7])
    image = alpha[..., None] * front + (1 - alpha[..., None]) * back
    return image.astype(np.float32), alpha


def solved(image, foreground, background, **options):
    return filled(
        ClosedForm(image, foreground, background),
        colour_mixture(image, foreground, background),
        foreground,
        background,
        **options,
    )


def filled(closed_form, mixture, foreground, background, **options):
    unknown = ~(foreground | background)
    alpha = foreground.astype(np.float32)
    alpha[unknown] = closed_form.solve(
        mixture.alpha[unknown],
        mixture.confidence[unknown],
        **options,
    )
    return alpha


@pytest.mark.parametrize("weight", [0, MIXTURE_WEIGHT])
def test_opacity_that_is_affine_in_colour_is_recovered(weight):
    image, alpha = disc()
    result = solved(image, alpha == 1, alpha == 0, weight=weight)
    assert np.abs(result - alpha).max() < 0.01


@pytest.mark.parametrize("weight", [0, MIXTURE_WEIGHT])
def test_it_is_the_minimiser_of_its_energy(weight):
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.random((40, 50, 3), dtype=np.float32), (0, 0), 1.5)
    foreground, background = np.zeros((2, 40, 50), bool)
    foreground[:, :12] = background[:, -9:] = True
    mixture = Mixture(*rng.random((2, 40, 50), dtype=np.float32))
    closed_form = ClosedForm(image, foreground, background, dtype=np.float64)
    laplacian = closed_form.laplacian
    pixels = laplacian.rows, laplacian.columns
    pull = weight * mixture.confidence[pixels].astype(np.float64) + FAINT_PULL
    matrix = laplacian.lower + laplacian.lower.T + diags(laplacian.diagonal + pull)
    expected = foreground.astype(np.float64)
    expected[pixels] = np.clip(
        spsolve(matrix.tocsc(), laplacian.pull + pull * mixture.alpha[pixels]), 0, 1
    )
    result = filled(closed_form, mixture, foreground, background, weight=weight, tolerance=1e-9)
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_where_no_affinity_reaches_the_mixture_decides():
    image = np.zeros((1, 9, 3), np.float32)
    foreground, background = np.zeros((2, 1, 9), bool)
    mixture = Mixture(np.full((1, 9), 0.3, np.float32), np.zeros((1, 9), np.float32))
    closed_form = ClosedForm(image, foreground, background)
    result = filled(closed_form, mixture, foreground, background, weight=0)
    np.testing.assert_allclose(result, 0.3, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 5), (3, 3)])
def test_tiny_pictures(shape):
    image = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    known = np.zeros(shape, bool)
    known[0, 0] = True
    result = solved(image, known, np.zeros_like(known), weight=MIXTURE_WEIGHT)
    assert result[0, 0] == 1
    assert ((result >= 0) & (result <= 1)).all()


@pytest.mark.parametrize("side", [0, 1])
def test_pictures_without_unknown_pixels(side):
    image = np.zeros((5, 5, 3), np.float32)
    foreground = np.full((5, 5), side == 1)
    result = solved(image, foreground, ~foreground, weight=0)
    np.testing.assert_array_equal(result, side)
