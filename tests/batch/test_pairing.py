from __future__ import annotations

from pathlib import Path

import pytest

from lsamatting.batch.addresses import STREAM
from lsamatting.batch.pairing import pair_up, search
from lsamatting.errors import ConfigError, ImageError, LsamattingError, TrimapError


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_files_and_folders_in_order(tmp_path):
    tree(tmp_path, "one.png", "more/z.jpg", "more/a.avif", "more/x.txt", "more/deep/q.gif")
    looked = search([tmp_path / "one.png", tmp_path / "more"])
    assert [item.name for item in looked.found] == ["one", "a", "z"]
    assert looked.batch
    assert [Path(path).name for path, _ in looked.skipped] == ["x.txt"]
    names = [item.name for item in search([tmp_path / "more"], recursive=True).found]
    assert names == ["a", "deep/q", "z"]


def test_results_and_guides_inside_the_folder_are_no_pictures(tmp_path):
    tree(tmp_path, "a.png", "out/a.png", "trimaps/a.png", "out/deep/b.png")
    pairing = pair_up(
        [tmp_path], tmp_path / "trimaps", recursive=True, leave_out=[tmp_path / "out"]
    )
    assert [(pair.name, Path(pair.guide).name) for pair in pairing.pairs] == [("a", "a.png")]
    assert pairing.unpaired == []


def test_guides_are_found_in_folders_of_the_same_names(tmp_path):
    tree(tmp_path, "i/a/1.jpg", "i/b/1.jpg", "g/a/1.png", "g/b/1.png", "g/1.png")
    pairing = pair_up([tmp_path / "i"], tmp_path / "g", recursive=True)
    guides = [Path(pair.guide).relative_to(tmp_path).as_posix() for pair in pairing.pairs]
    assert guides == ["g/a/1.png", "g/b/1.png"]


def test_pictures_without_a_guide_are_kept_apart(tmp_path):
    tree(tmp_path, "i/a.jpg", "i/b.jpg", "i/c.jpg", "g/a.png", "g/b.png", "g/b.tif")
    pairing = pair_up([tmp_path / "i"], tmp_path / "g")
    assert [pair.name for pair in pairing.pairs] == ["a"]
    problems = [problem for _, problem in pairing.unpaired]
    assert "b.png and b.tif are both named" in problems[0]
    assert "no file named c.*" in problems[1]
    with pytest.raises(TrimapError, match=r"no file named c\.\*"):
        pair_up([tmp_path / "i" / "c.jpg"], tmp_path / "g")


def test_one_guide_serves_all(tmp_path):
    tree(tmp_path, "i/a.jpg", "i/b.jpg", "t.png")
    pairing = pair_up([tmp_path / "i"], tmp_path / "t.png")
    assert [Path(pair.guide).name for pair in pairing.pairs] == ["t.png", "t.png"]


def test_what_is_refused(tmp_path):
    tree(tmp_path, "i/a.jpg", "j/a.png", "empty/x.txt", "full/deep/a.png", "t.png")
    with pytest.raises(ConfigError, match="would be written to the same file"):
        search([tmp_path / "i", tmp_path / "j"])
    with pytest.raises(ImageError, match=r"empty: no picture in this folder$"):
        search([tmp_path / "empty"])
    with pytest.raises(ImageError, match="--recursive looks into its folders too"):
        search([tmp_path / "full"])
    with pytest.raises(ImageError, match="no such file or folder"):
        search([tmp_path / "none.png"])
    with pytest.raises(TrimapError, match="no such file or folder"):
        pair_up([tmp_path / "i"], tmp_path / "none.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "none.png")
    with pytest.raises(ImageError, match="a link to a file that does not exist"):
        search([tmp_path / "gone.png"])
    with pytest.raises(ConfigError, match="standard input"):
        pair_up([STREAM], STREAM)


def test_results_beside_the_pictures_do_not_hide_them(tmp_path):
    tree(tmp_path, "i/a.jpg", "t.png")
    for results in (tmp_path / "i", tmp_path):
        assert pair_up([tmp_path / "i"], tmp_path / "t.png", leave_out=[results]).pairs


def test_patterns_name_pictures_below_what_is_fixed_in_them(tmp_path):
    tree(tmp_path, "i/x/1.jpg", "i/y/1.jpg", "i/y/2.png", "i/y/.3.jpg", "g/x/1.png", "g/y/1.png")
    pairing = pair_up([f"{tmp_path}/i/**/*.jpg"], f"{tmp_path}/g/**/*.png")
    assert [pair.name for pair in pairing.pairs] == ["x/1", "y/1"]
    assert [Path(p.guide).relative_to(tmp_path).as_posix() for p in pairing.pairs] == [
        "g/x/1.png",
        "g/y/1.png",
    ]
    assert pairing.batch
    with pytest.raises(ImageError, match="no picture fits this pattern"):
        search([f"{tmp_path}/i/*.bmp"])


def test_brackets_in_folders_of_patterns_are_names(tmp_path):
    tree(tmp_path, "raw [2024]/1.jpg", "a/2.jpg")
    assert [item.name for item in search([f"{tmp_path}/raw [2024]/*.jpg"]).found] == ["1"]
    with pytest.raises(ImageError, match="no picture fits this pattern"):
        search([f"{tmp_path}/[ab]/*.jpg"])


def test_urls_are_folders_patterns_and_files_too(store):
    for name in ("i/a.jpg", "i/b.jpg", "i/.c.jpg", "i/deep/d.jpg", "i/note.txt", "g/a.png"):
        store.pipe_file(f"{store.root}/{name}", b"?")
    root = f"memory://{store.root}"
    looked = search([f"{root}/i"])
    assert [(item.name, item.address) for item in looked.found] == [
        ("a", f"{root}/i/a.jpg"),
        ("b", f"{root}/i/b.jpg"),
    ]
    assert looked.skipped == [(f"{root}/i/note.txt", "not a picture that can be read")]
    names = [item.name for item in search([f"{root}/i"], recursive=True).found]
    assert names == ["a", "b", "deep/d"]
    assert [item.name for item in search([f"{root}/i/**/*.jpg"]).found] == names
    pairing = pair_up([f"{root}/i"], f"{root}/g")
    assert [(pair.name, pair.guide) for pair in pairing.pairs] == [("a", f"{root}/g/a.png")]
    assert [image for image, _ in pairing.unpaired] == [f"{root}/i/b.jpg"]
    assert not search([f"{root}/i/a.jpg"]).batch
    for wrong in (f"{root}/none", f"{root}/i/none.jpg"):
        with pytest.raises(ImageError, match="no such file or folder"):
            search([wrong])
    with pytest.raises(LsamattingError, match="nowhere"):
        search(["nowhere://bucket/a.jpg"])
