from __future__ import annotations

from pathlib import Path

import pytest

from lsamatting.data.layout import AimFolder, TrioFolder
from lsamatting.errors import DatasetError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_pairs_match_by_stem_whatever_the_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "fg/b.jpg", "fg/a.png", "alpha/a.png", "alpha/b.PNG", "fg/notes.txt")
    names = [(fg.name, alpha.name) for fg, alpha in AimFolder(tmp_path).pairs]
    assert names == [("a.png", "a.png"), ("b.jpg", "b.PNG")]


def test_backgrounds_come_from_bg_or_from_other_folders(tmp_path: Path) -> None:
    touch(tmp_path, "bg/x.jpg", "coco/y.jpg", "more/z.jpg")
    assert [file.name for file in AimFolder(tmp_path).backgrounds] == ["x.jpg"]
    others = AimFolder(tmp_path, (tmp_path / "coco", tmp_path / "more"))
    assert [file.name for file in others.backgrounds] == ["y.jpg", "z.jpg"]


def test_foregrounds_may_come_from_another_folder(tmp_path: Path) -> None:
    touch(tmp_path, "fg/a.png", "fg_refined/a.tif", "alpha/a.png")
    [(under_root, _)] = AimFolder(tmp_path, foreground_folder="fg_refined").pairs
    assert under_root == tmp_path / "fg_refined" / "a.tif"
    elsewhere = tmp_path / "elsewhere"
    touch(elsewhere, "b.png")
    with pytest.raises(DatasetError, match=r"b\.png: no file of that name in .*alpha"):
        _ = AimFolder(tmp_path, foreground_folder=str(elsewhere)).pairs


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["fg/a.png"], "alpha: no such folder"),
        (["fg/a.png", "alpha/x.txt"], "alpha: holds no picture"),
        (["fg/a.png", "fg/b.png", "alpha/a.png"], "b.png: no file of that name in"),
        (["fg/a.png", "alpha/a.png", "alpha/c.png", "alpha/d.png"], r"c\.png, .*d\.png: no file"),
        (["fg/a.png", "fg/a.jpg", "alpha/a.png"], "has the same name"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, names: list[str], said: str) -> None:
    touch(tmp_path, *names)
    with pytest.raises(DatasetError, match=said):
        _ = AimFolder(tmp_path).pairs


def test_trios_may_do_without_trimaps_but_not_with_some(tmp_path: Path) -> None:
    touch(tmp_path, "image/a.jpg", "image/b.jpg", "alpha/a.png", "alpha/b.png")
    assert [trio.trimap for trio in TrioFolder(tmp_path).trios] == [None, None]
    touch(tmp_path, "trimap/a.png")
    with pytest.raises(DatasetError, match=r"b\.jpg: no file of that name"):
        _ = TrioFolder(tmp_path).trios
