import numpy as np
import pytest
from PIL import Image

from lsamatting.formats.icc import srgb_profile
from lsamatting.images import read_grey, read_picture
from tests.formats.profiles import (
    ADOBE,
    ADOBE_PROFILE,
    DEEP,
    RGB,
    SRGB,
    by_matrix,
    fixed,
    gamma_curve,
    matrix_profile,
    parametric_curve,
    profile,
    write_deep_png,
)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_8_bit_pictures_are_converted_and_noted(tmp_path, suffix):
    flat = np.zeros((16, 16, 3), np.uint8) + np.array([200, 100, 60], np.uint8)
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 100}}.get(suffix, {})
    Image.fromarray(flat).save(tmp_path / f"p{suffix}", icc_profile=ADOBE_PROFILE, **options)
    picture = read_picture(tmp_path / f"p{suffix}")
    expected = np.clip(by_matrix((flat[0, 0] / 255) ** (563 / 256), ADOBE), 0, 1)
    np.testing.assert_allclose(picture.pixels[8, 8], expected, atol=2.1 / 255)
    assert picture.notes == ("colour profile 'Test space' converted to sRGB",)


@pytest.mark.parametrize("deep", [False, True])
def test_an_srgb_profile_changes_nothing(tmp_path, deep):
    path = tmp_path / "p.png"
    if deep:
        write_deep_png(path, DEEP, srgb_profile())
        expected = DEEP / np.float32(65535)
    else:
        Image.fromarray(RGB).save(path, icc_profile=srgb_profile())
        expected = RGB / np.float32(255)
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.notes == ()


def test_srgb_is_known_by_its_colours_not_its_name(tmp_path):
    curve = parametric_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    Image.fromarray(RGB).save(tmp_path / "p.png", icc_profile=matrix_profile(SRGB, curve))
    assert read_picture(tmp_path / "p.png").notes == ()


def test_opacity_is_not_converted(tmp_path):
    rgba = np.dstack([RGB, RGB[..., 0]])
    Image.fromarray(rgba).save(tmp_path / "p.png", icc_profile=ADOBE_PROFILE)
    picture = read_picture(tmp_path / "p.png")
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3] / np.float32(255))


def test_mattes_are_never_converted(tmp_path):
    icc = profile(b"GRAY", {b"kTRC": gamma_curve(1.0)})
    Image.fromarray(RGB[..., 0]).save(tmp_path / "g.png", icc_profile=icc)
    np.testing.assert_array_equal(read_grey(tmp_path / "g.png")[0], RGB[..., 0] / np.float32(255))


@pytest.mark.parametrize("broken", [b"nonsense", b"", ADOBE_PROFILE[:200], bytes(300)])
def test_a_broken_profile_is_ignored(tmp_path, broken):
    Image.fromarray(RGB).save(tmp_path / "p.tif", icc_profile=broken)
    picture = read_picture(tmp_path / "p.tif")
    np.testing.assert_array_equal(picture.pixels, RGB / np.float32(255))
    assert len(picture.notes) == (1 if broken else 0)


def test_a_grey_profile_on_a_colour_picture_is_ignored(tmp_path):
    icc = profile(b"GRAY", {b"kTRC": gamma_curve(1.8)})
    Image.fromarray(RGB).save(tmp_path / "p.png", icc_profile=icc)
    picture = read_picture(tmp_path / "p.png")
    np.testing.assert_array_equal(picture.pixels, RGB / np.float32(255))
    assert picture.notes == ("colour profile for GRAY pictures ignored",)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_by_its_profile(tmp_path, suffix):
    # No ink is white, all else a dark red: (L, a, b) = (80, 60, 40) in the 8-bit Lab of version 2
    ramp = bytes(range(256))
    corners = [(255, 128, 128)] + [(80, 188, 168)] * 15
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += ramp * 4 + bytes(v for corner in corners for v in corner) + ramp * 3
    icc = profile(b"CMYK", {b"A2B0": table}, connection=b"Lab ")
    image = Image.new("CMYK", (32, 16))
    image.paste((255, 0, 0, 0), (16, 0, 32, 16))
    image.save(tmp_path / f"p{suffix}", icc_profile=icc)
    picture = read_picture(tmp_path / f"p{suffix}")
    np.testing.assert_allclose(picture.pixels[8, 4], [1, 1, 1], atol=0.02)
    red, green, blue = picture.pixels[8, 28]
    assert red > 0.4
    assert green < 0.1
    assert blue < 0.2
    assert picture.notes == ("colour profile 'Test space' converted to sRGB",)


def test_cmyk_with_a_broken_profile(tmp_path):
    Image.new("CMYK", (8, 8)).save(tmp_path / "p.tif", icc_profile=bytes(16) + b"CMYK" + bytes(99))
    picture = read_picture(tmp_path / "p.tif")
    np.testing.assert_array_equal(picture.pixels, np.ones((8, 8, 3)))
    assert picture.notes[0].startswith("CMYK without a usable colour profile")
