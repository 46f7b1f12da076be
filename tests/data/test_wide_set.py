from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from lsamatting.data import wide_set
from lsamatting.data.held_out import is_held_out
from lsamatting.data.layout import TrioFolder
from lsamatting.data.wide_set import WideSet, make_wide_set
from lsamatting.errors import ConfigError, DatasetError, ImageError

GREEN, RED = (0, 200, 0), (0, 0, 200)  # OpenCV's order


def names(*, held_out: bool, count: int) -> list[str]:
    numbered = (f"picture{number}" for number in range(1000))
    return [name for name in numbered if is_held_out(Path(name)) == held_out][:count]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WideSet:
    """What is held out is green, what is trained on is red: photographs and foregrounds."""
    monkeypatch.setattr(wide_set, "_SMALLEST", 96)
    monkeypatch.setattr(wide_set, "_LARGEST", 128)
    monkeypatch.setattr(wide_set, "_PROCEDURAL_SIDES", (96, 128))
    for folder in ("photos", "cut/fg", "cut/alpha"):
        (tmp_path / folder).mkdir(parents=True)
    alpha = np.zeros((90, 80), np.uint8)
    cv2.circle(alpha, (40, 45), 25, 255, -1)
    for held_out, colour in ((True, GREEN), (False, RED)):
        for name in names(held_out=held_out, count=3):
            picture = np.full((90, 80, 3), colour, np.uint8)
            cv2.imwrite(str(tmp_path / "photos" / f"{name}.png"), picture)
            cv2.imwrite(str(tmp_path / "cut/fg" / f"{name}.png"), picture)
            cv2.imwrite(str(tmp_path / "cut/alpha" / f"{name}.png"), alpha)
    return WideSet(3, (tmp_path / "photos",), (tmp_path / "cut",), kinds=("solids",))


def test_the_set_is_what_evaluation_reads_and_holds_only_what_is_held_out(
    recipe: WideSet, tmp_path: Path
) -> None:
    assert make_wide_set(tmp_path / "out", recipe, count=8) == 8
    trios = TrioFolder(tmp_path / "out").trios
    assert [trio.name.split("_", 1)[1] for trio in trios] == [
        *["solids", "cut"] * 3,
        *["solids"] * 2,  # each of the three foregrounds is used once
    ]
    for trio in trios:
        image = cv2.imread(str(trio.image)).astype(int)
        alpha, trimap = (cv2.imread(str(file), 0) for file in (trio.alpha, trio.trimap))
        assert image.shape[:2] == alpha.shape == trimap.shape
        assert max(alpha.shape) <= 128
        assert set(np.unique(trimap)) <= {0, 128, 255}
        assert (trimap == 128).any()
        assert (trimap == 0).mean() >= 0.02
        assert (alpha[trimap == 0] <= 13).all()
        assert (alpha[trimap == 255] >= 242).all()
        # Nothing here is as red as what is trained on.
        assert image[..., 1].mean() > image[..., 2].mean()
    listed = json.loads((tmp_path / "out" / "wide.json").read_text())
    assert listed["backgrounds"] == sorted(names(held_out=True, count=3))


def test_a_seed_is_one_set_and_a_started_one_is_continued(recipe: WideSet, tmp_path: Path) -> None:
    make_wide_set(tmp_path / "whole", recipe, count=3)
    assert make_wide_set(tmp_path / "parts", recipe, count=1) == 1
    assert make_wide_set(tmp_path / "parts", recipe, count=3) == 2
    files = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.png")]
    assert len(files) == 9
    for file in files:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()
    other = WideSet(4, recipe.photos, recipe.foregrounds, recipe.kinds)
    with pytest.raises(DatasetError, match="seed"):
        make_wide_set(tmp_path / "parts", other, count=3)


def test_impossible_sets_are_refused_before_anything_is_written(
    recipe: WideSet, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="count"):
        make_wide_set(out, recipe, count=0)
    with pytest.raises(ConfigError, match="stone"):
        make_wide_set(out, WideSet(0, recipe.photos, kinds=("stone",)), count=1)
    for name in names(held_out=True, count=3):
        (tmp_path / "photos" / f"{name}.png").unlink()
    with pytest.raises(DatasetError, match="held-out"):
        make_wide_set(out, recipe, count=1)
    assert not out.exists()


def test_a_foreground_that_leaves_no_known_background_is_left_out(
    recipe: WideSet, tmp_path: Path
) -> None:
    for name in names(held_out=True, count=3):
        everywhere = np.full((90, 80), 120, np.uint8)
        cv2.imwrite(str(tmp_path / "cut/alpha" / f"{name}.png"), everywhere)
    assert make_wide_set(tmp_path / "out", recipe, count=2) == 1
    assert [trio.name for trio in TrioFolder(tmp_path / "out").trios] == ["000_solids"]


def test_photographs_that_pillow_cannot_open_are_used_and_damaged_ones_named(
    recipe: WideSet, tmp_path: Path
) -> None:
    for photo in (tmp_path / "photos").iterdir():
        picture = np.full((90, 80, 3), 0.4, np.float32)
        tifffile.imwrite(photo.with_suffix(".tif"), picture, photometric="rgb")
        photo.unlink()
    assert make_wide_set(tmp_path / "out", recipe, count=2) == 2
    for photo in (tmp_path / "photos").iterdir():
        photo.write_bytes(photo.read_bytes()[:40])
    with pytest.raises(ImageError, match=r"\.tif: the file is damaged"):
        make_wide_set(tmp_path / "other", recipe, count=2)
