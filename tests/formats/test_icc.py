import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lsamatting.colour import linear_to_srgb, srgb_to_linear
from lsamatting.formats.icc import srgb_profile, to_srgb
from lsamatting.images import read_grey, read_picture

# Primaries of Adobe RGB (1998) relative to D50, from its specification
ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
SRGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169],
     [0.0139322, 0.0971045, 0.7141733]]
)  # fmt: skip
RGB = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (8, 9, 3)).astype(np.uint16)


def fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def gamma_curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def table_curve(values):
    table = np.rint(np.asarray(values) * 65535).astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", len(table)) + table.tobytes()


def parametric_curve(shape, *numbers):
    return b"para" + bytes(4) + struct.pack(">HH", shape, 0) + fixed(*numbers)


def profile(space, tags, *, connection=b"XYZ "):
    """Assemble a version 2 display profile (ICC.1:2001-04, section 6)."""
    name = b"Test space"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(1 + 78)
    tags = {
        b"desc": described,
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249),
        **tags,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for kind, payload in tags.items():
        payload += bytes(-len(payload) % 4)
        table += kind + struct.pack(">II", start + len(body), len(payload))
        body += payload
    header = bytearray(128)
    header[0:4] = struct.pack(">I", start + len(body))
    header[8:12] = bytes([2, 0x40, 0, 0])
    header[12:24] = b"mntr" + space + connection
    header[36:40] = b"acsp"
    header[68:80] = fixed(0.9642, 1, 0.8249)
    return bytes(header) + table + body


def matrix_profile(matrix, curve):
    columns = {
        kind: b"XYZ " + bytes(4) + fixed(*matrix[:, i])
        for i, kind in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))
    }
    return profile(b"RGB ", {**columns, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def lut_profile():
    """Eight corner colours in Lab, as an 8-bit look-up table: no matrix to be found."""
    corners = [
        (0, 128, 128), (75, 196, 8), (220, 42, 210), (240, 100, 210),
        (130, 220, 190), (150, 225, 70), (230, 80, 115), (255, 128, 128),
    ]  # fmt: skip
    ramp = bytes(range(256)) * 3
    table = b"mft1" + bytes(4) + bytes([3, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += ramp + bytes(v for corner in corners for v in corner) + ramp
    return profile(b"RGB ", {b"A2B0": table}, connection=b"Lab ")


def by_matrix(light, matrix):
    converted = np.linalg.solve(SRGB, matrix) @ light[..., None]
    return linear_to_srgb(converted[..., 0])


ADOBE_PROFILE = matrix_profile(ADOBE, gamma_curve(563 / 256))


def write_deep_png(path, samples, icc):
    cv2.imwrite(str(path), np.ascontiguousarray(samples[..., ::-1]))
    data = path.read_bytes()
    payload = b"p\0\0" + zlib.compress(icc)
    chunk = struct.pack(">I", len(payload)) + b"iCCP" + payload
    chunk += struct.pack(">I", zlib.crc32(b"iCCP" + payload))
    path.write_bytes(data[:33] + chunk + data[33:])


# ---- 8 bits ----


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


# ---- more than 8 bits: floating point, against the formulas ----


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


# ---- profiles that nobody should write ----


@pytest.mark.parametrize(
    "curve",
    [
        b"",
        b"curv" + bytes(4) + struct.pack(">I", 2**31),
        gamma_curve(0),
        parametric_curve(9, 1, 1),
        parametric_curve(0, -2),
        parametric_curve(1, 2, 0, 1),
        parametric_curve(2, 2, 0, 1, 1),
        parametric_curve(4, 30000, 30000, 30000, 1, 1, 1, 1),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_impossible_grey_curves_leave_the_picture_as_it_is(tmp_path, curve, deep):
    samples = DEEP[..., 0] if deep else RGB[..., 0]
    icc = profile(b"GRAY", {b"kTRC": curve} if curve else {})
    converted = to_srgb(samples[..., None], icc)
    if converted.note is not None and "ignored" in converted.note:
        np.testing.assert_array_equal(converted.colour[..., 0], samples)
    assert np.isfinite(converted.colour).all()


VALID = [
    ADOBE_PROFILE,
    lut_profile(),
    profile(b"GRAY", {b"kTRC": gamma_curve(1.8)}),
    profile(b"GRAY", {b"kTRC": parametric_curve(3, 2.4, 0.9, 0.1, 0.08, 0.04)}),
    profile(b"GRAY", {}),
]


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from(VALID),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=12),
    keep=st.integers(0, 2**16),
    kind=st.sampled_from([np.uint8, np.uint16, np.float32]),
    channels=st.sampled_from([1, 3]),
)
def test_any_profile_gives_finite_colours(start, changes, keep, kind, channels):
    icc = bytearray(start)
    for at, value in changes:
        icc[at % len(icc)] = value
    samples = np.linspace(0, 1 if kind == np.float32 else np.iinfo(kind).max, 24)
    samples = np.repeat(samples.reshape(4, 6, 1), channels, axis=2).astype(kind)
    converted = to_srgb(samples, bytes(icc[: keep + 1]))
    assert converted.colour.shape[:2] == (4, 6)
    assert np.isfinite(converted.colour).all()


@given(st.binary(max_size=400))
def test_any_bytes_are_a_profile_to_ignore(data):
    converted = to_srgb(RGB, data)
    assert "ignored" in converted.note
    np.testing.assert_array_equal(converted.colour, RGB)


def test_our_own_profile_is_srgb_and_always_the_same():
    assert to_srgb(DEEP, srgb_profile()).note is None
    assert srgb_profile()[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
