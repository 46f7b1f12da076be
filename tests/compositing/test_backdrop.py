from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lsamatting.compositing.backdrop import fit_backdrop, read_backdrop
from lsamatting.errors import ConfigError, ImageError

sides = st.integers(1, 60)


@given(sides, sides, sides, sides)
def test_any_picture_covers_any_size(rows, columns, height, width):
    backdrop = np.full((rows, columns, 3), 0.25, np.float32)
    fitted = fit_backdrop(backdrop, height, width)
    assert fitted.shape == (height, width, 3)
    np.testing.assert_allclose(fitted, 0.25, atol=1e-6)


def test_the_middle_is_kept_undistorted():
    # A ramp along x: of a picture twice as wide as needed the middle half remains.
    ramp = np.repeat(np.linspace(0, 1, 80, dtype=np.float32)[None, :, None], 40, axis=0)
    fitted = fit_backdrop(np.repeat(ramp, 3, axis=2), 40, 40)
    np.testing.assert_array_equal(fitted[0, :, 0], ramp[0, 20:60, 0])


def test_a_colour_stays():
    colour = np.array([0.1, 0.2, 0.3], np.float32)
    assert fit_backdrop(colour, 5, 5) is colour


def test_arrays_and_images_are_pictures_of_any_depth():
    pixels = np.array([[[0, 51, 255], [255, 0, 0]]], np.uint8)
    expected = pixels / np.float32(255)
    for source in (pixels, Image.fromarray(pixels), expected, pixels.astype(np.uint16) * 257):
        np.testing.assert_allclose(read_backdrop(source), expected, atol=1e-6)
    grey = read_backdrop(np.full((2, 3), 51, np.uint8))
    np.testing.assert_allclose(grey, np.full((2, 3, 3), 0.2), atol=1e-6)
    bright = np.full((1, 1, 3), 2.5, np.float32)
    np.testing.assert_array_equal(read_backdrop(bright), bright)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0.1, 0.2), 0.5, (0.1, 0.2, float("nan"))])
def test_three_numbers_from_0_to_1_are_a_colour(colour):
    np.testing.assert_allclose(read_backdrop((0.1, 0.2, 0.3)), (0.1, 0.2, 0.3))
    with pytest.raises(ConfigError, match="three numbers from 0 to 1"):
        read_backdrop(colour)


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(ImageError, match="2x3x5"):
        read_backdrop(np.zeros((2, 3, 5), np.float32))
    with pytest.raises(ImageError, match="no pixels"):
        read_backdrop(np.zeros((0, 4, 3), np.float32))
    with pytest.raises(ImageError, match="not finite"):
        read_backdrop(np.full((2, 2, 3), np.nan, np.float32))


def test_a_file_is_a_picture_and_other_text_a_colour(tmp_path):
    Image.new("RGB", (4, 3), (255, 0, 0)).save(tmp_path / "red.png")
    assert read_backdrop(str(tmp_path / "red.png")).shape == (3, 4, 3)
    np.testing.assert_array_equal(read_backdrop("#f00"), [1, 0, 0])
    with pytest.raises(ConfigError, match=r"blue\.png.*no such file"):
        read_backdrop("blue.png")
    (tmp_path / "text.png").write_text("x")
    with pytest.raises(ImageError, match=r"text\.png"):
        read_backdrop(str(tmp_path / "text.png"))
