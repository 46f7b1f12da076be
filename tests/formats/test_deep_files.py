"""PNG of 16 bits, and TIFF of all depths."""

import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, UnidentifiedImageError

from lsamatting.colour import linear_to_srgb
from lsamatting.errors import ImageError
from lsamatting.images import read_grey, read_picture
from tests.formats.sample_pictures import DEEP, FLOAT, bgr, insert_png_chunk, unit


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_png(tmp_path, channels):
    samples = DEEP[..., :channels]
    cv2.imwrite(str(tmp_path / "p.png"), samples if channels == 1 else bgr(samples))
    picture = read_picture(tmp_path / "p.png")
    expected = np.broadcast_to(unit(samples[..., :3]), (4, 6, 3))
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.depth == 16
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, unit(DEEP[..., 3]))
    else:
        assert picture.alpha is None


def test_16_bit_grey_png_with_opacity(tmp_path):
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in DEEP[..., :2])
    path = tmp_path / "p.png"
    header = struct.pack(">IIBBBBB", 6, 4, 16, 4, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(payload)) + kind + payload
            + struct.pack(">I", zlib.crc32(kind + payload))
            for kind, payload in (
                (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""),
            )
        )
    )  # fmt: skip
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels[..., 0], unit(DEEP[..., 0]))
    np.testing.assert_array_equal(picture.alpha, unit(DEEP[..., 1]))
    np.testing.assert_array_equal(read_grey(path)[0], unit(DEEP[..., 1]))


@pytest.mark.parametrize(("top", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_a_grey_of_png_that_is_transparent(tmp_path, top, dtype):
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), np.array([[top // 3, top // 5]], dtype))
    insert_png_chunk(path, b"tRNS", struct.pack(">H", top // 5))
    picture = read_picture(path)
    np.testing.assert_allclose(picture.pixels[..., 0], [[1 / 3, 1 / 5]], atol=1e-6)
    np.testing.assert_array_equal(picture.alpha, [[1, 0]])


@pytest.mark.parametrize("samples", [DEEP, FLOAT], ids=["16 bit", "float"])
@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "rgb", "extrasamples": ["unassalpha"]},
        {"photometric": "rgb", "extrasamples": ["unassalpha"], "compression": "zlib"},
        {"photometric": "rgb", "extrasamples": ["unassalpha"], "byteorder": ">"},
        {"photometric": "rgb", "extrasamples": ["unassalpha"], "bigtiff": True},
        {"photometric": "rgb", "extrasamples": ["unassalpha"], "planarconfig": "separate"},
        {"photometric": "rgb", "extrasamples": ["unassalpha"], "tile": (16, 16)},
    ],
    ids=["plain", "zlib", "big endian", "bigtiff", "planar", "tiled"],
)
def test_deep_tiff_layouts(tmp_path, samples, options):
    stored = samples
    if options.get("planarconfig") == "separate":
        stored = np.moveaxis(samples, -1, 0)
    tifffile.imwrite(tmp_path / "p.tif", stored, **options)
    picture = read_picture(tmp_path / "p.tif")
    straight = linear_to_srgb(FLOAT) if samples is FLOAT else unit(DEEP)
    np.testing.assert_array_equal(picture.pixels, straight[..., :3])
    np.testing.assert_array_equal(
        picture.alpha, FLOAT[..., 3] if samples is FLOAT else straight[..., 3]
    )
    assert picture.linear == (samples is FLOAT)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("samples", [DEEP, FLOAT], ids=["16 bit", "float"])
def test_lzw_tiff(tmp_path, samples, channels):
    part = np.ascontiguousarray(samples[..., :channels])
    stored = part if channels == 1 else bgr(part)
    cv2.imwrite(str(tmp_path / "p.tif"), stored, [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    values, _ = read_grey(tmp_path / "p.tif")
    scaled = part if samples is FLOAT else unit(part)
    luma = scaled[..., 0] if channels == 1 else scaled @ np.array([0.299, 0.587, 0.114], "f")
    np.testing.assert_allclose(values, luma, atol=1e-6)


def test_half_and_double_tiff(tmp_path):
    for kind, tolerance in ((np.float16, 1e-3), (np.float64, 1e-7)):
        tifffile.imwrite(tmp_path / "p.tif", FLOAT[..., :3].astype(kind), photometric="rgb")
        pixels = read_picture(tmp_path / "p.tif").pixels
        np.testing.assert_allclose(pixels, linear_to_srgb(FLOAT[..., :3]), atol=tolerance)


def test_tiff_where_zero_is_white(tmp_path):
    tifffile.imwrite(tmp_path / "p.tif", DEEP[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_grey(tmp_path / "p.tif")[0], unit(65535 - DEEP[..., 0]))


def test_premultiplied_tiff_becomes_straight(tmp_path):
    colour, alpha = FLOAT[..., :3], FLOAT[..., 3:] * 0.9 + 0.1
    tifffile.imwrite(
        tmp_path / "p.tif",
        np.concatenate([colour * alpha, alpha], axis=2),
        photometric="rgb",
        extrasamples=["assocalpha"],
    )
    pixels = read_picture(tmp_path / "p.tif").pixels
    np.testing.assert_allclose(pixels, linear_to_srgb(colour), rtol=1e-5)


@pytest.mark.parametrize("samples", [DEEP, FLOAT], ids=["16 bit", "float"])
@pytest.mark.parametrize(
    ("kinds", "opacity"),
    [
        (["unspecified"], None),
        (["unspecified", "unspecified"], None),
        (["unspecified", "unassalpha"], 4),
        (["unassalpha", "unspecified"], 3),
    ],
)
def test_of_further_channels_of_tiff_only_opacity_is_taken_for_it(
    tmp_path, samples, kinds, opacity
):
    channels = np.concatenate([samples, samples[..., :1]], axis=2)[..., : 3 + len(kinds)]
    layout = {"photometric": "rgb", "planarconfig": "contig", "extrasamples": kinds}
    tifffile.imwrite(tmp_path / "p.tif", channels, **layout)
    picture = read_picture(tmp_path / "p.tif", transfer="gamma")
    top = 65535 if samples is DEEP else 1
    np.testing.assert_allclose(picture.pixels, samples[..., :3] / np.float32(top), atol=1e-6)
    if opacity is None:
        assert picture.alpha is None
    else:
        np.testing.assert_allclose(
            picture.alpha, channels[..., opacity] / np.float32(top), atol=1e-6
        )


@pytest.mark.parametrize(
    ("photometric", "kinds", "opacity"),
    [
        ("rgb", ["unspecified", "unassalpha"], 4),
        ("rgb", ["unspecified"] * 4, None),
        ("minisblack", ["unspecified", "unspecified"], None),
        ("minisblack", ["unassalpha", "unspecified"], 1),
        ("miniswhite", ["unspecified", "unassalpha"], 2),
    ],
)
def test_8_bit_tiff_of_layouts_that_pillow_lacks(tmp_path, photometric, kinds, opacity):
    colours = 3 if photometric == "rgb" else 1
    channels = np.random.default_rng(0).integers(0, 256, (4, 6, 7), np.uint8)
    channels = channels[..., : colours + len(kinds)]
    layout = {"photometric": photometric, "planarconfig": "contig", "extrasamples": kinds}
    tifffile.imwrite(tmp_path / "p.tif", channels, **layout)
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "p.tif")
    picture = read_picture(tmp_path / "p.tif")
    colour = channels[..., :colours]
    shown = 255 - colour if photometric == "miniswhite" else colour
    np.testing.assert_array_equal(picture.samples, np.broadcast_to(shown, (4, 6, 3)))
    if opacity is None:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, channels[..., opacity] / np.float32(255))


def test_premultiplied_8_bit_tiff_with_a_further_channel_becomes_straight(tmp_path):
    channels = np.array([[[60, 30, 0, 7, 120], [255, 128, 64, 7, 255], [0, 0, 0, 7, 0]]], np.uint8)
    kinds = ["unspecified", "assocalpha"]
    layout = {"photometric": "rgb", "planarconfig": "contig", "extrasamples": kinds}
    tifffile.imwrite(tmp_path / "p.tif", channels, **layout)
    picture = read_picture(tmp_path / "p.tif")
    np.testing.assert_array_equal(picture.samples, [[[128, 64, 0], [255, 128, 64], [0, 0, 0]]])


@pytest.mark.parametrize(
    ("samples", "options", "match"),
    [
        (DEEP, {"photometric": "separated"}, "uint16 TIFF with SEPARATED colours"),
        (DEEP.astype(np.uint32)[..., 0], {}, "TIFF with uint32 samples; accepted are 8-bit"),
        (DEEP.astype(np.int16)[..., 0], {}, "TIFF with int16 samples"),
        (DEEP.astype(np.int8)[..., :3], {"photometric": "rgb"}, "TIFF with int8 samples"),
    ],
)
def test_tiff_kinds_that_are_refused(tmp_path, samples, options, match):
    tifffile.imwrite(tmp_path / "p.tif", samples, **{"photometric": "minisblack", **options})
    with pytest.raises(ImageError, match=match):
        read_picture(tmp_path / "p.tif")
