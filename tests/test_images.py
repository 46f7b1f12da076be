import os
import stat

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lsamatting.colour import linear_to_srgb
from lsamatting.errors import ImageError
from lsamatting.images import (
    read_bytes,
    read_grey,
    read_grey_bytes,
    read_picture,
    write_grey,
    write_picture,
)

LOSSLESS = [
    (".png", 8),
    (".png", 16),
    (".tif", 8),
    (".tiff", 16),
    (".tif", 32),
    (".bmp", 8),
    (".webp", 8),
    (".exr", 32),
]
with_files = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def on_grid(rng, shape, depth):
    """Values that a file of this depth holds exactly."""
    if depth == 32:
        return rng.random(shape, np.float32)
    top = 2**depth - 1
    return (rng.integers(0, top + 1, shape) / np.float32(top)).astype(np.float32)


# ---- round trips ----


@pytest.mark.parametrize(("suffix", "depth"), LOSSLESS)
@with_files
@given(seed=st.integers(0, 2**31), height=st.integers(1, 20), width=st.integers(1, 20))
def test_rgb_comes_back(tmp_path, suffix, depth, seed, height, width):
    pixels = on_grid(np.random.default_rng(seed), (height, width, 3), depth)
    path = tmp_path / f"picture{suffix}"
    write_picture(path, pixels, depth=depth, linear=True)
    picture = read_picture(path)
    tolerance = 2e-6 if depth == 32 else 0
    np.testing.assert_allclose(picture.pixels, pixels, rtol=0, atol=tolerance)
    assert picture.pixels.dtype == np.float32
    assert picture.pixels.flags.c_contiguous
    assert picture.size == (width, height)
    assert picture.depth == depth
    assert picture.linear == (depth == 32)
    assert picture.alpha is None
    assert bool(picture.notes) == (suffix == ".tif" and depth == 32)  # its meaning is a guess
    assert picture.path == path


@pytest.mark.parametrize(("suffix", "depth"), [case for case in LOSSLESS if case[0] != ".bmp"])
@with_files
@given(seed=st.integers(0, 2**31), height=st.integers(1, 20), width=st.integers(1, 20))
def test_rgba_comes_back_straight(tmp_path, suffix, depth, seed, height, width):
    rng = np.random.default_rng(seed)
    pixels, alpha = on_grid(rng, (height, width, 3), depth), on_grid(rng, (height, width), depth)
    if suffix != ".exr":
        alpha[0, 0] = 0  # the colour under it must survive
    path = tmp_path / f"picture{suffix}"
    write_picture(path, pixels, alpha=alpha, depth=depth, linear=True)
    picture = read_picture(path)
    tolerance = 2e-5 if depth == 32 else 0
    np.testing.assert_array_equal(picture.alpha, alpha)
    np.testing.assert_allclose(picture.pixels, pixels, rtol=0, atol=tolerance)
    assert picture.depth == depth


@pytest.mark.parametrize(("suffix", "depth"), LOSSLESS)
@with_files
@given(seed=st.integers(0, 2**31), height=st.integers(1, 20), width=st.integers(1, 20))
def test_grey_comes_back_as_stored(tmp_path, suffix, depth, seed, height, width):
    values = on_grid(np.random.default_rng(seed), (height, width), depth)
    path = tmp_path / f"matte{suffix}"
    write_grey(path, values, depth=depth)
    back, found = read_grey(path)
    np.testing.assert_array_equal(back, values)
    assert found == depth


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
def test_jpeg_is_close(tmp_path, suffix):
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    pixels = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], ramp[::-1, None]), -1)
    write_picture(tmp_path / f"p{suffix}", pixels)
    np.testing.assert_allclose(read_picture(tmp_path / f"p{suffix}").pixels, pixels, atol=0.03)
    write_grey(tmp_path / f"g{suffix}", pixels[..., 0])
    np.testing.assert_allclose(read_grey(tmp_path / f"g{suffix}")[0], pixels[..., 0], atol=0.02)


def test_gamma_encoded_float_tiff_comes_back_as_such(tmp_path):
    pixels = np.random.default_rng(0).random((5, 6, 3), np.float32)
    write_picture(tmp_path / "p.tif", pixels, depth=32)
    picture = read_picture(tmp_path / "p.tif")
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert not picture.linear


@pytest.mark.parametrize("suffix", [".exr", ".tif"])
def test_light_brighter_than_white_survives(tmp_path, suffix):
    pixels = np.array([[[0.5, 1.5, 3.0]]], np.float32)
    write_picture(tmp_path / f"p{suffix}", pixels, depth=32, linear=True)
    np.testing.assert_allclose(read_picture(tmp_path / f"p{suffix}").pixels, pixels, rtol=1e-6)


def test_linear_files_hold_linear_light(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    write_picture(tmp_path / "p.tif", np.full((2, 2, 3), 0.5, np.float32), depth=32, linear=True)
    np.testing.assert_allclose(tifffile.imread(tmp_path / "p.tif"), 0.21404114, rtol=1e-6)


def test_openexr_is_premultiplied_on_disk(tmp_path):
    import OpenEXR

    pixels = linear_to_srgb(np.full((2, 2, 3), 0.5, np.float32))
    write_picture(tmp_path / "p.exr", pixels, alpha=np.full((2, 2), 0.25, np.float32))
    stored = OpenEXR.File(str(tmp_path / "p.exr")).channels()["RGBA"].pixels
    np.testing.assert_allclose(stored[..., :3], 0.125, rtol=1e-5)
    np.testing.assert_array_equal(stored[..., 3], 0.25)


def test_other_programs_see_the_same_rgba(tmp_path):
    # Pillow is no part of the PNG and TIFF writers
    rng = np.random.default_rng(1)
    rgba = rng.integers(0, 256, (6, 5, 4), np.uint8)
    floats = rgba.astype(np.float32) / 255
    for suffix in (".png", ".tif"):
        write_picture(tmp_path / f"p{suffix}", floats[..., :3], alpha=floats[..., 3])
        with Image.open(tmp_path / f"p{suffix}") as image:
            assert image.mode == "RGBA"
            np.testing.assert_array_equal(np.asarray(image), rgba)


def test_writing_rounds_to_nearest_and_clips(tmp_path):
    values = np.array([[-1, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7]], np.float32)
    write_grey(tmp_path / "g.png", values)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "g.png")), [[0, 0, 1, 255, 255]])


# ---- arrays and Pillow images ----


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_integer_arrays(dtype, channels):
    top = np.iinfo(dtype).max
    shape = (4, 5) if channels is None else (4, 5, channels)
    array = np.random.default_rng(0).integers(0, top + 1, shape).astype(dtype)
    picture = read_picture(array)
    expected = array.reshape(4, 5, -1)[..., :3] / np.float32(top)
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to(expected, (4, 5, 3)))
    assert (picture.alpha is not None) == (channels == 4)
    assert picture.depth == 8 * np.dtype(dtype).itemsize
    assert picture.path is None


def test_float_arrays_are_not_copied():
    array = np.random.default_rng(0).random((4, 5, 3), np.float32)
    assert np.shares_memory(read_picture(array).pixels, array)
    np.testing.assert_allclose(read_picture(array.astype(np.float64)).pixels, array)


def test_pillow_images_in():
    rgb = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    np.testing.assert_array_equal(read_picture(Image.fromarray(rgb)).pixels, rgb / np.float32(255))


def test_grey_from_equal_and_from_different_channels():
    grey = np.random.default_rng(0).random((4, 5), np.float32)
    np.testing.assert_array_equal(read_grey(np.dstack([grey] * 3))[0], grey)
    coloured = np.zeros((1, 1, 3), np.float32)
    coloured[..., 1] = 1
    np.testing.assert_allclose(read_grey(coloured)[0], 0.587, rtol=1e-6)


def test_constant_opacity_is_no_mask():
    rgba = np.full((2, 3, 4), 255, np.uint8)
    rgba[..., :3] = 77
    np.testing.assert_array_equal(read_grey(rgba)[0], np.full((2, 3), 77 / np.float32(255)))


def test_boolean_mask():
    np.testing.assert_array_equal(read_grey(np.array([[True, False]]))[0], [[1, 0]])


# ---- 8 bits without the detour ----


@pytest.mark.parametrize(("suffix", "depth"), [*LOSSLESS, (".jpg", 8)])
def test_bytes_are_the_picture_rounded(tmp_path, suffix, depth):
    rng = np.random.default_rng(0)
    pixels, alpha = rng.random((9, 11, 3), np.float32), rng.random((9, 11), np.float32)
    transparent = suffix not in (".jpg", ".bmp")
    path = tmp_path / f"p{suffix}"
    write_picture(path, pixels, alpha=alpha if transparent else None, depth=depth, linear=True)
    picture = read_picture(path)
    colours, opacity = read_bytes(path)
    assert colours.dtype == np.uint8
    np.testing.assert_array_equal(colours, np.rint(picture.pixels.clip(0, 1) * 255))
    if transparent:
        np.testing.assert_array_equal(opacity, np.rint(picture.alpha * 255))
        np.testing.assert_array_equal(read_grey_bytes(path), opacity)
    else:
        assert opacity is None


@given(st.integers(0, 65535))
def test_16_bits_round_to_the_nearest_of_8(value):
    colours, _ = read_bytes(np.full((1, 1), value, np.uint16))
    assert colours[0, 0].tolist() == [round(value / 257)] * 3


# ---- folders ----


def test_a_broken_link_is_called_one(tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
    refused(
        "gone.png: is a link to a file that does not exist", read_picture, tmp_path / "gone.png"
    )


# ---- what is refused on reading: one clear line each ----


def refused(match, function, *arguments, **options):
    with pytest.raises(ImageError, match=match) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)


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


# ---- what is refused on writing ----


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


# ---- destinations ----


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "g.png"
    write_grey(path, np.ones((2, 2), np.float32))
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    refused("No space left on device", write_grey, path, np.zeros((2, 2), np.float32))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.png"]


def test_files_get_ordinary_permissions(tmp_path):
    (tmp_path / "reference").touch()
    write_grey(tmp_path / "g.png", np.ones((2, 2), np.float32))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1
