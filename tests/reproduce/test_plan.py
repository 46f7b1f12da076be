from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsamatting.errors import ConfigError
from reproduce.plan import make_plan
from reproduce.reading import read_grid
from reproduce.settings import write_yaml

OUT = Path("out")


def test_rows_that_differ_in_evaluation_share_a_training(content: Any, grid_file: Any) -> None:
    plan = make_plan(read_grid(grid_file(content)), OUT, [])
    assert {t.name: t.rows for t in plan.trainings} == {
        "plain": ("plain",),
        "cf": ("cf",),
        "rf-ca": ("rf-ca", "rf-ca-tta"),
        "no-br": ("no-br", "br"),
    }
    assert [step.weights for step in plan.steps] == [
        str(OUT / name / "weights") for name in ("plain", "cf", "rf-ca", "rf-ca", "no-br", "no-br")
    ]
    assert [foreground.name for foreground in plan.foregrounds] == ["closed-form", "ours"]


def test_a_choice_of_rows_finds_the_same_folders(content: Any, grid_file: Any) -> None:
    plan = make_plan(read_grid(grid_file(content)), OUT, ["br", "rf-ca-tta"])
    assert [step.row.name for step in plan.steps] == ["rf-ca-tta", "br"]
    assert [training.folder for training in plan.trainings] == [OUT / "rf-ca", OUT / "no-br"]
    assert [foreground.name for foreground in plan.foregrounds] == ["ours"]
    with pytest.raises(ConfigError, match="no row 'x'; accepted: plain, cf"):
        make_plan(plan.grid, OUT, ["x"])


def test_given_weights_need_no_training(content: Any, grid_file: Any) -> None:
    grid = read_grid(grid_file(content), weights={"rf-ca-tta": "lite", "cf": "elsewhere"})
    plan = make_plan(grid, OUT, [])
    assert [training.name for training in plan.trainings] == ["plain", "rf-ca", "no-br"]
    assert {step.row.name: step.weights for step in plan.steps if not step.training} == {
        "cf": "elsewhere",
        "rf-ca-tta": "lite",
    }
    assert not any(f.name == "closed-form" for f in plan.foregrounds)


def test_weights_that_are_given_besides_leave_the_folders_as_they_are(
    content: Any, grid_file: Any
) -> None:
    grid = read_grid(grid_file(content), weights={"rf-ca": "lite"})
    plan = make_plan(grid, OUT, [])
    [training] = [t for t in plan.trainings if t.rows == ("rf-ca-tta",)]
    assert training.folder == OUT / "rf-ca"


def test_a_training_is_told_where_its_data_are(content: Any, grid_file: Any) -> None:
    changes = {"backgrounds": "coco"}
    plan = make_plan(read_grid(grid_file(content), changes=changes), OUT, ["rf-ca-tta"])
    [training] = plan.trainings
    data, run = training.config["data"], training.config["run"]
    assert data["root"] == content["paths"]["train"]
    assert data["foreground_folder"] == "fg_ours"
    assert data["backgrounds"] == [str(Path("coco").resolve())]
    assert data["cache_folder"] == str((OUT / "cache").resolve())
    assert Path(run["folder"]) / run["name"] == (OUT / "rf-ca").resolve()
    content["settings"]["data.cache_folder"] = "/fast"
    assert (
        make_plan(read_grid(grid_file(content)), OUT, [])
        .trainings[0]
        .config["data"]["cache_folder"]
        == "/fast"
    )


def test_the_plan_in_words_tells_what_is_there(
    content: Any, grid_file: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    plan = make_plan(read_grid(grid_file(content), weights={"cf": "lite"}), out, [])
    for name in ("plain", "rf-ca"):
        (out / name / "weights").mkdir(parents=True)
    (out / "plain" / "finished").touch()
    (out / "rf-ca" / "last.ckpt").touch()
    (out / "rf-ca" / "metrics.csv").write_text("step,loss\n50,1\n100,1\n")
    (out / "results").mkdir()
    header = {"record": "header", "format": 1, "method": {}, "dataset": {"pictures": 1}}
    picture = {"record": "picture", "name": "a", "group": None, "unknown": 1, "size": [1, 1]}
    lines = [json.dumps(header), json.dumps({**picture, "seconds": None})]
    (out / "results" / "plain.jsonl").write_text("\n".join([*lines, ""]))
    (out / "results" / "rf-ca.jsonl").write_text(lines[0] + "\n")
    lines = plan.describe()

    def line(start: str) -> str:
        [found] = [line for line in lines if line.startswith(start)]
        return found

    train = content["paths"]["train"]
    assert f"multilevel, {train}/fg -> {train}/fg_ours (3 to be made)" in line("foregrounds ours")
    assert "(finished)" in line("training plain for plain:")
    assert "about step 100" in line("training rf-ca for rf-ca, rf-ca-tta:")
    assert "(to be done)" in line("training no-br for no-br, br")
    assert "given lite" in line("row cf:")
    assert "(complete, but of something else: will be refused)" in line("row plain:")
    assert "(begun)" in line("row rf-ca:")
    assert "(to be done)" in line("row no-br:")
    assert "with tta" in line("row rf-ca-tta:")
    assert "with refine" in line("row br:")
    assert line("table: ") == f"table: {out / 'table.md'}"
    assert not any(line.startswith("foregrounds closed-form") for line in lines)


def test_a_training_begun_otherwise_is_refused(
    content: Any, grid_file: Any, tmp_path: Path
) -> None:
    [training] = make_plan(read_grid(grid_file(content)), tmp_path, ["rf-ca"]).trainings
    training.check_unchanged()
    training.folder.mkdir()
    training.config_file.write_text(write_yaml(training.config))
    same = {"data.workers": "3", "run.checkpoint_steps": "5"}
    [harmless] = make_plan(
        read_grid(grid_file(content), changes=same), tmp_path, ["rf-ca"]
    ).trainings
    harmless.check_unchanged()
    changes = {"model.optimiser.learning_rate": "0.1", "data.batch_size": "3"}
    [other] = make_plan(
        read_grid(grid_file(content), changes=changes), tmp_path, ["rf-ca"]
    ).trainings
    with pytest.raises(
        ConfigError,
        match=r"begun with another data\.batch_size, model\.optimiser\.learning_rate; name another",
    ):
        other.check_unchanged()
