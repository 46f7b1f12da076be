"""Profiles of files with more than 8 bits: floating point, against the formulas."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from lsamatting.colour import linear_to_srgb, srgb_to_linear
from lsamatting.images import read_picture
from tests.formats.profiles import (
    ADOBE,
    ADOBE_PROFILE,
    DEEP,
    RGB,
    by_matrix,
    gamma_curve,
    lut_profile,
    matrix_profile,
    parametric_curve,
    profile,
    write_deep_png,
)


def table_curve(values):
    table = np.rint(np.asarray(values) * 65535).astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", len(table)) + table.tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_pictures_keep_their_precision(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    if suffix == ".png":
        write_deep_png(path, DEEP, ADOBE_PROFILE)
    else:
        tifffile.imwrite(path, DEEP, photometric="rgb", iccprofile=ADOBE_PROFILE)
    picture = read_picture(path)
    expected = np.clip(by_matrix((DEEP / 65535) ** (563 / 256), ADOBE), 0, 1)
    np.testing.assert_allclose(picture.pixels, expected, atol=2e-4)
    assert picture.notes == ("colour profile 'Test space' converted to sRGB",)
    assert picture.depth == 16


@pytest.mark.parametrize(
    ("curve", "function"),
    [
        (gamma_curve(461 / 256), lambda x: x ** (461 / 256)),
        (table_curve(np.linspace(0, 1, 1024) ** 2), lambda x: x**2),
        (parametric_curve(0, 2.0), lambda x: x**2),
        (parametric_curve(1, 2.0, 0.9, 0.1), lambda x: (0.9 * x + 0.1) ** 2),
        (parametric_curve(2, 2.0, 0.9, 0.05, 0.02), lambda x: (0.9 * x + 0.05) ** 2 + 0.02),
        (
            parametric_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
            lambda x: srgb_to_linear(x),
        ),
        (
            parametric_curve(4, 2.0, 0.9, 0.1, 0.5, 0.2, 0.0, 0.0),
            lambda x: np.where(x >= 0.2, (0.9 * x + 0.1) ** 2, 0.5 * x),
        ),
    ],
    ids=["gamma", "table", "para0", "para1", "para2", "para3", "para4"],
)
def test_all_kinds_of_curves(tmp_path, curve, function):
    tifffile.imwrite(
        tmp_path / "p.tif", DEEP, photometric="rgb", iccprofile=matrix_profile(ADOBE, curve)
    )
    expected = np.clip(by_matrix(function(DEEP / 65535), ADOBE), 0, 1)
    np.testing.assert_allclose(read_picture(tmp_path / "p.tif").pixels, expected, atol=4e-4)


def test_little_cms_agrees(tmp_path):
    # Pillow 12 to 13 with Little CMS 2.17, in 8 bits
    write_deep_png(tmp_path / "deep.png", RGB.astype(np.uint16) * 257, ADOBE_PROFILE)
    outside = ImageCms.profileToProfile(
        Image.fromarray(RGB),
        ImageCms.ImageCmsProfile(io.BytesIO(ADOBE_PROFILE)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    np.testing.assert_allclose(
        read_picture(tmp_path / "deep.png").pixels * 255, np.asarray(outside), atol=1.6
    )


def test_float_tiff_in_a_linear_space_stays_linear_and_unclipped(tmp_path):
    light = np.random.default_rng(3).random((4, 5, 3), np.float32) * 4
    tifffile.imwrite(
        tmp_path / "p.tif",
        light,
        photometric="rgb",
        iccprofile=matrix_profile(ADOBE, b"curv" + bytes(8)),
    )
    picture = read_picture(tmp_path / "p.tif")
    np.testing.assert_allclose(picture.pixels, by_matrix(light, ADOBE), rtol=1e-3, atol=1e-3)
    assert picture.linear


def test_float_tiff_with_a_gamma_profile_is_not_linear(tmp_path):
    values = np.random.default_rng(3).random((4, 5, 3), np.float32)
    tifffile.imwrite(tmp_path / "p.tif", values, photometric="rgb", iccprofile=ADOBE_PROFILE)
    picture = read_picture(tmp_path / "p.tif")
    expected = by_matrix(values.astype(float) ** (563 / 256), ADOBE)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-3)
    assert not picture.linear


@pytest.mark.parametrize("deep", [False, True])
def test_grey_pictures_with_grey_profiles(tmp_path, deep):
    icc = profile(b"GRAY", {b"kTRC": gamma_curve(1.0)})
    grey = (DEEP if deep else RGB)[..., 0]
    if deep:
        tifffile.imwrite(tmp_path / "p.tif", grey, photometric="minisblack", iccprofile=icc)
    else:
        Image.fromarray(grey).save(tmp_path / "p.tif", icc_profile=icc)
    picture = read_picture(tmp_path / "p.tif")
    expected = linear_to_srgb(grey / float(np.iinfo(grey.dtype).max))
    np.testing.assert_allclose(picture.pixels, np.dstack([expected] * 3), atol=1e-5)
    assert len(picture.notes) == 1


def test_grey_picture_with_a_colour_profile(tmp_path):
    Image.fromarray(RGB[..., 0]).save(tmp_path / "p.png", icc_profile=ADOBE_PROFILE)
    pixels = read_picture(tmp_path / "p.png").pixels
    expected = linear_to_srgb((RGB[..., 0] / 255) ** (563 / 256))
    np.testing.assert_allclose(pixels, np.dstack([expected] * 3), atol=2.1 / 255)


def test_table_profiles_of_deep_pictures_are_told_to_be_coarse(tmp_path):
    write_deep_png(tmp_path / "p.png", DEEP, lut_profile())
    picture = read_picture(tmp_path / "p.png")
    assert picture.notes == (
        "colour profile 'Test space' converted to sRGB, with a precision of 8 bits only",
    )
    Image.fromarray(np.rint(DEEP / 257).astype(np.uint8)).save(
        tmp_path / "eight.png", icc_profile=lut_profile()
    )
    np.testing.assert_array_equal(picture.pixels, read_picture(tmp_path / "eight.png").pixels)


def test_a_profile_may_be_left_alone(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "p.png", icc_profile=ADOBE_PROFILE)
    stored = read_picture(tmp_path / "p.png", convert_profile=False)
    np.testing.assert_array_equal(stored.pixels, RGB.astype(np.float32) / np.float32(255))
    assert (read_picture(tmp_path / "p.png").pixels != stored.pixels).any()
