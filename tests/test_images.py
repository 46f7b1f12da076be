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
from tests.sample_images import LOSSLESS, refused

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


def test_a_broken_link_is_called_one(tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
    refused(
        "gone.png: is a link to a file that does not exist", read_picture, tmp_path / "gone.png"
    )


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


def test_the_name_of_a_file_says_its_format_and_a_suffix_that_of_a_stream(tmp_path):
    values, path = np.zeros((2, 3), np.float32), tmp_path / "matte.png"
    with pytest.raises(ImageError, match=r"matte.png: the name says .*\(\.tif\) is for streams"):
        write_grey(path, values, suffix=".tif")
    assert not path.exists()
    write_grey(path, values, suffix=".PNG")
    assert read_grey(path)[0].shape == (2, 3)
