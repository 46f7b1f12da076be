import cv2
import numpy as np
import pytest
from scipy.sparse import diags
from scipy.sparse.linalg import spsolve

from lsamatting.priors.couplings import window_couplings
from lsamatting.priors.laplacian import MattingLaplacian
from lsamatting.priors.local_affine import LocalAffine
from lsamatting.priors.multigrid import Multigrid


def photograph(height, width, seed=0):
    """Texture of every scale."""
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.float32)
    for scale in (1, 2, 4, 8, 16, 32):
        noise = rng.standard_normal((height, width, 3)).astype(np.float32)
        image += scale * cv2.GaussianBlur(noise, (0, 0), scale)
    return np.clip(0.5 + 0.08 * image, 0, 1)


def system(image, foreground, unknown, faint=1e-6):
    couplings = window_couplings(image, foreground, unknown)
    laplacian = MattingLaplacian.of(couplings, dtype=np.float64)
    return LocalAffine(laplacian, couplings, image), np.full(len(laplacian.rows), faint)


def whole(laplacian, diagonal):
    return laplacian.lower + laplacian.lower.T + diags(laplacian.diagonal + diagonal)


@pytest.mark.parametrize("kind", ["band", "holes", "all"])
def test_it_is_what_a_direct_solver_gives(kind):
    image = photograph(70, 90)
    foreground, unknown = np.zeros((70, 90), bool), np.ones((70, 90), bool)
    foreground[:, :10] = True
    unknown[:, :10] = unknown[:, 70:] = False
    if kind == "holes":
        unknown &= np.random.default_rng(0).random((70, 90)) < 0.7
    if kind == "all":
        foreground[:], unknown[:] = False, True
    local, faint = system(image, foreground, unknown, faint=1e-4)
    laplacian = local.laplacian
    target = laplacian.pull + faint * np.random.default_rng(1).random(len(faint))
    expected = spsolve(whole(laplacian, faint).tocsc(), target)
    solution, iterations = Multigrid(local, faint).solve(
        target, start=np.zeros_like(faint), tolerance=1e-8, most_iterations=100
    )
    assert iterations < 100
    np.testing.assert_allclose(solution, expected, atol=1e-4)


def test_iterations_do_not_grow_with_the_width():
    image = photograph(160, 460)
    needed = {}
    for width in (10, 50, 400):
        foreground, unknown = np.zeros((2, 160, 460), bool)
        foreground[:, :20] = True
        unknown[:, 20 : 20 + width] = True
        local, faint = system(image, foreground, unknown)
        laplacian = local.laplacian
        _, needed[width] = Multigrid(local, faint).solve(
            laplacian.pull + faint * 0.5,
            start=np.full(len(faint), 0.5),
            tolerance=1e-3,
            most_iterations=200,
        )
    assert needed[400] <= 2 * needed[10]
    assert max(needed.values()) <= 30


def test_a_good_start_saves_iterations():
    image = photograph(60, 80)
    foreground, unknown = np.zeros((2, 60, 80), bool)
    foreground[:, :10] = unknown[:, 10:60] = True
    local, faint = system(image, foreground, unknown)
    laplacian = local.laplacian
    solver = Multigrid(local, faint)
    options = {"tolerance": 1e-5, "most_iterations": 100}
    solution, cold = solver.solve(laplacian.pull, start=np.zeros_like(faint), **options)
    _, warm = solver.solve(laplacian.pull, start=solution, **options)
    assert warm == 0 < cold


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_flat_colours_do_not_break_it(value):
    image = np.full((40, 40, 3), value, np.float32)
    foreground, unknown = np.zeros((2, 40, 40), bool)
    foreground[:3], unknown[3:37] = True, True
    local, faint = system(image, foreground, unknown)
    laplacian = local.laplacian
    with np.errstate(all="raise"):
        solution, _ = Multigrid(local, faint).solve(
            laplacian.pull, start=np.zeros_like(faint), tolerance=1e-6, most_iterations=100
        )
    expected = spsolve(whole(laplacian, faint).tocsc(), laplacian.pull)
    np.testing.assert_allclose(solution, expected, atol=1e-3)


def test_it_converges_where_no_foreground_is_known():
    """The target is nearly nothing then, but the known background pulls."""
    image = photograph(160, 200)
    unknown = np.ones((160, 200), bool)
    unknown[:, :10] = False
    local, faint = system(image, np.zeros_like(unknown), unknown)
    laplacian = local.laplacian
    solution, iterations = Multigrid(local, faint).solve(
        laplacian.pull + faint / 2,
        start=np.full(len(faint), 0.5),
        tolerance=1e-3,
        most_iterations=100,
    )
    assert iterations < 30
    assert solution[laplacian.columns < 15].max() < 0.1
