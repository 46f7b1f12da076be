"""Resolution and camera data, from file to file."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from lsamatting.errors import ImageError
from lsamatting.formats.metadata import sensible_dpi
from lsamatting.images import read_picture, write_grey, write_picture

RGB = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
BASE = ExifTags.Base


def photograph(path, **options):
    exif = Image.Exif()
    exif[BASE.Orientation] = 6
    exif[BASE.Artist] = "A. Nobody"
    exif[ExifTags.IFD.Exif] = {
        BASE.ExposureTime: 0.01,
        BASE.ExifImageWidth: 24,
        BASE.MakerNote: b"offsets into a file that is gone",
        BASE.ColorSpace: 65535,
        BASE.BodySerialNumber: "SN-4711",
        BASE.CameraOwnerName: "A. Nobody at home",
    }
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (52.0, 31.0, 12.0),
    }
    Image.fromarray(RGB).save(path, exif=exif, dpi=(300, 300), **options)
    return path


@pytest.mark.parametrize("source", ["p.jpg", "p.png"])
@pytest.mark.parametrize("target", ["out.png", "out.jpg", "out.webp"])
def test_camera_data_comes_along_upright(tmp_path, source, target):
    picture = read_picture(photograph(tmp_path / source))
    write_picture(tmp_path / target, picture.pixels, metadata=picture.metadata)
    with Image.open(tmp_path / target) as image:
        exif = image.getexif()
        assert image.size == (16, 24)  # turned
        assert BASE.Orientation not in exif
        assert exif[BASE.Artist] == "A. Nobody"
        camera = exif.get_ifd(ExifTags.IFD.Exif)
        assert float(camera[BASE.ExposureTime]) == pytest.approx(0.01)
        assert camera[BASE.ColorSpace] == 1
        assert BASE.MakerNote not in camera
        assert BASE.ExifImageWidth not in camera
    assert read_picture(tmp_path / target).size == (16, 24)


@pytest.mark.parametrize("source", ["p.jpg", "p.png", "p.webp"])
@pytest.mark.parametrize("target", ["out.png", "out.jpg", "out.webp"])
def test_neither_place_nor_owner_travels(tmp_path, source, target):
    photograph(tmp_path / source)
    with Image.open(tmp_path / source) as image:
        assert image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    picture = read_picture(tmp_path / source)
    write_picture(tmp_path / target, picture.pixels, metadata=picture.metadata)
    with Image.open(tmp_path / target) as image:
        exif = image.getexif()
        assert ExifTags.IFD.GPSInfo not in exif
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
        camera = exif.get_ifd(ExifTags.IFD.Exif)
    assert BASE.ExposureTime in camera
    assert BASE.BodySerialNumber not in camera
    assert BASE.CameraOwnerName not in camera
    assert b"SN-4711" not in (tmp_path / target).read_bytes()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".bmp"])
def test_resolution_comes_along(tmp_path, suffix, depth):
    if depth == 16 and suffix in (".jpg", ".bmp"):
        pytest.skip("8 bits only")
    picture = read_picture(photograph(tmp_path / "p.jpg"))
    colours, grey = tmp_path / f"c{suffix}", tmp_path / f"g{suffix}"
    write_picture(colours, picture.pixels, depth=depth, metadata=picture.metadata)
    write_grey(grey, picture.pixels[..., 0], depth=depth, metadata=picture.metadata)
    for path in (colours, grey):
        assert read_picture(path).metadata.dpi == pytest.approx((300, 300), abs=0.1)
        with Image.open(path) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert not image.getexif().get(BASE.Artist) or path == colours


@pytest.mark.parametrize(
    "value", [None, (0, 0), (float("nan"), 72), ("x", "y"), 72, (1, 1), (72,), (1e9, 1e9)]
)
def test_resolutions_that_are_none(value):
    assert sensible_dpi(value) is None


def test_broken_camera_data_is_left_out(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", exif=b"Exif\0\0II*\0" + b"\xff" * 40)
    assert read_picture(buffer.getvalue()).metadata.exif is None


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_colours_say_that_they_are_srgb_and_mattes_say_nothing(tmp_path, suffix):
    pixels = RGB.astype(np.float32) / 255
    write_picture(tmp_path / f"c{suffix}", pixels)
    write_grey(tmp_path / f"g{suffix}", pixels[..., 0])
    with Image.open(tmp_path / f"c{suffix}") as image:
        assert b"acsp" in image.info["icc_profile"]
    with Image.open(tmp_path / f"g{suffix}") as image:
        assert "icc_profile" not in image.info
    assert read_picture(tmp_path / f"c{suffix}").notes == ()


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality(tmp_path, suffix):
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    noise = np.random.default_rng(0).random((64, 64, 3), np.float32)
    pixels = 0.5 * noise + 0.5 * ramp[:, None, None]
    sizes = []
    for quality in (20, 90):
        write_picture(tmp_path / f"p{suffix}", pixels, quality=quality)
        sizes.append((tmp_path / f"p{suffix}").stat().st_size)
    assert sizes[0] < 0.6 * sizes[1]
    with pytest.raises(ImageError, match="quality 101; accepted are 1 to 100"):
        write_picture(tmp_path / f"p{suffix}", pixels, quality=101)


def test_lossy_webp_keeps_its_opacity_and_a_matte_everything(tmp_path):
    alpha = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.float32) / 255
    write_picture(tmp_path / "c.webp", np.dstack([alpha] * 3), alpha=alpha, quality=30)
    np.testing.assert_array_equal(read_picture(tmp_path / "c.webp").alpha, alpha)
    write_grey(tmp_path / "g.webp", alpha, quality=30)
    np.testing.assert_array_equal(read_picture(tmp_path / "g.webp").pixels[..., 0], alpha)


@pytest.mark.parametrize("suffix", [".png", ".TIF", ".jpg", ".webp", ".bmp", ".exr"])
def test_streams_hold_what_files_hold(tmp_path, suffix):
    pixels = RGB.astype(np.float32) / 255
    stream = io.BytesIO()
    write_picture(stream, pixels, suffix=suffix)
    write_picture(tmp_path / f"p{suffix}", pixels)
    assert stream.getvalue() == (tmp_path / f"p{suffix}").read_bytes()
    stream = io.BytesIO()
    write_grey(stream, pixels[..., 0], suffix=suffix)
    np.testing.assert_allclose(
        read_picture(stream.getvalue(), transfer="gamma").pixels[..., 0], pixels[..., 0], atol=0.04
    )


def test_a_stream_needs_a_format():
    with pytest.raises(ImageError, match="a stream needs a suffix"):
        write_picture(io.BytesIO(), np.zeros((2, 2, 3), np.float32))
    with pytest.raises(ImageError, match=r"the stream: unknown file type '\.xyz'"):
        write_picture(io.BytesIO(), np.zeros((2, 2, 3), np.float32), suffix=".xyz")
