import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.priors.mixture import FAMILIAR, RIDGE, colour_mixture, mixed


def slow_mixture(colour, front, back):
    """Minimise the mixture's error and its weights' size by the (2k)×(2k) system itself."""
    known = np.concatenate([front, back]).astype(np.float64)
    differences = known - colour
    gram = differences @ differences.T
    ridge = RIDGE * max(np.trace(gram), 1e-6) / len(known)
    weights = np.linalg.solve(gram + ridge * np.eye(len(known)), np.ones(len(known)))
    weights /= weights.sum()
    share = weights[: len(front)].sum()
    parts = [share if abs(share) > 0.01 else 0.01, 1 - share if abs(1 - share) > 0.01 else 0.01]
    pair = weights[: len(front)] @ front / parts[0], weights[len(front) :] @ back / parts[1]
    apart = np.sum((pair[0] - pair[1]) ** 2) / 3
    strange = (np.linalg.norm(differences, axis=1).min() / FAMILIAR) ** 2
    return np.clip(share, 0, 1), min(apart, 1) * np.exp(-strange)


@given(
    count=st.integers(1, 8),
    spread=st.sampled_from([0.0, 1e-3, 0.05, 0.5]),
    distance=st.sampled_from([0.02, 1.0]),
    seed=st.integers(0, 999),
)
@settings(max_examples=80, deadline=None)
def test_weights_are_those_of_the_large_system(count, spread, distance, seed):
    rng = np.random.default_rng(seed)
    centres = rng.random((2, 1, 1, 3))
    sides = centres + spread * rng.standard_normal((2, 10, count, 3))
    front, back = np.clip(sides, 0, 1).astype(np.float32)
    # Two pixels share the neighbours of each of ten cells.
    cell = rng.permutation(np.repeat(np.arange(10), 2))
    near = front[cell, 0]
    colours = near + distance * (rng.random((20, 3), dtype=np.float32) - near)
    by_channel = (array.T.copy() for array in (front, back))
    shares, trust = mixed(colours.T.copy(), cell, *by_channel)
    for pixel, of in enumerate(cell):
        share, apart = slow_mixture(
            colours[pixel].astype(np.float64),
            front[of].astype(np.float64),
            back[of].astype(np.float64),
        )
        assert shares[pixel] == pytest.approx(share, abs=1e-4)
        assert trust[pixel] == pytest.approx(apart, abs=1e-3)


def test_a_composite_of_two_colours_gives_its_opacity():
    alpha = np.repeat(np.clip((np.arange(290) - 30) / 230, 0, 1)[None], 40, axis=0)
    front, back = np.array([0.9, 0.3, 0.2]), np.array([0.1, 0.4, 0.7])
    image = (alpha[..., None] * front + (1 - alpha[..., None]) * back).astype(np.float32)
    mixture = colour_mixture(image, alpha == 1, alpha == 0)
    np.testing.assert_allclose(mixture.alpha, alpha, atol=0.01)
    # Where the share is large enough to be divided by, and nearer to the background's colour.
    part = (alpha > 0.012) & (alpha < 0.45)
    apart = np.sum((front - back) ** 2)
    expected = apart / 3 * np.exp(-apart * alpha[part] ** 2 / FAMILIAR**2)
    np.testing.assert_allclose(mixture.confidence[part], expected, rtol=0.1, atol=1e-3)


def test_known_pixels_are_certain():
    image = np.random.default_rng(0).random((30, 30, 3), dtype=np.float32)
    foreground, background = np.zeros((2, 30, 30), bool)
    foreground[:10], background[20:] = True, True
    mixture = colour_mixture(image, foreground, background)
    np.testing.assert_array_equal(mixture.alpha[foreground], 1)
    np.testing.assert_array_equal(mixture.alpha[background], 0)
    np.testing.assert_array_equal(mixture.confidence[foreground | background], 1)


@pytest.mark.parametrize("side", ["foreground", "background", "both"])
def test_without_a_side_nothing_is_known(side):
    image = np.random.default_rng(0).random((12, 9, 3), dtype=np.float32)
    foreground, background = np.zeros((2, 12, 9), bool)
    foreground[:2] = side == "background"
    background[-2:] = side == "foreground"
    unknown = ~(foreground | background)
    mixture = colour_mixture(image, foreground, background)
    np.testing.assert_array_equal(mixture.alpha[unknown], 0.5)
    np.testing.assert_array_equal(mixture.confidence[unknown], 0)


def test_a_single_known_pixel_of_a_side_is_enough():
    image = np.random.default_rng(0).random((12, 9, 3), dtype=np.float32)
    foreground, background = np.zeros((2, 12, 9), bool)
    foreground[0, 0] = background[-1, -1] = True
    mixture = colour_mixture(image, foreground, background)
    assert np.isfinite(mixture.alpha).all()
    assert (mixture.alpha[1:-1] != 0.5).any()
