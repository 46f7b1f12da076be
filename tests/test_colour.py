import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lsamatting.colour import (
    linear_to_srgb,
    parse_colour,
    premultiply,
    srgb_to_linear,
    unpremultiply,
)
from lsamatting.errors import ConfigError

values = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=3, max_side=6), elements=st.floats(-20, 20)
)


def test_curve_has_the_values_of_the_standard():
    encoded = np.array([0.0, 0.04045, 0.2, 0.5, 0.8, 1.0])
    # (x / 12.92) below the threshold, ((x + 0.055) / 1.055) ** 2.4 above, by hand
    linear = [0.0, 0.00313080, 0.03310477, 0.21404114, 0.60382734, 1.0]
    np.testing.assert_allclose(srgb_to_linear(encoded), linear, atol=1e-8)


@given(values)
def test_the_two_curves_are_inverse_everywhere(x):
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(x)), x, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(srgb_to_linear(linear_to_srgb(x)), x, rtol=1e-9, atol=1e-12)


@given(values)
def test_curves_are_odd(x):
    np.testing.assert_array_equal(srgb_to_linear(-x), -srgb_to_linear(x))
    np.testing.assert_array_equal(linear_to_srgb(-x), -linear_to_srgb(x))


def test_curves_are_increasing_and_continuous():
    x = np.linspace(-0.1, 3, 100_001)
    for curve in (srgb_to_linear, linear_to_srgb):
        steps = np.diff(curve(x))
        assert steps.min() > 0
        assert steps.max() < 13 * (x[1] - x[0])


def test_curves_keep_single_precision():
    x = np.linspace(0, 1, 7, dtype=np.float32)
    assert srgb_to_linear(x).dtype == np.float32
    assert linear_to_srgb(x).dtype == np.float32


def test_premultiplication_is_undone_where_there_is_opacity():
    rng = np.random.default_rng(0)
    colour = rng.random((4, 5, 3)).astype(np.float32)
    alpha = rng.random((4, 5)).astype(np.float32)
    alpha[0] = 0
    back = unpremultiply(premultiply(colour, alpha), alpha)
    np.testing.assert_allclose(back[1:], colour[1:], atol=1e-6)
    assert not back[0].any()


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#f00", (255, 0, 0)),
        ("#0080ff", (0, 128, 255)),
        ("1, 2,3", (1, 2, 3)),
        ("white", (255, 255, 255)),
        ("RebeccaPurple", (102, 51, 153)),
    ],
)
def test_colours_as_people_write_them(text, colour):
    parsed = parse_colour(text)
    assert parsed.dtype == np.float32
    np.testing.assert_allclose(parsed, np.array(colour) / 255, atol=1e-7)


@pytest.mark.parametrize("text", ["", "#12", "#12345", "1,2", "1,2,256", "nocolour", "rgb(1,2,3)"])
def test_other_text_is_refused_in_one_line(text):
    with pytest.raises(ConfigError, match="is not a colour") as caught:
        parse_colour(text)
    assert "\n" not in str(caught.value)
