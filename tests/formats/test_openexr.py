"""OpenEXR: opacity, windows, layers and parts."""

import numpy as np
import OpenEXR
import pytest

from lsamatting.colour import linear_to_srgb
from lsamatting.errors import ImageError
from lsamatting.images import read_grey, read_picture
from tests.formats.sample_pictures import FLOAT, write_exr


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
