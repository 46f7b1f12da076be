from __future__ import annotations

import os
from pathlib import Path

import pytest

from lsamatting.batch.addresses import STREAM
from lsamatting.cli.outputs import (
    check_can_be_made,
    destination,
    folders_to_make,
    refuse_replacing,
    refuse_twice,
)
from lsamatting.errors import ConfigError


def test_a_file_is_known_by_any_of_its_names(tmp_path):
    (tmp_path / "photo.png").touch()
    (tmp_path / "link.png").symlink_to("photo.png")
    os.link(tmp_path / "photo.png", tmp_path / "hard.png")
    (tmp_path / "folder").mkdir()
    for name in ("photo.png", "link.png", "hard.png", "folder/../photo.png"):
        with pytest.raises(ConfigError, match="would replace an input"):
            refuse_replacing([tmp_path / name], [tmp_path / "photo.png"])
        with pytest.raises(ConfigError, match="would replace an input"):
            refuse_replacing([tmp_path / "photo.png"], [None, tmp_path / name])
    refuse_replacing([tmp_path / "other.png", STREAM], [tmp_path / "photo.png", STREAM, None])


def test_folders_are_protected_as_such(tmp_path):
    (tmp_path / "alpha").mkdir()
    with pytest.raises(ConfigError, match="alpha: would replace an input"):
        refuse_replacing([tmp_path / "alpha"], [tmp_path / "x" / ".." / "alpha"])


def test_two_results_in_one_file(tmp_path):
    refuse_twice([tmp_path / "a.png", tmp_path / "b.png", STREAM])
    for twice in (tmp_path / "a.png", STREAM):
        with pytest.raises(ConfigError, match="two outputs"):
            refuse_twice([twice, tmp_path / "b.png", twice])


def test_destinations(tmp_path):
    assert destination("-o", Path("a.tif"), "x", batch=False) == Path("a.tif")
    assert destination("-o", tmp_path, "x", batch=False) == tmp_path / "x.png"
    out = tmp_path / "new"
    assert destination("-o", out, "x", batch=False) == out / "x.png"
    (tmp_path / "file").touch()
    assert destination("-o", tmp_path / "file", "x", batch=False) == tmp_path / "file"
    assert destination("-o", Path(STREAM), "x", batch=False) == Path(STREAM)
    assert destination("-o", out, "sub/x", batch=True, suffix=".exr") == out / "sub/x.exr"
    for wrong in (Path("a.png"), Path(STREAM)):
        with pytest.raises(ConfigError, match="several pictures need a folder"):
            destination("-o", wrong, "x", batch=True)


def test_only_what_stands_for_a_folder_makes_one(tmp_path):
    named, folder = tmp_path / "new" / "a.png", tmp_path / "other"
    assert folders_to_make([(named, named), (folder, folder / "a.png")]) == {folder}
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        folders_to_make([(tmp_path / "file" / "x", tmp_path / "file" / "x" / "a.png")])


def test_folders_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    check_can_be_made(tmp_path / "a" / "b" / "c")
    with pytest.raises(ConfigError, match="Not a directory"):
        check_can_be_made(tmp_path / "file" / "b")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(ConfigError, match=r"cannot be made \(no permission"):
        check_can_be_made(tmp_path / "a" / "b")
    with pytest.raises(ConfigError, match="cannot be written to"):
        check_can_be_made(tmp_path)
