from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from lsamatting.data.cache import PictureCache, decode_background, decode_cutout
from lsamatting.errors import DatasetError, ImageError
from lsamatting.images import read_picture


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    rng = np.random.default_rng(0)
    pairs, backgrounds = [], []
    for number, (height, width) in enumerate([(40, 31), (25, 50), (33, 33)]):
        alpha = np.zeros((height, width), np.uint8)
        alpha[5:20, 5:20] = 255
        alpha[20, 5:20] = 128
        colours = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        pairs.append(
            (
                write(tmp_path / f"fg/{number}.png", colours),
                write(tmp_path / f"alpha/{number}.png", alpha),
            )
        )
        photo = rng.integers(0, 256, (width, height, 3), dtype=np.uint8)
        backgrounds.append(write(tmp_path / f"bg/{number}.png", photo))
    return pairs, backgrounds


@pytest.mark.parametrize("gib", [0, 1, 6000 / 2**30, 25000 / 2**30])
def test_items_are_the_same_whatever_fits(tmp_path: Path, files, gib: float) -> None:
    pairs, backgrounds = files
    cache = PictureCache(pairs, backgrounds, folder=tmp_path / "cache", gib=gib)
    file = cache.prepare()
    assert (file is None) == (gib == 0)
    if file is not None:
        assert file.stat().st_size <= gib * 2**30
    for number in range(3):
        item, expected = cache.cutout(number), decode_cutout(*pairs[number])
        for name in ("foreground", "alpha", "visible", "edge"):
            np.testing.assert_array_equal(getattr(item, name), getattr(expected, name))
        photo, expected_photo = cache.background(number), decode_background(backgrounds[number])
        np.testing.assert_array_equal(photo.picture, expected_photo.picture)
        assert photo.busyness == expected_photo.busyness


def test_points_lie_where_they_say(files) -> None:
    item = decode_cutout(*files[0][0])
    assert {item.alpha[y, x] for x, y in item.edge} == {128}
    assert len(item.visible) == 15 * 16
    assert all(item.alpha[y, x] > 0 for x, y in item.visible)


def test_colours_are_rgb(tmp_path: Path) -> None:
    file = write(tmp_path / "red.png", np.full((4, 4, 3), (0, 0, 255), np.uint8))
    assert decode_background(file).picture[0, 0].tolist() == [255, 0, 0]


def test_texture_is_busier_than_a_ramp(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 3))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    smooth = decode_background(write(tmp_path / "ramp.png", ramp))
    assert smooth.busyness == pytest.approx(1.0)
    assert decode_background(write(tmp_path / "noise.png", noise)).busyness > 20


def test_a_second_cache_finds_the_file_and_a_changed_dataset_replaces_it(
    tmp_path: Path, files
) -> None:
    pairs, backgrounds = files
    first = PictureCache(pairs, backgrounds, folder=tmp_path / "cache", gib=1).prepare()
    assert first is not None
    written = first.stat().st_mtime_ns
    assert PictureCache(pairs, backgrounds, folder=tmp_path / "cache", gib=1).prepare() == first
    assert first.stat().st_mtime_ns == written
    write(backgrounds[0], np.zeros((9, 9, 3), np.uint8))
    cache = PictureCache(pairs, backgrounds, folder=tmp_path / "cache", gib=1)
    assert cache.prepare() != first
    assert not first.exists()
    assert cache.background(0).picture.shape == (9, 9, 3)


def test_a_copy_for_a_worker_leaves_the_pictures_behind(tmp_path: Path, files) -> None:
    cache = PictureCache(*files, folder=tmp_path / "cache", gib=1)
    cache.prepare()
    expected = cache.cutout(1).foreground
    copied = pickle.dumps(cache)
    assert len(copied) < 3000
    np.testing.assert_array_equal(pickle.loads(copied).cutout(1).foreground, expected)


def test_broken_files_are_named(tmp_path: Path, files) -> None:
    foreground, alpha = files[0][0]
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(foreground.read_bytes()[:20])
    with pytest.raises(ImageError, match=r"damaged\.png: the file is damaged"):
        decode_background(damaged)
    small = write(tmp_path / "small.png", np.full((3, 4), 255, np.uint8))
    with pytest.raises(DatasetError, match=r"small\.png: 4x3 px, but 0\.png is 31x40"):
        decode_cutout(foreground, small)
    empty = write(tmp_path / "empty.png", np.zeros((40, 31), np.uint8))
    with pytest.raises(DatasetError, match="zero everywhere"):
        decode_cutout(foreground, empty)
    ones = write(tmp_path / "ones.png", np.eye(40, 31, dtype=np.uint8))
    with pytest.raises(DatasetError, match="its values are 0 and 1 only, and white is 255"):
        decode_cutout(foreground, ones)
    deep = write(tmp_path / "deep.png", np.eye(40, 31, dtype=np.uint16))
    with pytest.raises(DatasetError, match="white is 65535"):
        decode_cutout(foreground, deep)
    assert alpha.exists()


def test_training_reads_what_everything_else_reads(tmp_path: Path) -> None:
    """Colours of a profile are converted, a cutout's opacity is its alpha channel."""
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (12, 14, 4), dtype=np.uint8)
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Red and green exchanged: a profile whose effect nobody can miss.
    swapped = swapped.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    Image.fromarray(rgba).save(tmp_path / "cutout.png", icc_profile=swapped)
    item = decode_cutout(tmp_path / "cutout.png", tmp_path / "cutout.png")
    picture = read_picture(tmp_path / "cutout.png")
    np.testing.assert_array_equal(item.foreground, np.rint(picture.pixels * 255))
    assert np.abs(item.foreground.astype(int) - rgba[..., [1, 0, 2]]).max() <= 2
    np.testing.assert_array_equal(item.alpha, rgba[..., 3])
    photo = decode_background(tmp_path / "cutout.png").picture
    np.testing.assert_array_equal(photo, item.foreground)
