from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproduce.reading import read_grid
from reproduce.table import as_markdown, as_text, format_figure

SHIPPED = Path(__file__).parents[2] / "configs" / "ablation.yaml"


def test_the_papers_own_figures_come_out_as_printed() -> None:
    for row in read_grid(SHIPPED).rows:
        for figure in row.published.values():
            assert format_figure(float(figure), like=figure) == figure


@given(st.floats(1e-6, 1e5), st.sampled_from([None, "32.4", "0.00540", "9.94", "168"]))
def test_a_figure_is_rounded_by_less_than_a_twentieth(value: float, like: str | None) -> None:
    written = format_figure(value, like=like)
    assert "e" not in written
    assert float(written) == pytest.approx(value, rel=0.051)


def test_zero_has_digits_too() -> None:
    assert format_figure(0.0) == "0.00"
    assert format_figure(0.0, like="0.0054") == "0.0000"


def test_both_forms_hold_ours_beside_theirs(content: Any, grid_file: Any) -> None:
    grid = read_grid(grid_file(content), weights={"cf": "somewhere"})
    ours = {"plain": {"SAD": 31.46, "MSE": 0.00712, "MAD": 1.0, "Grad": 12.0, "Conn": 28.04}}
    cells = ["plain", "32", "31.5", "0.0071", "12.0", "28.0", "32.4", "0.0074", "11.6", "29.6"]
    text = as_text(grid, ours)
    [line] = [line for line in text.splitlines() if line.startswith("plain")]
    assert line.split() == cells
    assert "cf*" in text
    assert "* Weights were given" in text
    assert "not measured here" in text

    markdown = as_markdown(grid, ours)
    [line] = [line for line in markdown.splitlines() if line.startswith("| plain")]
    assert line.strip("|").replace("|", " ").split() == cells
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(tables) == 2 * 2 + len(grid.rows)
    assert {line.count("|") for line in tables[:6]} == {1 + 1 + 4 + 8}
    [head] = [line for line in tables if line.startswith("| row | BR")]
    assert head.count("(published)") == 4


def test_a_row_that_was_not_run_has_dashes(content: Any, grid_file: Any) -> None:
    grid = read_grid(grid_file(content))
    [line] = [line for line in as_text(grid, {}).splitlines() if line.startswith("plain")]
    assert line.split()[2:6] == ["–"] * 4
