from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("lightning")

from lsamatting.errors import LsamattingError
from lsamatting.evaluation.records import read_records
from reproduce import run as module
from reproduce.checks import check
from reproduce.plan import Plan, make_plan
from reproduce.reading import read_grid
from reproduce.run import figures, run

SaveNetwork = Callable[..., Path]


class Trainer:
    """Stands in for the process that trains: untrained weights, or a failure."""

    def __init__(self, save_network: SaveNetwork) -> None:
        self.save_network = save_network
        self.trained: list[str] = []
        self.action: Callable[[str], int] = lambda name: 0

    def __call__(self, config: Path) -> int:
        name = config.parent.name
        self.trained.append(name)
        code = self.action(name)
        if not code:
            self.save_network(config.parent / "weights", seed=len(self.trained))
        return code


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, save_network: SaveNetwork) -> Trainer:
    trainer = Trainer(save_network)
    monkeypatch.setattr(module, "train_in_a_process", trainer)
    return trainer


@pytest.fixture
def small(content: Any) -> Any:
    """A grid of two trainings that three rows want; no foregrounds to make, nothing slow."""
    content["tables"] = content["tables"][:1]
    content["tables"][0]["rows"] = [
        {"name": "a", "published": ["32.4", "0.0074", "11.6", "29.6"]},
        {"name": "b", "settings": {"data.size": 64}},
        {"name": "a-again", "tta": True},
    ]
    return content


@pytest.fixture
def plan_of(grid_file: Any, tmp_path: Path) -> Callable[..., Plan]:
    def make(content: Any, *rows: str, **options: Any) -> Plan:
        return make_plan(read_grid(grid_file(content), **options), tmp_path / "out", list(rows))

    return make


def go(plan: Plan) -> dict[str, Exception]:
    failures: dict[str, Exception] = {}
    check(plan)
    run(plan, say=lambda _: None, on_failure=failures.__setitem__)
    return failures


def state(folder: Path) -> dict[str, bytes]:
    """The contents of all files but those of the run's own record."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_each_training_runs_once_and_each_row_is_measured(
    small: Any, plan_of: Any, trainer: Trainer
) -> None:
    plan = plan_of(small)
    assert not go(plan)
    assert trainer.trained == ["a", "b"]
    found = figures(plan)
    assert set(found) == {"a", "b", "a-again"}
    assert all(row["SAD"] > 0 for row in found.values())
    header = read_records(plan.out / "results" / "a-again.jsonl").header
    assert header["method"]["weights"] == "a/weights"
    assert header["method"]["options"]["tta"]
    assert header["method"]["options"]["padding"] == "paper"
    assert "| a | 32 |" in (plan.out / "table.md").read_text()


def test_a_second_run_does_nothing_and_more_rows_are_added(
    small: Any, plan_of: Any, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not go(plan_of(small, "a"))
    assert list(figures(plan_of(small))) == ["a"]
    plan = plan_of(small)
    before = state(plan.out / "a")
    assert not go(plan)
    assert trainer.trained == ["a", "b"]
    assert state(plan.out / "a") == before
    before = state(plan.out)
    monkeypatch.setattr(module, "evaluate", pytest.fail)
    assert not go(plan)
    assert state(plan.out) == before


def test_an_interrupted_evaluation_goes_on(small: Any, plan_of: Any, trainer: Trainer) -> None:
    plan = plan_of(small, "a")
    assert not go(plan)
    whole = figures(plan)
    results = plan.steps[0].results
    lines = results.read_text().splitlines(keepends=True)
    marked = json.loads(lines[1])
    marked["seconds"] = 123.0
    results.write_text(lines[0] + json.dumps(marked) + "\n")
    assert figures(plan) == {}
    assert not go(plan)
    assert figures(plan) == whole
    assert [p.seconds == 123.0 for p in read_records(results).pictures] == [True, False, False]


def test_a_failed_training_fails_its_rows_and_the_others_go_on(
    small: Any, plan_of: Any, trainer: Trainer
) -> None:
    trainer.action = lambda name: 2 if name == "a" else 0
    plan = plan_of(small)
    failures = go(plan)
    assert list(failures) == ["a", "a-again"]
    assert trainer.trained == ["a", "b"]
    assert "training a ended with code 2" in str(failures["a-again"])
    assert list(figures(plan)) == ["b"]
    trainer.action = lambda name: 0
    assert not go(plan)
    assert trainer.trained == ["a", "b", "a"]


def test_a_run_stopped_in_training_goes_on(small: Any, plan_of: Any, trainer: Trainer) -> None:
    def interrupt(name: str) -> int:
        raise KeyboardInterrupt

    plan = plan_of(small, "a")
    trainer.action = interrupt
    with pytest.raises(KeyboardInterrupt):
        go(plan)
    assert not plan.trainings[0].finished
    trainer.action = lambda name: 0
    assert not go(plan)
    assert trainer.trained == ["a", "a"]
    assert plan.trainings[0].finished


def test_given_weights_are_evaluated_untrained(
    small: Any, plan_of: Any, trainer: Trainer, save_network: SaveNetwork, tmp_path: Path
) -> None:
    given = save_network(tmp_path / "given")
    plan = plan_of(small, "b", weights={"b": str(given)})
    assert not go(plan)
    assert trainer.trained == []
    assert read_records(plan.steps[0].results).header["method"]["weights"] == str(given)
    assert "| b* |" in (plan.out / "table.md").read_text()


def test_results_of_other_weights_are_not_taken_for_these(
    small: Any, plan_of: Any, save_network: SaveNetwork, tmp_path: Path
) -> None:
    given = save_network(tmp_path / "given", seed=1)
    assert not go(plan_of(small, "b", weights={"b": str(given)}))
    save_network(given, seed=2)
    failures = go(plan_of(small, "b", weights={"b": str(given)}))
    assert isinstance(failures["b"], LsamattingError)
    assert "results of other weights; remove the file" in str(failures["b"])
    assert figures(plan_of(small, "b", weights={"b": str(given)})) == {}
    small["tables"][0]["rows"][1]["refine"] = True
    failures = go(plan_of(small, "b", weights={"b": str(given)}))
    assert "results of other weights, refinement" in str(failures["b"])


def test_results_on_other_pictures_are_refused_and_not_shown(
    small: Any, plan_of: Any, save_network: SaveNetwork, tmp_path: Path
) -> None:
    given = save_network(tmp_path / "given")
    plan = plan_of(small, "b", weights={"b": str(given)})
    assert not go(plan)
    assert set(figures(plan)) == {"b"}
    assert any(line.startswith("row b:") and "(complete)" in line for line in plan.describe())
    alpha = next((plan.steps[0].dataset / "alpha").iterdir())
    pixels = np.array(Image.open(alpha))
    Image.fromarray(255 - pixels).save(alpha)
    changed = plan_of(small, "b", weights={"b": str(given)})
    assert "complete, but of something else" in " ".join(changed.describe())
    failures = go(changed)
    assert "results of other pictures; remove the file" in str(failures["b"])
    assert figures(changed) == {}
    assert figures(plan_of(small, "a")) == {}  # whichever rows are chosen


@pytest.mark.slow
def test_a_stop_signal_saves_the_training_under_way(
    small: Any, plan_of: Any, grid_file: Any
) -> None:
    grid_file.base = {**grid_file.base, "run": {"checkpoint_steps": 1}}
    grid_file.base["trainer"] = {**grid_file.base["trainer"], "max_steps": 1_000_000}
    plan = plan_of(small, "a")
    [training] = plan.trainings
    checkpoint = training.folder / "last.ckpt"

    def stop_when_under_way() -> None:
        for _ in range(600):
            if checkpoint.exists():
                break
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_when_under_way).start()
    with pytest.raises(KeyboardInterrupt):
        go(plan)
    step = torch.load(checkpoint, weights_only=True)["global_step"]
    assert step == training.step
    assert not training.finished
    time.sleep(0.5)
    assert torch.load(checkpoint, weights_only=True)["global_step"] == step
