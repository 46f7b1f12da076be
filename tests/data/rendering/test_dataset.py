from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from lsamatting.data.layout import AimFolder
from lsamatting.data.rendering import dataset
from lsamatting.data.rendering.dataset import VIEWS, Recipe, kind_of, render_dataset
from lsamatting.data.rendering.renderer import RenderingError
from lsamatting.errors import ConfigError, DatasetError, MissingExtraError


@pytest.fixture
def make(tmp_path, photo_folder, renderer):
    def made(count, *, seed=0, out=None, use=renderer, kinds=("glass", "twigs")):
        return render_dataset(
            out or tmp_path / "out",
            count=count,
            seed=seed,
            photos=[photo_folder],
            kinds=list(kinds),
            progress=False,
            renderer=use,
        )

    return made


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")
    }


def test_a_dataset_is_one_to_train_on(make, tmp_path, photo_folder):
    assert make(3) == 3
    out = tmp_path / "out"
    pairs = AimFolder(out, background_folders=(photo_folder,)).pairs
    assert len(pairs) == 3
    foreground, alpha = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in pairs[0])
    assert foreground.shape == (*alpha.shape, 3)
    assert min(alpha.shape) >= 512
    assert alpha.min() == 0
    assert alpha.max() == 255
    # The disc's colour goes on where nothing is.
    assert np.ptp(foreground, axis=(0, 1)).max() <= 3
    assert (out / "contact_sheet.jpg").exists()


def test_an_item_depends_on_seed_and_index_alone(make, tmp_path):
    make(5)
    whole = contents(tmp_path / "out")
    make(2, out=tmp_path / "again")
    fewer = contents(tmp_path / "again")
    assert len(fewer) == 4
    assert all(whole[name] == content for name, content in fewer.items())
    make(2, out=tmp_path / "other", seed=1)
    assert set(contents(tmp_path / "other").values()).isdisjoint(fewer.values())


def test_what_is_missing_is_rendered_and_nothing_else(make, tmp_path, renderer):
    make(6)
    before = contents(tmp_path / "out")
    lost = sorted((tmp_path / "out" / "alpha").iterdir())[1]
    lost.unlink()
    renderer.rendered.clear()
    assert make(7) == 2
    assert renderer.rendered == ["000001", "000006"]
    after = contents(tmp_path / "out")
    assert before.items() <= after.items()


def test_views_of_a_scene_are_of_one_kind(photo_folder):
    recipe = Recipe(0, (photo_folder,))
    kinds = [kind_of(recipe, index) for index in range(40 * VIEWS)]
    assert set(kinds) == set(dataset.KINDS)
    for scene in range(40):
        assert len(set(kinds[scene * VIEWS : (scene + 1) * VIEWS])) == 1


def test_a_crash_costs_one_scene(make, tmp_path, renderer):
    def crashing(folder):
        names = json.loads((folder / "scene.json").read_text())["views"]
        if "000000" in names:
            raise RenderingError("the renderer ended with code -11: it said nothing")
        renderer(folder)

    with pytest.raises(DatasetError, match=r"scenes 0 are missing .*code -11.*run again"):
        make(VIEWS + 1, use=crashing)
    assert len(contents(tmp_path / "out")) == 2
    assert make(VIEWS + 1) == VIEWS
    assert len(contents(tmp_path / "out")) == 2 * (VIEWS + 1)


def test_another_recipe_needs_another_folder(make):
    make(1)
    with pytest.raises(DatasetError, match="seed 0, not 1"):
        make(1, seed=1)


def test_unknown_kinds_are_refused(make):
    with pytest.raises(ConfigError, match=r"'moss' \(accepted: hair, fur"):
        make(1, kinds=["moss"])


def test_without_bpy_the_extra_is_named(tmp_path, photo_folder, monkeypatch):
    import lsamatting.data.rendering.renderer as module

    monkeypatch.setattr(module, "_PROBE", "raise SystemExit(1)")
    with pytest.raises(MissingExtraError, match=r"lsamatting\[render\]"):
        render_dataset(tmp_path / "out", count=1, seed=0, photos=[photo_folder])
    assert not (tmp_path / "out").exists()
