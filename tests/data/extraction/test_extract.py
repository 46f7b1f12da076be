from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lsamatting.data.extraction.extract import cut_out, extract_dataset
from lsamatting.data.extraction.rough_mask import rough_mask
from lsamatting.data.extraction.subjects import Subject
from lsamatting.errors import DatasetError


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A reddish disk and a reddish square on noisy green, and the opacity of the disk."""
    rng = np.random.default_rng(0)
    alpha = np.zeros((150, 200), np.float32)
    cv2.circle(alpha, (60, 75), 40, 1, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.2)
    both = alpha.copy()
    both[20:60, 150:190] = 1
    front = np.array([200, 60, 50]) + rng.normal(0, 8, (150, 200, 3))
    back = np.array([40, 130, 60]) + rng.normal(0, 8, (150, 200, 3))
    picture = both[..., None] * front + (1 - both[..., None]) * back
    return picture.clip(0, 255).astype(np.uint8), alpha


def test_the_mask_is_the_subject_in_the_box(scene) -> None:
    picture, alpha = scene
    mask = rough_mask(picture, Subject("disk", box=(5, 10, 60, 95)))
    assert (mask != (alpha > 0.5)).mean() < 0.01
    np.testing.assert_array_equal(mask, rough_mask(picture, Subject("disk", box=(5, 10, 60, 95))))


def test_an_outline_and_strokes_tell_what_belongs_to_it(scene) -> None:
    picture, alpha = scene
    disk = alpha > 0.5
    outlined = rough_mask(picture, Subject("a", outline=(5, 10, 60, 10, 60, 95, 5, 95)))
    assert (outlined != disk).mean() < 0.01
    both = rough_mask(picture, Subject("a", box=(2, 2, 98, 98)))
    assert both[25:55, 155:185].all()
    crossed_out = Subject("a", box=(2, 2, 98, 98), outside=((78, 20, 92, 20, 92, 34, 78, 34),))
    assert not rough_mask(picture, crossed_out)[25:55, 155:185].all()
    kept = Subject("a", box=(2, 2, 98, 98), inside=((90, 80),))
    assert rough_mask(picture, kept)[119:121, 178:181].shape == (2, 3)


def test_where_nothing_stands_out_the_photograph_is_named() -> None:
    flat = np.full((60, 80, 3), 90, np.uint8)
    with pytest.raises(DatasetError, match="plain"):
        rough_mask(flat, Subject("plain"))


def test_a_cutout_has_the_subjects_opacity_and_colours_and_is_cut_down_to_it(scene) -> None:
    picture, alpha = scene
    found = cut_out(picture, Subject("disk", box=(5, 10, 60, 95), band=(3, 3)))
    height, width = found.alpha.shape
    assert found.foreground.shape == (height, width, 3)
    assert 80 < height < 125
    assert 80 < width < 125
    rows, columns = np.nonzero(found.alpha > 127)
    assert abs(rows.size - (alpha > 0.5).sum()) < 0.05 * rows.size
    # Nothing of the green behind is left in the colours, however little shows of them.
    assert (found.foreground[..., 0].astype(int) > found.foreground[..., 1]).all()
    assert rows.min() > 0
    assert columns.min() > 0


def test_cutouts_are_named_after_their_photographs_and_made_once(scene, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "disk.png"), scene[0][..., ::-1])
    subjects = [Subject("disk", box=(5, 10, 60, 95), band=(3, 3))]
    assert extract_dataset(tmp_path / "out", subjects, [photos]) == 1
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    assert {str(path.relative_to(tmp_path / "out")) for path in made} == {
        "fg/disk.png",
        "alpha/disk.png",
    }
    assert extract_dataset(tmp_path / "out", subjects, [photos]) == 0
    assert made == {path: path.stat().st_mtime_ns for path in made}
    with pytest.raises(DatasetError, match="cat"):
        extract_dataset(tmp_path / "other", [Subject("cat")], [photos])
    assert not (tmp_path / "other").exists()


def test_what_is_marked_anew_is_cut_out_anew_and_strangers_are_named(scene, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("disk", "more"):
        cv2.imwrite(str(photos / f"{name}.png"), scene[0][..., ::-1])
    first = [Subject(name, box=(5, 10, 60, 95), band=(3, 3)) for name in ("disk", "more")]
    assert extract_dataset(out, first, [photos]) == 2
    before = (out / "alpha/more.png").read_bytes()
    marked = [first[0], Subject("more", box=(60, 5, 99, 60), band=(3, 3))]
    assert extract_dataset(out, marked, [photos]) == 1
    assert (out / "alpha/more.png").read_bytes() != before
    with pytest.raises(DatasetError, match=r"fg/more\.png.*not on the list of subjects"):
        extract_dataset(out, first[:1], [photos])


def test_two_photographs_of_one_name_are_refused(scene, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "disk.png"), scene[0])
        cv2.imwrite(str(tmp_path / folder / "other.png"), scene[0])
    with pytest.raises(DatasetError, match=r"disk\.png has the same name; keep one"):
        extract_dataset(tmp_path / "out", [Subject("disk")], [tmp_path / "one", tmp_path / "two"])
