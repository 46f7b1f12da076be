from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from lsamatting.data.synthesis.own_cutouts import OwnCutouts, read_rgba
from lsamatting.errors import DatasetError, ImageError


@pytest.mark.parametrize(("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_rgba_is_read_in_order_and_scale(tmp_path, dtype, largest):
    stored = np.zeros((4, 5, 4), dtype)
    stored[..., 0], stored[..., 1], stored[..., 2] = largest // 5, 0, largest  # blue, green, red
    stored[1:, :, 3] = largest
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    rgba = read_rgba(tmp_path / "a.png")
    np.testing.assert_allclose(rgba[2, 2], [1, 0, 0.2, 1], atol=1e-3)
    assert rgba[0, 0, 3] == 0


def test_a_subject_cut_by_its_file_goes_on_beyond_it(tmp_path):
    stored = np.zeros((60, 60, 4), np.uint8)
    stored[30:, 20:40] = 255  # stands on the lower border
    cv2.imwrite(str(tmp_path / "bust.png"), stored)
    for seed in range(5):
        cutout = OwnCutouts([tmp_path]).render(np.random.default_rng(seed), (200, 160))
        assert cutout.shape == (60, 60)  # no larger than the file
        assert cutout.alpha[-1].max() == 1
        assert cutout.alpha[0].max() == 0


def test_a_subject_in_a_corner_is_shown_all_the_same(tmp_path):
    stored = np.zeros((300, 300, 4), np.uint8)
    stored[2:30, 3:40] = 255
    cv2.imwrite(str(tmp_path / "corner.png"), stored)
    for seed in range(20):
        cutout = OwnCutouts([tmp_path]).render(np.random.default_rng(seed), (200, 160))
        assert cutout.alpha.max() > 0.5 / 255
    (tmp_path / "corner.png").unlink()
    cv2.imwrite(str(tmp_path / "nothing.png"), stored[100:])
    with pytest.raises(DatasetError, match=r"nothing\.png: is transparent everywhere"):
        OwnCutouts([tmp_path]).render(np.random.default_rng(0), (20, 20))


def test_a_cutout_of_one_row_keeps_it(tmp_path):
    cv2.imwrite(str(tmp_path / "line.png"), np.full((1, 3000, 4), 255, np.uint8))
    cutout = OwnCutouts([tmp_path]).render(np.random.default_rng(0), (60, 50))
    assert cutout.alpha.shape[0] == 1


def test_files_that_are_no_pictures_are_named(tmp_path):
    (tmp_path / "x.png").write_bytes(b"?")
    with pytest.raises(ImageError, match=r"x\.png: not a picture"):
        OwnCutouts([tmp_path]).render(np.random.default_rng(0), (20, 20))
    cv2.imwrite(str(tmp_path / "grey.png"), np.zeros((5, 5), np.uint8))
    with pytest.raises(DatasetError, match=r"grey\.png: no alpha channel"):
        read_rgba(tmp_path / "grey.png")


@pytest.mark.parametrize(
    ("mode", "suffix", "cutout"),
    [
        ("RGBA", ".png", True),
        ("LA", ".png", True),
        ("RGBA", ".webp", True),
        ("RGBA", ".tif", True),
        ("RGB", ".png", False),
        ("L", ".png", False),
        ("LAB", ".tif", False),
        ("RGB", ".jpg", False),
        ("CMYK", ".jpg", False),
        ("P", ".png", False),
    ],
)
def test_headers_tell_what_reading_finds(tmp_path, mode, suffix, cutout):
    file = tmp_path / f"x{suffix}"
    Image.new(mode, (6, 5)).save(file)
    for check in (lambda: OwnCutouts([tmp_path]).check(), lambda: read_rgba(file)):
        if cutout:
            check()
        else:
            with pytest.raises((DatasetError, ImageError), match=rf"x\{suffix}: "):
                check()


def test_a_palette_with_a_transparent_colour_is_a_cutout(tmp_path):
    picture = Image.new("P", (6, 5))
    picture.save(tmp_path / "x.png", transparency=0)
    OwnCutouts([tmp_path]).check()
    assert read_rgba(tmp_path / "x.png")[..., 3].max() == 0


def test_every_file_is_checked(tmp_path):
    for number in range(5):
        Image.new("RGBA" if number < 2 else "RGB", (6, 5)).save(tmp_path / f"{number}.png")
    with pytest.raises(DatasetError, match=r"2\.png: no alpha channel, nor have 2 more \(wanted"):
        OwnCutouts([tmp_path]).check()
