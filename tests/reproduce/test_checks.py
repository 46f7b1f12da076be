from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")

from lsamatting.errors import LsamattingError
from reproduce.checks import check
from reproduce.plan import make_plan
from reproduce.reading import read_grid


@pytest.fixture
def checked(grid_file: Any, tmp_path: Path) -> Callable[..., None]:
    def run(content: Any, *rows: str, **options: Any) -> None:
        check(make_plan(read_grid(grid_file(content), **options), tmp_path / "out", list(rows)))

    return run


def test_a_good_grid_passes_and_nothing_is_written(
    content: Any, checked: Any, tmp_path: Path
) -> None:
    checked(content)
    assert not (tmp_path / "out").exists()
    assert not (Path(content["paths"]["train"]) / "fg_ours").exists()


def test_the_shipped_grid_needs_nothing_but_paths(pictures: Path, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "configs" / "ablation.yaml"
    places = {"train": "aim", "test": "trio", "alphamatting": "alphamatting"}
    changes = {name: str(pictures / place) for name, place in places.items()}
    check(make_plan(read_grid(shipped, changes=changes), tmp_path / "out", []))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data.size": "large"}, r"row 'plain': .*data\.size.*large"),
        ({"data.sise": 320}, r"row 'plain': .*'data' does not accept option 'sise'"),
        ({"data.size": 100}, r"row 'plain': data\.size must be a multiple of 32"),
        ({"data.augment.blur": 2.0}, r"row 'plain': blur is a probability, found 2\.0"),
        ({"model.loss.variant": "magic"}, r"row 'plain': .*'paper', 'code'.*magic"),
        ({"model.network.head": "none"}, r"row 'plain': head 'none' is not one of"),
        ({"trainer.max_epochs": 1.5}, r"row 'plain': .*trainer\.max_epochs"),
        ({"run.ema_decay": 3}, r"row 'plain': run\.ema_decay must be in"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_with_its_row(
    content: Any, checked: Any, settings: dict[str, Any], said: str
) -> None:
    content["tables"][0]["rows"][0]["settings"] = settings
    with pytest.raises(LsamattingError, match=said) as caught:
        checked(content)
    assert "\n" not in str(caught.value)
    checked(content, "cf")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("train", r"/fg: no such folder"),
        ("test", r"paths\.test: .*nowhere: no such folder"),
        ("alphamatting", r"paths\.alphamatting: .*nowhere: no such folder"),
        ("backgrounds", r"row 'plain': .*nowhere: no such folder"),
    ],
)
def test_a_missing_folder_is_named(content: Any, checked: Any, path: str, said: str) -> None:
    with pytest.raises(LsamattingError, match=said):
        checked(content, changes={path: "nowhere"})


def test_only_what_the_chosen_rows_need_is_checked(content: Any, checked: Any) -> None:
    checked(content, "plain", changes={"alphamatting": "nowhere"})
    checked(content, "plain", weights={"plain": "lite"}, changes={"train": "nowhere"})


def test_a_test_set_without_truth_is_refused(
    content: Any, checked: Any, pictures: Path, tmp_path: Path
) -> None:
    source = pictures / "alphamatting"
    shutil.copytree(source / "input_training_lowres", tmp_path / "input_lowres")
    for group, origin in (("Trimap1", "Trimap1"), ("Trimap2", "Trimap2"), ("Trimap3", "Trimap1")):
        shutil.copytree(
            source / "trimap_training_lowres" / origin, tmp_path / "trimap_lowres" / group
        )
    content["tables"][1]["layout"] = "alphamatting-test"
    with pytest.raises(LsamattingError, match=r"paths\.alphamatting: .*no true mattes"):
        checked(content, "br", changes={"alphamatting": str(tmp_path)})


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_weights_that_are_none_are_named(
    content: Any, checked: Any, tmp_path: Path, kind: str
) -> None:
    weights = tmp_path / "weights.d"
    if kind == "empty":
        weights.mkdir()
    elif kind == "file":
        weights.touch()
    said = "lacks config.json" if kind == "empty" else "no such weights"
    with pytest.raises(LsamattingError, match=f"row 'cf': .*weights.d.*{said}"):
        checked(content, "cf", weights={"cf": str(weights)})
