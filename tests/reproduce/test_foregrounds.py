from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsamatting.errors import ConfigError, ImageError
from lsamatting.foreground import refine_foreground
from lsamatting.foreground.closed_form import closed_form_foreground
from lsamatting.images import read_grey, read_picture, write_grey, write_picture
from reproduce.foregrounds import check_method, missing, prepare
from reproduce.grid import ADOBES, Foreground


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Two foregrounds of noise: one of 8 bit, one of 16."""
    rng = np.random.default_rng(0)
    ramp = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (36, 1))
    for folder in ("fg", "alpha"):
        (tmp_path / folder).mkdir()
    for name, depth in (("a", 8), ("b", 16)):
        noise = rng.random((36, 40, 3), dtype=np.float32)
        write_picture(tmp_path / "fg" / f"{name}.png", noise, depth=depth)
        write_grey(tmp_path / "alpha" / f"{name}.png", ramp, depth=8)
    return tmp_path


def made_by(method: str, folder: str = "new") -> Foreground:
    return Foreground("ours", folder, method, "ours")


@pytest.mark.parametrize("method", ["multilevel", "closed-form"])
def test_every_foreground_is_made_by_the_method(train: Path, method: str) -> None:
    said: list[str] = []
    prepare(made_by(method), train, say=said.append, workers=1)
    assert len(said) == 1
    for name, depth in (("a", 8), ("b", 16)):
        source = read_picture(train / "fg" / f"{name}.png").pixels
        alpha, _ = read_grey(train / "alpha" / f"{name}.png")
        expected = (
            closed_form_foreground(source, alpha)
            if method == "closed-form"
            else refine_foreground(source, alpha, method=method)
        )
        made = read_picture(train / "new" / f"{name}.png")
        assert made.depth == depth
        np.testing.assert_allclose(made.pixels, np.clip(expected, 0, 1), atol=0.51 / 255)


def test_what_is_there_is_kept(train: Path) -> None:
    ours = made_by("multilevel")
    prepare(ours, train, say=lambda _: None, workers=1)
    (train / "new" / "a.png").unlink()
    kept = (train / "new" / "b.png").stat()
    assert [pair[0].stem for pair in missing(ours, train)] == ["a"]
    prepare(ours, train, say=lambda _: None, workers=1)
    assert missing(ours, train) == []
    assert (train / "new" / "b.png").stat() == kept
    prepare(ours, train, say=pytest.fail)


def test_methods_do_not_mix_in_a_folder(train: Path) -> None:
    prepare(made_by("multilevel"), train, say=lambda _: None, workers=1)
    (train / "new" / "a.png").unlink()
    with pytest.raises(ConfigError, match=r"multilevel, not exact; give foregrounds\.ours an"):
        check_method(made_by("exact"), train)
    with pytest.raises(ConfigError, match="multilevel, not exact"):
        prepare(made_by("exact"), train, say=lambda _: None, workers=1)
    prepare(made_by("multilevel"), train, say=lambda _: None, workers=1)
    with pytest.raises(ConfigError, match="multilevel, not exact"):
        prepare(made_by("exact"), train, say=pytest.fail)  # although nothing is missing
    check_method(made_by("exact", folder="other"), train)
    (train / "new" / "made_by.json").write_text("")
    with pytest.raises(ConfigError, match="does not say how its folder was made"):
        check_method(made_by("exact"), train)


def test_the_training_sets_own_need_no_making(train: Path) -> None:
    assert missing(ADOBES, train) == []
    prepare(ADOBES, train, say=pytest.fail)


def test_a_folder_elsewhere_is_written_there(train: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else" / "where"
    prepare(made_by("multilevel", str(elsewhere)), train, say=lambda _: None, workers=1)
    assert {file.name for file in elsewhere.glob("*.png")} == {"a.png", "b.png"}
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        prepare(
            made_by("exact", str(tmp_path / "file" / "x")), train, say=lambda _: None, workers=1
        )


def test_a_pair_of_different_sizes_is_named(train: Path) -> None:
    write_grey(train / "alpha" / "a.png", np.ones((5, 4), np.float32), depth=8)
    with pytest.raises(ImageError, match=r"alpha/a\.png: 4x5 pixels, but .*fg/a\.png has 40x36"):
        prepare(made_by("multilevel"), train, say=lambda _: None, workers=1)
