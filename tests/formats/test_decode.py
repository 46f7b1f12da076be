"""Every kind of file that photographers send, written by other programs than ours."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from lsamatting.colour import linear_to_srgb
from lsamatting.errors import ImageError
from lsamatting.images import read_picture, write_picture
from tests.formats.sample_pictures import DEEP, FLOAT, RGB, bgr, unit, write_exr


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
