import numpy as np
import pytest

from lsamatting.compositing.equation import composite, straight_rgba
from lsamatting.errors import ImageError


@pytest.fixture
def layers():
    rng = np.random.default_rng(1)
    front, back = rng.random((2, 4, 5, 3), np.float32)
    return front, rng.random((4, 5), np.float32), back


def test_composite_is_the_compositing_equation(layers):
    front, alpha, back = layers
    expected = alpha[..., None] * front + (1 - alpha[..., None]) * back
    np.testing.assert_allclose(composite(front, alpha, back), expected, atol=1e-6)


def test_background_stays_exact_where_nothing_covers_it(layers):
    front, alpha, back = layers
    np.testing.assert_array_equal(composite(front, np.zeros_like(alpha), back), back)


def test_one_colour_as_background(layers):
    front, alpha, _ = layers
    colour = np.array([0.1, 0.5, 0.9], np.float32)
    plane = np.broadcast_to(colour, front.shape)
    np.testing.assert_array_equal(composite(front, alpha, colour), composite(front, alpha, plane))


def test_inputs_are_left_alone(layers):
    copies = [layer.copy() for layer in layers]
    composite(*layers)
    for layer, copy in zip(layers, copies, strict=True):
        np.testing.assert_array_equal(layer, copy)


def test_cutout_joins_colour_and_opacity(layers):
    front, alpha, _ = layers
    joined = straight_rgba(front, alpha)
    np.testing.assert_array_equal(joined[..., :3], front)
    np.testing.assert_array_equal(joined[..., 3], alpha)
    assert joined.dtype == np.float32


def test_sizes_must_agree(layers):
    front, alpha, back = layers
    with pytest.raises(ImageError, match="alpha is 5x3 pixels but the foreground is 5x4"):
        composite(front, alpha[:3], back)
    with pytest.raises(ImageError, match="background is 4x4 pixels but the foreground is 5x4"):
        composite(front, alpha, back[:, :4])
    with pytest.raises(ImageError, match="alpha is 5x3"):
        straight_rgba(front, alpha[:3])
