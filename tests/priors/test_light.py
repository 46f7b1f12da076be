import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lsamatting.compositing.equation import composite_light
from lsamatting.priors import compute_priors
from lsamatting.priors.light import EXPONENT, share_of_light

GREYS = st.floats(0, 1, width=32)


def plane(value: float, like: np.ndarray) -> np.ndarray:
    return np.full((*like.shape, 3), value, np.float32)


@pytest.mark.parametrize(("front", "back"), [(0.9, 0.1), (0.05, 0.8), (0.6, 0.3)])
def test_light_that_was_mixed_is_found_again(front, back):
    """Grey mixtures lie on the line between their colours, whichever way they are mixed."""
    alpha = np.linspace(0, 1, 100, dtype=np.float32).reshape(4, 25)
    picture = composite_light(plane(front, alpha), alpha, plane(back, alpha), exponent=EXPONENT)[
        ..., 0
    ]
    by_numbers = (picture - np.float32(back)) / np.float32(front - back)
    # A bright subject before something dark covers less than its numbers say.
    inside = (alpha > 0.01) & (alpha < 0.99)
    assert ((by_numbers > alpha) == (front > back))[inside].all()
    found = share_of_light(by_numbers, plane(front, alpha), plane(back, alpha))
    # What is left is the softening's.
    np.testing.assert_allclose(found, alpha, atol=0.003)


@given(
    alpha=arrays.arrays(np.float32, (70, 3), elements=GREYS),
    colours=arrays.arrays(np.float32, (2, 70, 3, 3), elements=GREYS),
)
@settings(max_examples=50, deadline=None)
def test_known_opacities_stay_and_order_is_kept(alpha, colours):
    alpha[0], alpha[1] = 0, 1
    found = share_of_light(alpha, *colours)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:2], alpha[:2], atol=1e-5)
    assert (found >= 0).all()
    assert (found <= 1).all()
    more = share_of_light(np.minimum(alpha + np.float32(0.1), 1), *colours)
    assert (more >= found - 1e-5).all()


def test_equal_colours_tell_nothing():
    alpha = np.random.default_rng(0).random((9, 11), dtype=np.float32)
    colour = np.random.default_rng(1).random((9, 11, 3), dtype=np.float32)
    np.testing.assert_allclose(share_of_light(alpha, colour, colour), alpha, atol=1e-6)


def test_the_prior_is_nearer_to_what_a_lens_mixed():
    alpha = np.clip((np.arange(96, dtype=np.float32)[None] - 36) / 24, 0, 1)
    alpha = np.repeat(alpha, 64, axis=0)
    front, back = np.float32([0.9, 0.8, 0.7]), np.float32([0.1, 0.15, 0.2])
    colours = [np.broadcast_to(colour, (*alpha.shape, 3)) for colour in (front, back)]
    image = composite_light(colours[0], alpha, colours[1], exponent=EXPONENT)
    trimap = np.full(alpha.shape, 128, np.uint8)
    trimap[:, :32], trimap[:, 66:] = 0, 255
    joint, light = np.moveaxis(
        compute_priors(image, trimap, which=("alpha_joint", "alpha_light")), 2, 0
    )
    assert np.abs(light - alpha).mean() < np.abs(joint - alpha).mean() / 3
