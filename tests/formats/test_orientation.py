"""Which way up a file is."""

import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from lsamatting.colour import linear_to_srgb
from lsamatting.formats.raster import upright
from lsamatting.images import read_grey, read_picture
from tests.formats.sample_pictures import DEEP, FLOAT, RGB, bgr, insert_png_chunk, unit


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kept_by", ["ImageMagick", "XMP"])
def test_orientation_that_png_keeps_elsewhere(tmp_path, dtype, kept_by):
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), bgr(DEEP[..., :3].astype(dtype)))
    if kept_by == "XMP":
        text = b'<rdf:Description tiff:Orientation="6"/>'
        insert_png_chunk(path, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    else:
        block = exif(6).tobytes()
        text = f"\nexif\n{len(block):8d}\n{block.hex()}\n".encode()
        insert_png_chunk(path, b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))
    expected = rotated(DEEP[..., :3].astype(dtype), 6) / np.float32(np.iinfo(dtype).max)
    np.testing.assert_allclose(read_picture(path).pixels, expected, atol=1e-6)


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
