from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsamatting.errors import ConfigError
from reproduce.reading import read_grid
from reproduce.settings import flatten

SHIPPED = Path(__file__).parents[2] / "configs" / "ablation.yaml"


def test_a_row_has_the_base_the_common_and_its_own_settings(content: Any, grid_file: Any) -> None:
    rows = {row.name: row for row in read_grid(grid_file(content)).rows}
    plain, last = flatten(rows["plain"].settings), flatten(rows["rf-ca"].settings)
    assert plain["data.size"] == 32
    assert plain["data.augment.colour"] == 0
    assert (last["data.size"], last["data.augment.colour"]) == (64, 1)
    assert last["data.batch_size"] == 2
    assert rows["cf"].foreground.folder == "fg_cf"
    assert rows["plain"].foreground.folder == "fg"
    assert rows["plain"].published["Conn"] == "29.6"


def test_what_is_set_replaces_paths_and_settings(content: Any, grid_file: Any) -> None:
    changes = {"train": "elsewhere", "data.batch_size": "4", "backgrounds": "coco"}
    grid = read_grid(grid_file(content), changes=changes, weights={"cf": "given"})
    assert grid.train == Path("elsewhere")
    assert grid.paths["backgrounds"] == "coco"
    assert all(flatten(row.settings)["data.batch_size"] == 4 for row in grid.rows)
    assert [row.weights for row in grid.rows][:3] == [None, "given", None]


def test_a_row_s_own_setting_wins_over_what_is_set(content: Any, grid_file: Any) -> None:
    grid = read_grid(grid_file(content), changes={"data.size": "96"})
    assert [flatten(row.settings)["data.size"] for row in grid.rows[:3]] == [96, 96, 64]


def row(content: Any, table: int = 0, number: int = 0) -> Any:
    return content["tables"][table]["rows"][number]


MISTAKES = {
    r"unknown key 'tables2'; accepted: paths": lambda c: c.update(tables2=[]),
    r"key 'base' is missing": lambda c: c.pop("base"),
    r"paths: the key 'train' is missing": lambda c: c["paths"].pop("train"),
    r"paths\.train is missing": lambda c: c["paths"].update(train=None),
    r"nowhere\.yaml: cannot be read": lambda c: c.update(base="nowhere.yaml"),
    r"padding 'none' is not one of window": lambda c: c.update(padding="none"),
    r"two rows are called 'plain'": lambda c: row(c, 1).update(name="plain"),
    r"row 'plain': unknown key 'ttta'; accepted: name": lambda c: row(c).update(ttta=True),
    r"row 'plain': tta is true or false": lambda c: row(c).update(tta="yes"),
    r"table 1, row 1: the key 'name' is missing": lambda c: row(c).pop("name"),
    r"row 'a/b': a name consists of": lambda c: row(c).update(name="a/b"),
    r"row 'results': the output has a folder": lambda c: row(c).update(name="results"),
    r"row 'plain': foreground 'fba' is not one of none, closed-form, ours": (
        lambda c: row(c).update(foreground="fba")
    ),
    r"foregrounds\.too: folder re is that of foregrounds\.ours, which another": (
        lambda c: c["foregrounds"].update(
            ours={"folder": "re", "method": "exact"}, too={"folder": "re", "method": "jacobi"}
        )
    ),
    r"row 'plain': data\.root is given by paths\.train": (
        lambda c: row(c).update(settings={"data": {"root": "x"}})
    ),
    r"row 'plain': data\.augment\.colour is a probability, found 'no'": (
        lambda c: row(c).update(settings={"data.augment.colour": "no"})
    ),
    r"row 'plain': published holds SAD, MSE, Grad, Conn": (
        lambda c: row(c).update(published=["1", "2"])
    ),
    r"row 'plain'\.published must be text \(quote numbers\), found 2\.9": (
        lambda c: row(c).update(published=["1", "2", "3", 2.90])
    ),
    r"settings: run\.name is given by the row's name": (
        lambda c: c["settings"].update({"run.name": "x"})
    ),
    r"table 2: dataset 'nowhere' is not named in paths; accepted: test, alphamatting": (
        lambda c: c["tables"][1].update(dataset="nowhere")
    ),
    r"table 1: column 'XY' is not one of IH": lambda c: c["tables"][0].update(columns=["XY"]),
    r"table 1: layout 'pile' is not one of auto": lambda c: c["tables"][0].update(layout="pile"),
    r"table 1\.rows must be a list": lambda c: c["tables"][0].update(rows=[]),
    r"foregrounds\.ours: method 'magic' is not one of exact": (
        lambda c: c["foregrounds"]["ours"].update(method="magic")
    ),
    r"foregrounds\.ours: folder fg is the training set's own": (
        lambda c: c["foregrounds"]["ours"].update(folder="fg")
    ),
    r"foregrounds\.none: none stands for": (
        lambda c: c["foregrounds"].update(none={"folder": "x"})
    ),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_named(content: Any, grid_file: Any, said: str) -> None:
    MISTAKES[said](content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_grid(grid_file(content))
    assert "\n" not in str(caught.value)


def test_options_that_fit_nothing_are_named(content: Any, grid_file: Any) -> None:
    file = grid_file(content)
    with pytest.raises(ConfigError, match=r"--set tset: neither a path .*train, test"):
        read_grid(file, changes={"tset": "x"})
    with pytest.raises(ConfigError, match=r"data\.root is given by paths\.train"):
        read_grid(file, changes={"data.root": "x"})
    with pytest.raises(ConfigError, match="no row 'cff'; accepted: plain, cf"):
        read_grid(file, weights={"cff": "x"})


def test_the_shipped_grid_is_the_papers() -> None:
    """Table 1 and Table 3, row by row."""
    grid = read_grid(SHIPPED)
    first, third = grid.tables
    stated = [tuple(row.states(column) for column in first.columns) for row in first.rows]
    assert stated == [
        ("320", "", "", ""),
        ("480", "", "", ""),
        ("640", "", "", ""),
        ("640", "CF", "", ""),
        ("640", "ours", "", ""),
        ("640", "", "✓", ""),
        ("640", "ours", "✓", ""),
        ("640", "ours", "✓", "✓"),
    ]
    assert [row.states("BR") for row in third.rows] == ["", "✓"]
    for row in third.rows:
        settings = flatten(row.settings)
        assert (settings["trainer.max_epochs"], settings["data.augment.blur"]) == (200, 0.3)
        assert row.tta
        assert row.foreground.name == "ours"
        assert row.states("CA") == "✓"
    assert {flatten(row.settings)["trainer.max_epochs"] for row in first.rows} == {100}
    assert first.rows[-1].published == {
        "SAD": "24.6",
        "MSE": "0.0045",
        "Grad": "8.13",
        "Conn": "19.9",
    }
