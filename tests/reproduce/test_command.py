"""`python -m reproduce` as a user gives it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("lightning")

from lsamatting.evaluation.records import read_records
from reproduce import run
from reproduce.command import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def reproduce(
    content: Any, grid_file: Any, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run the command on the small grid, whose paths are named as a researcher names them."""
    names = ("train", "test", "alphamatting")
    paths = [f"--set={name}={content['paths'][name]}" for name in names]
    for name in names:
        content["paths"][name] = "to/be/named"
    # The training set is shared with other tests.
    for name, foreground in content["foregrounds"].items():
        foreground["folder"] = str(tmp_path / name)
    file = grid_file(content)

    def command(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main([str(file), "-o", str(out), "--device=cpu", *paths, *arguments])
        return Outcome(code, *capsys.readouterr())

    return command


@pytest.mark.slow
def test_rows_of_both_tables_are_trained_and_measured_once(
    reproduce: Any, out: Path, tmp_path: Path
) -> None:
    first = reproduce("--rows", "cf")
    assert first.code == 0, first.err
    assert len(list((tmp_path / "closed-form").glob("*.png"))) == 3
    assert not (tmp_path / "ours").exists()

    trained = {path: path.stat().st_mtime_ns for path in (out / "cf").iterdir()}
    second = reproduce("--rows=cf,rf-ca,rf-ca-tta", "--rows=no-br,br")
    assert second.code == 0, second.err
    assert trained == {path: path.stat().st_mtime_ns for path in trained}
    assert len(list((tmp_path / "ours").glob("*.png"))) == 3
    finished = {path.parent.name for path in out.glob("*/finished")}
    assert finished == {"cf", "rf-ca", "no-br"}
    lines = {line.split()[0]: line.split() for line in second.out.splitlines() if line}
    assert lines["plain"][2:6] == ["–"] * 4
    assert lines["plain"][6:] == ["32.4", "0.0074", "11.6", "29.6"]
    assert lines["cf"][1:3] == ["32", "CF"]
    assert lines["rf-ca-tta"][1:5] == ["64", "ours", "✓", "✓"]
    assert lines["br"][1] == "✓"
    results = {
        name: read_records(out / "results" / f"{name}.jsonl")
        for name in ("rf-ca", "rf-ca-tta", "no-br", "br")
    }
    assert results["br"].groups == ["Trimap1", "Trimap2"]
    for without, with_it in (("rf-ca", "rf-ca-tta"), ("no-br", "br")):
        one, other = results[without], results[with_it]
        assert one.header["method"]["sha256"] == other.header["method"]["sha256"]
        assert len(one.pictures) == len(other.pictures)
        assert one.means() != other.means()

    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != "table.md"}
    third = reproduce("--rows=cf,rf-ca,rf-ca-tta,no-br,br")
    assert third.out == second.out
    assert times == {
        path: path.stat().st_mtime_ns
        for path in out.rglob("*")
        if path not in (out, out / "table.md")
    }


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    reproduce: Any, out: Path, tmp_path: Path
) -> None:
    outcome = reproduce("--rows=cf,br", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert [line.split(":")[0] for line in outcome.out.splitlines()] == [
        "foregrounds closed-form",
        "training cf for cf",
        "training no-br for no-br, br",
        "row cf",
        "row br",
        "table",
    ]
    assert not out.exists()
    assert not (tmp_path / "closed-form").exists()


def test_a_row_that_fails_is_reported_and_the_table_is_printed(
    reproduce: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "train_in_a_process", lambda config: 2)
    outcome = reproduce("--rows", "plain,no-br")
    assert outcome.code == 2
    for name in ("plain", "no-br"):
        assert f"row {name}: training {name} ended with code 2" in outcome.err
    assert "29.6" in outcome.out
    assert "29.6" in (out / "table.md").read_text()


def test_an_error_that_is_no_users_has_the_graver_code(
    reproduce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(config: Path) -> int:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(run, "train_in_a_process", break_down)
    outcome = reproduce("--rows", "plain")
    assert outcome.code == 1
    assert "row plain:" in outcome.err
    assert "unexpected RuntimeError: the disk is on fire" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "train"], "--set train: accepted is a name, =, and a value"),
        (["--weights", "cf="], "--weights cf=: accepted is"),
        (["--rows", "cf,x"], "no row 'x'; accepted: plain, cf"),
        (["--set", "test=nowhere"], "paths.test: nowhere: no such folder"),
        (["--set", "data.batch=3"], "row 'plain': "),
    ],
)
def test_mistakes_are_one_line(reproduce: Any, out: Path, arguments: list[str], said: str) -> None:
    outcome = reproduce(*arguments)
    assert outcome.code == 2
    [line] = outcome.err.splitlines()
    assert said in line
    assert not out.exists()


def test_without_the_extra_it_says_what_to_install(
    reproduce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsamatting.extras.find_spec", lambda name: None)
    outcome = reproduce()
    assert outcome.code == 2
    assert "lsamatting[train]" in outcome.err
