import cv2
import numpy as np
import pytest
from scipy.sparse import diags

from lsamatting.priors import coarse_energy
from lsamatting.priors.couplings import window_couplings
from lsamatting.priors.laplacian import MattingLaplacian
from lsamatting.priors.lattice import SPACING
from lsamatting.priors.local_affine import LocalAffine


def problem(kind, shape=(45, 61)):
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.random((*shape, 3), dtype=np.float32), (0, 0), 1.5)
    foreground, unknown = np.zeros((2, *shape), bool)
    foreground[:, :5] = True
    if kind == "all":
        unknown[:] = ~foreground
    elif kind == "scattered":
        unknown[:] = (rng.random(shape) < 0.3) & ~foreground
    else:
        unknown[7:, 9:14] = unknown[20:23, 9:] = True
    return image, foreground, unknown


def built(image, foreground, unknown):
    couplings = window_couplings(image, foreground, unknown)
    laplacian = MattingLaplacian.of(couplings, dtype=np.float64)
    return LocalAffine(laplacian, couplings, image)


def dense(local):
    """What each coefficient stands for, one by one."""
    return np.stack([local.evaluate(unit) for unit in np.eye(4 * len(local.lattice.rows))], axis=1)


KINDS = ["all", "scattered", "lines"]


@pytest.mark.parametrize("kind", KINDS)
def test_hats_and_colours_make_the_opacity(kind):
    """Against the formula, pixel by pixel."""
    image, foreground, unknown = problem(kind)
    local = built(image, foreground, unknown)
    coefficients = np.random.default_rng(1).standard_normal((len(local.lattice.rows), 4))
    values = local.evaluate(coefficients.ravel())

    def hat(pixel, node):
        cell, seat = divmod(int(pixel), SPACING)
        near = min(max((SPACING - 1 - seat) / (SPACING - 2), 0), 1)
        return {cell: near, cell + 1: 1 - near}.get(int(node), 0)

    pixels = zip(local.laplacian.rows, local.laplacian.columns, values, strict=True)
    for row, column, value in list(pixels)[::37]:
        colour = [*(image[row, column].astype(np.float64) - 0.5), 1]
        nodes = zip(local.lattice.rows, local.lattice.columns, coefficients, strict=True)
        expected = sum(hat(row, y) * hat(column, x) * (own @ colour) for y, x, own in nodes)
        assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_collecting_is_the_transpose(kind):
    local = built(*problem(kind))
    residual = np.random.default_rng(1).standard_normal(len(local.laplacian.rows))
    np.testing.assert_allclose(local.collect(residual), dense(local).T @ residual, atol=1e-9)


@pytest.mark.parametrize("band", [1, 512])
@pytest.mark.parametrize("kind", KINDS)
def test_the_coarse_matrix_is_the_product(kind, band, monkeypatch):
    monkeypatch.setattr(coarse_energy, "BAND", band)
    local = built(*problem(kind))
    laplacian = local.laplacian
    diagonal = np.random.default_rng(1).random(len(laplacian.rows))
    fine = laplacian.lower + laplacian.lower.T + diags(laplacian.diagonal + diagonal)
    columns = dense(local)
    expected = columns.T @ (fine @ columns)
    np.testing.assert_allclose(local.matrix(diagonal).toarray(), expected, atol=1e-6)
