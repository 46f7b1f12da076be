"""What is refused on reading and writing: one clear line each."""

import numpy as np
import pytest
from PIL import Image

from lsamatting.images import (
    read_grey,
    read_picture,
    write_grey,
    write_picture,
)
from tests.sample_images import LOSSLESS, refused


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((2, 2, 2), np.uint8), "shape 2x2x2; accepted are HxW"),
        (np.zeros(5, np.uint8), "shape 5;"),
        (np.zeros((2, 2), np.int64), "dtype int64; accepted are uint8"),
        (np.zeros((0, 2, 3), np.uint8), r"no pixels \(2x0\)"),
        (np.full((2, 2), 200.0), "values from 200 to 200; accepted are 0 to 1"),
        (np.array([[0.5, np.nan]]), "1 values are not finite"),
        (np.array([[np.inf, -np.inf]], np.float32), "2 values are not finite"),
    ],
)
def test_arrays_that_do_not_fit(array, match):
    refused(match, read_picture, array)
    refused(match, read_grey, array)


def test_missing_file_folder_and_empty_file(tmp_path):
    refused(r"none\.png: no such file", read_picture, tmp_path / "none.png")
    refused("is a folder; a picture file is needed", read_picture, tmp_path)
    (tmp_path / "empty.png").touch()
    refused(r"empty\.png: the file is empty", read_picture, str(tmp_path / "empty.png"))


@pytest.mark.parametrize("content", [b"hello", b"<svg/>" * 40, bytes(range(256))])
def test_not_a_picture(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    refused(
        "not a picture that can be read; accepted are PNG, JPEG", read_picture, tmp_path / "x.png"
    )


@pytest.mark.parametrize(("suffix", "depth"), [*LOSSLESS, (".jpg", 8)])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.7, 0.98])
def test_truncated_files(tmp_path, suffix, depth, keep):
    path = tmp_path / f"p{suffix}"
    write_picture(path, np.random.default_rng(0).random((60, 70, 3), np.float32), depth=depth)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    refused(rf"p\{suffix}: the file is damaged or truncated", read_picture, path)


@pytest.mark.parametrize("depth", [8, 16])
def test_flipped_bits_in_png(tmp_path, depth):
    path = tmp_path / "p.png"
    write_picture(path, np.random.default_rng(0).random((60, 70, 3), np.float32), depth=depth)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    refused("damaged or truncated", read_picture, path)


@pytest.mark.parametrize(("suffix", "depth"), [*LOSSLESS, (".jpg", 8)])
def test_limit_of_pixels_is_stated_and_can_be_raised(tmp_path, suffix, depth):
    path = tmp_path / f"p{suffix}"
    write_picture(path, np.zeros((30, 40, 3), np.float32), depth=depth)
    refused(
        r"40x30 is 0\.0 megapixels, more than the limit of 0\.001 megapixels; raise max_pixels",
        read_picture,
        path,
        max_pixels=1000,
    )
    assert read_picture(path, max_pixels=1200).size == (40, 30)


def test_decompression_bomb_is_refused_by_default(tmp_path, recwarn):
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 12_000)).save(path)
    refused("20000x12000 is 240.0 megapixels, more than the limit of 200", read_picture, path)
    assert not recwarn.list


def test_pillows_own_limit_does_not_interfere(tmp_path, recwarn, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("L", (40, 30)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png").size == (40, 30)
    assert Image.MAX_IMAGE_PIXELS == 100
    assert not recwarn.list


@pytest.mark.parametrize("suffix", [".exr", ".tif"])
def test_float_files_with_values_that_are_not_numbers(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    pixels = np.zeros((3, 4, 3), np.float32)
    pixels[0, 0, 0], pixels[1, 2, 1] = np.nan, np.inf
    if suffix == ".exr":
        import OpenEXR

        OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": pixels}).write(str(path))
    else:
        import tifffile

        tifffile.imwrite(path, pixels, photometric="rgb")
    refused("2 values are not finite", read_picture, path)


def test_float_mattes_out_of_range(tmp_path):
    import tifffile

    tifffile.imwrite(tmp_path / "g.tif", np.array([[0, 2]], np.float32))
    refused("values from 0 to 2; a matte or mask has 0 to 1", read_grey, tmp_path / "g.tif")


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("p.xyz", {}, r"unknown file type '\.xyz'; accepted are \.png"),
        ("p", {}, "unknown file type ''"),
        ("p.jpg", {"depth": 16}, r"\.jpg holds 8 bits, not 16; 16 bits go into \.png, \.tif"),
        ("p.webp", {"depth": 16}, r"\.webp holds 8 bits"),
        ("p.bmp", {"depth": 16}, r"\.bmp holds 8 bits"),
        ("p.png", {"depth": 32}, r"\.png holds 8 or 16 bits, not 32; 32 bits go into \.tif"),
        ("p.png", {"depth": 12}, r"\.png holds 8 or 16 bits, not 12$"),
        ("p.jpg", {"alpha": np.zeros((2, 3))}, r"\.jpg cannot hold transparency; accepted are"),
        ("p.bmp", {"alpha": np.zeros((2, 3))}, r"\.bmp cannot hold transparency"),
        ("p.png", {"alpha": np.zeros((4, 5))}, "alpha is 5x4 pixels but the colours are 3x2"),
        ("p.png", {"alpha": np.full((2, 3), np.nan)}, "6 values are not finite"),
        ("none/p.png", {}, "none does not exist"),
    ],
)
def test_pictures_that_cannot_be_written(tmp_path, name, options, match):
    refused(match, write_picture, tmp_path / name, np.zeros((2, 3, 3), np.float32), **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pixels", "match"),
    [
        (np.zeros((2, 3)), r"colours of shape \(2, 3\)"),
        (np.zeros((2, 3, 4)), "accepted is HxWx3"),
        (np.zeros((0, 3, 3)), "no pixels"),
        (np.zeros((2, 3, 3), np.uint8), "dtype uint8; accepted are floats"),
        (np.full((2, 3, 3), np.inf), "18 values are not finite"),
    ],
)
def test_arrays_that_cannot_be_written(tmp_path, pixels, match):
    refused(match, write_picture, tmp_path / "p.png", pixels)
    if pixels.ndim == 3:
        refused("accepted is HxW", write_grey, tmp_path / "p.png", pixels)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_destination(tmp_path):
    (tmp_path / "p.png").mkdir()
    refused("is a folder; a file name is needed", write_grey, tmp_path / "p.png", np.zeros((2, 2)))


def test_format_limits_of_size(tmp_path):
    refused("cannot be written", write_grey, tmp_path / "p.webp", np.zeros((1, 20_000)))
    assert list(tmp_path.iterdir()) == []
