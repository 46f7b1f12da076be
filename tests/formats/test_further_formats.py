"""AVIF, JPEG 2000, GIF, Netpbm and TGA."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lsamatting.errors import ImageError
from lsamatting.formats.deep import largest_sample
from lsamatting.images import read_picture
from tests.formats.sample_pictures import RGB, bgr, unit


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
