from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from lsamatting.data.synthesis import dataset
from lsamatting.data.synthesis.dataset import KINDS, Painter, Recipe, synthesize_dataset
from lsamatting.errors import ConfigError, DatasetError


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small mattes; in this process only, which is why parallel runs make their own."""
    monkeypatch.setattr(dataset, "SHORTEST_SIDE", 120)
    monkeypatch.setattr(dataset, "LONGEST_SIDE", 160)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make(out, photo_folder, **changes):
    options = {"count": 4, "seed": 7, "photos": [photo_folder], "workers": 1, "progress": False}
    synthesize_dataset(out, **{**options, **changes})
    return contents(out)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_a_valid_matte(kind, photo_folder):
    painter = Painter(Recipe(3, (photo_folder,), kinds=(kind,)))
    for index in range(2):
        cutout = painter.item(index)
        assert cutout.foreground.dtype == cutout.alpha.dtype == np.float32
        assert cutout.foreground.shape == (*cutout.alpha.shape, 3)
        for values in (cutout.foreground, cutout.alpha):
            assert np.isfinite(values).all()
            assert values.min() >= 0
            assert values.max() <= 1
        assert cutout.alpha.max() > 0.2
        partial = (cutout.alpha > 0.02) & (cutout.alpha < 0.98)
        assert partial.mean() > 0.001


@pytest.mark.parametrize("kind", ["fur", "hair", "feathers"])
def test_foreground_is_smooth_where_nothing_is_seen(kind, photo_folder):
    cutout = Painter(Recipe(3, (photo_folder,), kinds=(kind,))).item(0)
    # Away from the subject's edge, where colours may differ from strand to strand.
    empty = cv2.erode((cutout.alpha == 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert empty.any()
    steps = np.abs(np.diff(cutout.foreground, axis=1)).max(axis=2)
    assert steps[empty[:, 1:] & empty[:, :-1]].mean() < 0.02


def test_layout_and_recipe(tmp_path, photo_folder):
    files = make(tmp_path / "set", photo_folder)
    mattes = [name for name in files if name.startswith("alpha/")]
    assert len(mattes) == 4
    assert {name.replace("alpha/", "fg/") for name in mattes} <= set(files)
    assert sorted(name for name in files if name.startswith("bg/")) == [
        f"bg/{n:06d}.jpg" for n in range(3)
    ]
    described = json.loads(files["dataset.json"])
    assert (described["seed"], described["count"]) == (7, 4)
    assert not [name for name in files if name.rpartition("/")[2].startswith(".")]
    foreground = cv2.imread(str(tmp_path / "set" / mattes[0].replace("alpha/", "fg/")), -1)
    alpha = cv2.imread(str(tmp_path / "set" / mattes[0]), -1)
    assert foreground.dtype == alpha.dtype == np.uint8
    assert foreground.shape == (*alpha.shape, 3)


def test_items_do_not_depend_on_count_and_broken_runs_resume(tmp_path, photo_folder):
    whole = make(tmp_path / "whole", photo_folder)
    make(tmp_path / "grown", photo_folder, count=2)
    kept = next((tmp_path / "grown" / "fg").glob("000000*"))
    stamp = kept.stat().st_mtime_ns
    lost = next((tmp_path / "grown" / "alpha").glob("000001*"))
    lost.unlink()
    grown = make(tmp_path / "grown", photo_folder)
    assert grown == whole
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_items_do_not_depend_on_the_number_of_workers(tmp_path, photo_folder, monkeypatch):
    monkeypatch.undo()
    kinds = ["feathers", "fur"]
    alone = make(tmp_path / "alone", photo_folder, kinds=kinds, count=3)
    together = make(tmp_path / "together", photo_folder, kinds=kinds, count=3, workers=2)
    assert alone.keys() == together.keys()
    assert alone["dataset.json"] == together["dataset.json"]
    for name in alone.keys() - {"dataset.json", "contact_sheet.jpg"}:
        one, other = (
            cv2.imdecode(np.frombuffer(made[name], np.uint8), cv2.IMREAD_UNCHANGED).astype(int)
            for made in (alone, together)
        )
        # Sums depend on the number of threads on some processors.
        assert np.abs(one - other).max() <= 1, name
        assert (one != other).mean() < 1e-4, name


def test_users_cutouts_are_used(tmp_path, photo_folder, monkeypatch):
    folder = tmp_path / "cutouts"
    folder.mkdir()
    rgba = np.zeros((200, 200, 4), np.uint8)
    rgba[60:140, 60:140] = (10, 20, 250, 255)
    rgba[..., 1] = np.where(rgba[..., 3] == 0, 255, rgba[..., 1])  # hidden green
    cv2.imwrite(str(folder / "thing.png"), rgba)
    monkeypatch.setattr(dataset, "CUTOUT_SHARE", 1.0)
    make(tmp_path / "set", photo_folder, count=1, cutouts=[folder])
    foreground = cv2.imread(str(tmp_path / "set/fg/000000_cutout.png")).astype(float)
    alpha = cv2.imread(str(tmp_path / "set/alpha/000000_cutout.png"), 0)
    assert 0 < (alpha > 250).mean() < 1
    # The colour of the thing continues where it is transparent; the hidden colour is gone.
    assert (foreground[..., 2] > 3 * foreground[..., 1]).all()


def test_unusable_cutouts_are_named(tmp_path, photo_folder):
    folder = tmp_path / "cutouts"
    folder.mkdir()
    with pytest.raises(DatasetError, match="no pictures found"):
        make(tmp_path / "set", photo_folder, cutouts=[folder])
    cv2.imwrite(str(folder / "opaque.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"opaque\.png: no alpha channel"):
        make(tmp_path / "set", photo_folder, cutouts=[folder])
    assert not (tmp_path / "set").exists()


def test_user_mistakes_are_one_clear_line(tmp_path, photo_folder):
    with pytest.raises(ConfigError, match="unknown kind of matte 'fir'"):
        make(tmp_path / "a", photo_folder, kinds=["fir"])
    with pytest.raises(ConfigError, match="count is 0"):
        make(tmp_path / "a", photo_folder, count=0)
    with pytest.raises(ConfigError, match="workers is 0"):
        make(tmp_path / "a", photo_folder, workers=0)
    with pytest.raises(DatasetError, match="no such folder"):
        make(tmp_path / "a", tmp_path / "missing")
    assert not (tmp_path / "a").exists()
    make(tmp_path / "b", photo_folder, count=1)
    with pytest.raises(DatasetError, match="made with seed 7, not 8"):
        make(tmp_path / "b", photo_folder, count=1, seed=8)
    (tmp_path / "b" / "dataset.json").write_text("{")
    with pytest.raises(DatasetError, match="not a description"):
        make(tmp_path / "b", photo_folder, count=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="file"):
        make(tmp_path / "file", photo_folder, count=1)


def test_cutouts_may_be_the_only_kind(tmp_path, photo_folder):
    folder = tmp_path / "cutouts"
    folder.mkdir()
    rgba = np.full((200, 200, 4), 90, np.uint8)
    rgba[60:140, 60:140, 3] = 255
    cv2.imwrite(str(folder / "thing.png"), rgba)
    make(tmp_path / "set", photo_folder, count=3, cutouts=[folder], kinds=["cutout"])
    names = sorted(path.name for path in (tmp_path / "set/fg").iterdir())
    assert names == [f"{number:06d}_cutout.png" for number in range(3)]
    with pytest.raises(ConfigError, match="unknown kind of matte 'cutout'"):
        make(tmp_path / "other", photo_folder, kinds=["cutout"])
