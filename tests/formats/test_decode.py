"""Every kind of file that photographers send, written by other programs than ours."""

import io
import struct
import zlib

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lsamatting.colour import linear_to_srgb
from lsamatting.errors import ImageError
from lsamatting.formats.deep import largest_sample
from lsamatting.formats.raster import upright
from lsamatting.images import read_grey, read_picture, write_picture

RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (4, 6, 4)).astype(np.uint16)
FLOAT = np.random.default_rng(2).random((4, 6, 4), np.float32)


def unit(samples):
    return samples.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)


def bgr(samples):
    return np.ascontiguousarray(samples[..., [2, 1, 0, 3][: samples.shape[2]]])


def insert_png_chunk(path, kind, payload, *, before=b"IDAT"):
    data = path.read_bytes()
    at = data.index(before) - 4
    chunk = struct.pack(">I", len(payload)) + kind + payload
    chunk += struct.pack(">I", zlib.crc32(kind + payload))
    path.write_bytes(data[:at] + chunk + data[at:])


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def rotated(samples, orientation):
    """The picture as shown, by Pillow's own transpositions (the standard's figure)."""
    steps = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    index = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))
    step = steps[orientation]
    order = np.asarray(index if step is None else index.transpose(step))
    return samples.reshape(24, -1)[order]


# ---- orientation ----


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_turns_as_the_standard_says(orientation):
    np.testing.assert_array_equal(upright(RGB, orientation), rotated(RGB, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_orientation_of_8_bit_files(tmp_path, suffix, orientation):
    options = {"lossless": True} if suffix == ".webp" else {}
    path = tmp_path / f"p{suffix}"
    Image.fromarray(RGB).save(path, exif=exif(orientation), **options)
    pixels = read_picture(path).pixels
    np.testing.assert_array_equal(pixels, unit(rotated(RGB, orientation)))
    assert pixels.flags.c_contiguous
    grey = rotated(RGB, orientation) @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(read_grey(path)[0], grey, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_jpeg(tmp_path, orientation):
    blocks = np.kron(np.arange(24, dtype=np.uint8).reshape(4, 6) * 10, np.ones((16, 16), np.uint8))
    Image.fromarray(blocks).save(tmp_path / "p.jpg", exif=exif(orientation), quality=98)
    seen = read_picture(tmp_path / "p.jpg").pixels[8::16, 8::16, 0]
    expected = rotated(np.arange(24).reshape(4, 6, 1) * 10, orientation)[..., 0] / 255
    np.testing.assert_allclose(seen, expected, atol=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_orientation_of_16_bit_png(tmp_path, orientation, before):
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), bgr(DEEP[..., :3]))
    insert_png_chunk(path, b"eXIf", exif(orientation).tobytes()[6:], before=before)
    np.testing.assert_array_equal(
        read_picture(path).pixels, unit(rotated(DEEP[..., :3], orientation))
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("samples", [DEEP, FLOAT], ids=["16 bit", "float"])
@pytest.mark.parametrize("lzw", [False, True])
def test_orientation_of_deep_tiff(tmp_path, orientation, samples, lzw):
    path = tmp_path / "p.tif"
    rgb = np.ascontiguousarray(samples[..., :3])
    tag = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(path, rgb, photometric="rgb", extratags=tag, metadata=None)
    if lzw:
        relabel_as_lzw(path, rgb, orientation)
    expected = rotated(rgb, orientation)
    expected = linear_to_srgb(expected) if samples is FLOAT else unit(expected)
    np.testing.assert_array_equal(read_picture(path).pixels, expected)


def relabel_as_lzw(path, rgb, orientation):
    """Let OpenCV compress, then set the orientation tag, which it cannot."""
    cv2.imwrite(str(path), bgr(rgb), [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    data = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    entries = [bytes(data[directory + 2 + 12 * i : directory + 14 + 12 * i]) for i in range(count)]
    entries = [entry for entry in entries if struct.unpack_from("<H", entry)[0] != 274]
    entries.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    offset = len(data) + len(data) % 2
    data += bytes(len(data) % 2) + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    struct.pack_into("<I", data, 4, offset)
    path.write_bytes(data)


def test_pillow_image_with_orientation(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "p.png", exif=exif(6))
    with Image.open(tmp_path / "p.png") as image:
        np.testing.assert_array_equal(read_picture(image).pixels, unit(rotated(RGB, 6)))


# ---- colour modes in 8 bits ----


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_opaque_modes(tmp_path, suffix, mode):
    image = Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / f"p{suffix}")
    picture = read_picture(tmp_path / f"p{suffix}")
    np.testing.assert_array_equal(picture.pixels, unit(np.asarray(image.convert("RGB"))))
    assert picture.alpha is None
    assert picture.depth == 8


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_modes_with_opacity(tmp_path, suffix, mode):
    image = Image.fromarray(np.dstack([RGB, RGB[..., 1]])).convert(mode)
    image.save(tmp_path / f"p{suffix}")
    picture = read_picture(tmp_path / f"p{suffix}")
    rgba = unit(np.asarray(image.convert("RGBA")))
    np.testing.assert_array_equal(picture.pixels, rgba[..., :3])
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    image.save(tmp_path / "p.png", transparency=bytes([0, 100, 255]))
    picture = read_picture(tmp_path / "p.png")
    np.testing.assert_array_equal(picture.pixels, [np.eye(3)])
    np.testing.assert_array_equal(picture.alpha, unit(np.array([[0, 100, 255]], np.uint8)))


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (1, 2, 3))])
def test_one_transparent_colour(tmp_path, mode, key):
    image = Image.new(mode, (2, 1), key)
    image.putpixel((1, 0), 9 if mode == "L" else (9, 9, 9))
    image.save(tmp_path / "p.png", transparency=key)
    np.testing.assert_array_equal(read_picture(tmp_path / "p.png").alpha, [[0, 1]])


def test_premultiplied_pillow_image():
    image = Image.fromarray(np.array([[[100, 50, 0, 128]]], np.uint8)).convert("RGBa")
    picture = read_picture(image)
    np.testing.assert_allclose(picture.pixels * 255, [[[100, 50, 0]]], atol=1.01)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk(tmp_path, suffix):
    # Pillow writes CMYK JPEG as Adobe does: inverted
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    image.save(tmp_path / f"p{suffix}")
    if suffix == ".jpg":
        assert b"Adobe" in (tmp_path / "p.jpg").read_bytes()
    picture = read_picture(tmp_path / f"p{suffix}")
    np.testing.assert_allclose(picture.pixels[8, 8], [0, 1, 1], atol=0.02)
    assert any("CMYK" in note for note in picture.notes)


def test_first_of_several_pictures(tmp_path):
    first, second = Image.fromarray(RGB), Image.new("RGB", (6, 4))
    first.save(tmp_path / "p.tif", save_all=True, append_images=[second])
    tifffile.imwrite(tmp_path / "d.tif", np.stack([DEEP[..., :3]] * 2), photometric="rgb")
    for name, expected in (("p.tif", RGB), ("d.tif", DEEP[..., :3])):
        picture = read_picture(tmp_path / name)
        np.testing.assert_array_equal(picture.pixels, unit(expected))
        assert picture.notes == ("the file has 2 pictures; the first is used",)


def test_pillow_images_of_more_than_8_bits():
    deep = DEEP[..., 0]
    for image in (Image.fromarray(deep), Image.fromarray(deep.astype(np.int32))):
        picture = read_picture(image)
        np.testing.assert_array_equal(picture.pixels[..., 1], unit(deep))
        assert picture.depth == 16
    picture = read_picture(Image.fromarray(FLOAT[..., 0]))
    np.testing.assert_array_equal(picture.pixels[..., 2], FLOAT[..., 0])
    with pytest.raises(ImageError, match="32-bit integer samples"):
        read_picture(Image.fromarray(np.array([[70_000]], np.int32)))
    with pytest.raises(ImageError, match="colour mode LAB is not accepted"):
        read_picture(Image.new("LAB", (2, 2)))


# ---- 16-bit PNG ----


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


# ---- TIFF ----


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


@pytest.mark.parametrize(
    ("samples", "options", "match"),
    [
        (DEEP, {"photometric": "separated"}, "uint16 TIFF with SEPARATED colours"),
        (DEEP.astype(np.uint32)[..., 0], {}, "TIFF with uint32 samples; accepted are 8-bit"),
        (DEEP.astype(np.int16)[..., 0], {}, "TIFF with int16 samples"),
    ],
)
def test_tiff_kinds_that_are_refused(tmp_path, samples, options, match):
    tifffile.imwrite(tmp_path / "p.tif", samples, **{"photometric": "minisblack", **options})
    with pytest.raises(ImageError, match=match):
        read_picture(tmp_path / "p.tif")


# ---- OpenEXR ----


def write_exr(path, channels, **header):
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels).write(str(path))


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_openexr(tmp_path, kind):
    colour = FLOAT[..., :3].astype(kind)
    write_exr(tmp_path / "p.exr", {"RGB": colour})
    picture = read_picture(tmp_path / "p.exr")
    expected = linear_to_srgb(colour.astype(np.float32))
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.linear
    assert picture.depth == 32


def test_openexr_opacity_is_divided_out(tmp_path):
    alpha = FLOAT[..., 3:] * 0.9 + 0.1
    write_exr(tmp_path / "p.exr", {"RGBA": np.dstack([FLOAT[..., :3] * alpha, alpha])})
    picture = read_picture(tmp_path / "p.exr")
    np.testing.assert_allclose(picture.pixels, linear_to_srgb(FLOAT[..., :3]), rtol=1e-5)
    np.testing.assert_array_equal(picture.alpha, alpha[..., 0])


def test_openexr_luminance_and_other_channels(tmp_path):
    plane = np.ascontiguousarray(FLOAT[..., 0])
    write_exr(tmp_path / "y.exr", {"Y": plane, "Z": plane})
    np.testing.assert_array_equal(read_grey(tmp_path / "y.exr")[0], plane)
    write_exr(tmp_path / "z.exr", {"Z": plane, "diffuse.R": plane})
    with pytest.raises(ImageError, match=r"the channels Z, diffuse\.R; accepted are RGB"):
        read_picture(tmp_path / "z.exr")


def test_openexr_windows(tmp_path):
    # pixels exist for x = 2..7, y = 1..4; the picture is x = 0..5, y = 0..9
    windows = {
        "dataWindow": (np.array([2, 1], np.int32), np.array([7, 4], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([5, 9], np.int32)),
    }
    plane = np.ascontiguousarray(FLOAT[..., 0])
    write_exr(tmp_path / "p.exr", {"Y": plane}, **windows)
    expected = np.zeros((10, 6), np.float32)
    expected[1:5, 2:6] = plane[:, :4]
    np.testing.assert_array_equal(read_grey(tmp_path / "p.exr")[0], expected)


def test_layers_of_openexr_are_chosen_by_name(tmp_path):
    names = {"R": 0, "G": 1, "B": 2, "hair.R": 2, "hair.G": 1, "hair.B": 0, "hair.A": 3}
    planes = {name: np.ascontiguousarray(FLOAT[..., at]) for name, at in names.items()}
    write_exr(tmp_path / "p.exr", planes)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "p.exr").pixels, linear_to_srgb(FLOAT[..., :3])
    )
    picture = read_picture(tmp_path / "p.exr", layer="hair")
    np.testing.assert_array_equal(picture.alpha, FLOAT[..., 3])
    np.testing.assert_allclose(
        picture.pixels, linear_to_srgb(FLOAT[..., 2::-1] / FLOAT[..., 3:]), rtol=1e-4
    )
    with pytest.raises(ImageError, match=r"p\.exr: no layer 'fur'; it has hair"):
        read_picture(tmp_path / "p.exr", layer="fur")


def test_layers_of_openexr_without_a_first(tmp_path):
    planes = {f"a.{c}": np.ascontiguousarray(FLOAT[..., i]) for i, c in enumerate("RGB")}
    write_exr(tmp_path / "one.exr", dict(planes))
    picture = read_picture(tmp_path / "one.exr")
    np.testing.assert_array_equal(picture.pixels, linear_to_srgb(FLOAT[..., :3]))
    assert picture.notes == ("its only layer, 'a', is used",)
    write_exr(tmp_path / "two.exr", {**planes, "b.Y": planes["a.R"]})
    with pytest.raises(ImageError, match=r"the layers a, b; name one of them with layer"):
        read_picture(tmp_path / "two.exr")


def test_parts_of_openexr_are_layers(tmp_path):
    header = {"type": OpenEXR.scanlineimage}
    first, second = (np.ascontiguousarray(part) for part in (FLOAT[..., :3], FLOAT[..., 1:]))
    parts = [
        OpenEXR.Part({**header, "name": "beauty"}, {"RGB": first}, "beauty"),
        OpenEXR.Part({**header, "name": "back"}, {"RGB": second}, "back"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "p.exr"))
    for layer, expected in ((None, first), ("beauty", first), ("back", second)):
        pixels = read_picture(tmp_path / "p.exr", layer=layer).pixels
        np.testing.assert_array_equal(pixels, linear_to_srgb(expected))


# ---- AVIF, JPEG 2000, GIF, Netpbm, TGA ----


def smooth(height=32, width=48, channels=3):
    ramp = np.mgrid[:height, :width].astype(np.float32)
    planes = [ramp[0] / height, ramp[1] / width, 1 - ramp[0] / height, (ramp[1] / width) ** 2]
    return np.dstack(planes[:channels])


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("p.jp2", {"irreversible": False}, 0),
        ("p.ppm", {}, 0),
        ("p.tga", {}, 0),
        ("p.avif", {"quality": 95, "subsampling": "4:4:4"}, 8),
    ],
)
def test_further_formats(tmp_path, name, options, tolerance):
    rgb = np.rint(smooth() * 255).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / name, **options)
    picture = read_picture(tmp_path / name)
    np.testing.assert_allclose(picture.pixels * 255, rgb, atol=tolerance + 1e-3)
    assert (picture.depth, picture.alpha, picture.notes) == (8, None, ())


@pytest.mark.parametrize("name", ["p.jp2", "p.tga", "p.avif"])
def test_opacity_of_further_formats(tmp_path, name):
    rgba = np.rint(smooth(channels=4) * 255).astype(np.uint8)
    Image.fromarray(rgba).save(tmp_path / name)
    alpha = read_picture(tmp_path / name).alpha
    np.testing.assert_allclose(alpha * 255, rgba[..., 3], atol=6)


def test_first_picture_of_a_gif(tmp_path):
    frames = [Image.fromarray(RGB).quantize(24, dither=Image.Dither.NONE) for _ in range(3)]
    frames[1] = Image.new("P", frames[0].size)
    frames[0].save(tmp_path / "p.gif", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / "p.gif")
    np.testing.assert_array_equal(picture.pixels, unit(np.asarray(frames[0].convert("RGB"))))
    assert picture.notes[0].startswith("the file has ")


@pytest.mark.parametrize("name", ["p.jp2", "p.ppm"])
def test_16_bits_of_jpeg_2000_and_netpbm(tmp_path, name):
    deep = np.rint(smooth(64, 96) * 65535).astype(np.uint16)
    lossless = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if name == "p.jp2" else []
    cv2.imwrite(str(tmp_path / name), bgr(deep), lossless)
    picture = read_picture(tmp_path / name)
    np.testing.assert_array_equal(picture.pixels, unit(deep))
    assert picture.depth == 16


def test_10_bits_of_avif(tmp_path):
    deep = np.rint(smooth() * 1023).astype(np.uint16)
    options = [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100]
    cv2.imwrite(str(tmp_path / "p.avif"), bgr(deep), options)
    picture = read_picture(tmp_path / "p.avif")
    assert picture.depth == 16
    np.testing.assert_allclose(picture.pixels * 1023, deep, atol=3)


@pytest.mark.parametrize("top", [300, 1023, 65535])
def test_whites_of_netpbm(tmp_path, top):
    samples = np.array([[[0, top // 2, top]]], ">u2")
    for mark, values in ((b"P6", samples), (b"P5", samples[..., 2])):
        header = mark + b"\n# a comment\n1 1\n" + str(top).encode() + b"\n"
        (tmp_path / "p.ppm").write_bytes(header + values.tobytes())
        pixels = read_picture(tmp_path / "p.ppm").pixels
        expected = (0, top // 2 / top, 1) if mark == b"P6" else (1, 1, 1)
        np.testing.assert_allclose(pixels[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("suffix", [".jp2", ".avif", ".gif", ".ppm", ".tga"])
@pytest.mark.parametrize("keep", [0.05, 0.4, 0.9])
def test_truncated_further_formats(tmp_path, suffix, keep):
    noise = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    path = tmp_path / f"p{suffix}"
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ImageError, match="damaged or truncated"):
        read_picture(path)


def test_heic_is_named(tmp_path):
    (tmp_path / "p.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    with pytest.raises(ImageError, match="HEIC pictures cannot be read; save it as JPEG"):
        read_picture(tmp_path / "p.heic")


@given(
    kind=st.sampled_from(["AVIF", "JPEG2000", "PPM", "PNG"]),
    data=st.binary(max_size=200),
    mark=st.sampled_from([b"", b"av1C", b"\xff\x4f\xff\x51", b"P6 1 1 ", b"P5\n#"]),
)
def test_any_header_tells_some_depth(kind, data, mark):
    assert largest_sample(kind, mark + data) >= 0


# ---- memory ----


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".exr", ".bmp", ".ppm"])
def test_files_in_memory(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    if suffix == ".ppm":
        Image.fromarray(RGB).save(path)
    else:
        write_picture(path, unit(RGB))
    expected = read_picture(path).pixels
    for source in (path.read_bytes(), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(read_picture(source).pixels, expected)
    with path.open("rb") as file:
        picture = read_picture(file)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.path is None


def test_deep_files_in_memory(tmp_path):
    tifffile.imwrite(tmp_path / "p.tif", DEEP[..., :3], photometric="rgb")
    cv2.imwrite(str(tmp_path / "p.png"), bgr(DEEP[..., :3]))
    for name in ("p.tif", "p.png"):
        pixels = read_picture((tmp_path / name).read_bytes()).pixels
        np.testing.assert_array_equal(pixels, unit(DEEP[..., :3]))


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (b"", "the data: the file is empty"),
        (b"hello", "the data: not a picture that can be read"),
        (io.StringIO("x"), "cannot be read from StringIO; accepted are a path"),
        (3, "cannot be read from int"),
    ],
)
def test_memory_that_is_no_picture(source, match):
    with pytest.raises(ImageError, match=match):
        read_picture(source)


def test_tensors():
    import torch

    floats = torch.from_numpy(FLOAT).permute(2, 0, 1)
    for tensor in (floats, floats[None], floats.double(), floats.requires_grad_()):
        picture = read_picture(tensor)
        np.testing.assert_array_equal(picture.pixels, FLOAT[..., :3])
        np.testing.assert_array_equal(picture.alpha, FLOAT[..., 3])
    np.testing.assert_array_equal(
        read_picture(torch.from_numpy(RGB[..., 0])).pixels[..., 1], unit(RGB[..., 0])
    )
    np.testing.assert_allclose(read_picture(floats.bfloat16()).pixels, FLOAT[..., :3], atol=0.005)
    with pytest.raises(ImageError, match="the tensor has shape 2x6x3; accepted are HxW, 1xHxW"):
        read_picture(torch.from_numpy(RGB[:2]))


# ---- what floating-point values mean ----


def test_floating_point_values_mean_what_they_are_told_to(tmp_path):
    colour = np.ascontiguousarray(FLOAT[..., :3])
    tifffile.imwrite(tmp_path / "p.tif", colour, photometric="rgb")
    write_exr(tmp_path / "p.exr", {"RGB": colour})
    for source in (tmp_path / "p.tif", tmp_path / "p.exr", colour):
        linear, gamma = (read_picture(source, transfer=kind) for kind in ("linear", "gamma"))
        np.testing.assert_array_equal(linear.pixels, linear_to_srgb(colour))
        np.testing.assert_array_equal(gamma.pixels, colour)
        assert (linear.linear, gamma.linear) == (True, False)
        assert linear.notes == gamma.notes == ()
    assert "taken for linear light" in read_picture(tmp_path / "p.tif").notes[0]
    bright = read_picture(colour * 4, transfer="linear").pixels
    np.testing.assert_array_equal(bright, linear_to_srgb(colour * 4))


def test_the_meaning_of_integers_is_theirs(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), bgr(DEEP[..., :3]))
    pixels = read_picture(tmp_path / "p.png", transfer="linear").pixels
    np.testing.assert_array_equal(pixels, unit(DEEP[..., :3]))


# ---- files that lie ----


def test_the_content_decides_not_the_suffix(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "p.jpg", format="PNG")
    np.testing.assert_array_equal(read_picture(tmp_path / "p.jpg").pixels, unit(RGB))


def test_other_formats_of_pillow_are_not_opened(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "p.png", format="PCX")
    with pytest.raises(ImageError, match="not a picture that can be read"):
        read_picture(tmp_path / "p.png")


def test_zero_sizes(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:20] = bytes(4)  # the width in IHDR
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    (tmp_path / "p.png").write_bytes(data)
    with pytest.raises(ImageError, match=r"no pixels|damaged"):
        read_picture(tmp_path / "p.png")
    with pytest.raises(ImageError, match=r"no pixels \(0x3\)"):
        read_picture(Image.new("RGB", (0, 3)))


def test_nothing_is_printed_about_damaged_files(tmp_path, capfd):
    write_picture(tmp_path / "p.exr", np.random.default_rng(0).random((60, 70, 3), np.float32))
    tifffile.imwrite(tmp_path / "p.tif", DEEP[..., :3], photometric="rgb")
    cv2.imwrite(str(tmp_path / "l.tif"), bgr(DEEP), [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    read_picture(tmp_path / "l.tif")
    for path in sorted(tmp_path.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 3 // 4])
        with pytest.raises(ImageError):
            read_picture(path)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""
