"""The paper's tables, with our figures beside the published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lsamatting.text_table import align, column_widths
from reproduce.grid import ERRORS, Grid, Row, Table

Figures = Mapping[str, Mapping[str, float]]
"""Mean errors by row and measure; rows that were not run are missing."""

NOT_RUN = "–"
_NOTE = (
    "Published: the figures of Improving Deep Image Matting via Local Smoothness Assumption, "
    f"which were not measured here. {NOT_RUN}: not run, or not published."
)
_GIVEN = "* Weights were given: what the row says of their training was not checked."


@dataclass(frozen=True)
class _Cells:
    """A table as text, cell by cell."""

    title: str
    head: list[str]
    body: list[list[str]]
    labels: int
    """Number of columns that are not figures."""


def as_text(grid: Grid, figures: Figures) -> str:
    """Give the tables for a terminal."""
    blocks = []
    for table in grid.tables:
        cells = _cells(table, figures)
        lines = [cells.head, *cells.body]
        widths = column_widths(lines)
        measured, labels = len(ERRORS), cells.labels
        spread = [sum(widths[:labels]), sum(widths[labels : labels + measured])]
        above = " " * (spread[0] + 2 * labels) + "measured".ljust(spread[1] + 2 * measured)
        rows = align(lines, labels=labels)
        blocks.append("\n".join([cells.title, "", f"{above}published", *rows]))
    return "\n\n".join([*blocks, *_notes(grid)]) + "\n"


def as_markdown(grid: Grid, figures: Figures) -> str:
    """Give the tables for a Markdown file."""
    blocks = []
    for table in grid.tables:
        cells = _cells(table, figures)
        published = [f"{name} (published)" for name in ERRORS]
        head = [*cells.head[: -len(ERRORS)], *published]
        rule = ["---"] * cells.labels + ["---:"] * (2 * len(ERRORS))
        lines = (f"| {' | '.join(line)} |" for line in (head, rule, *cells.body))
        blocks.append("\n".join([f"**{cells.title}**", "", *lines]))
    # A line that begins with an asterisk would become a list.
    notes = (note.replace("*", "\\*", 1) for note in _notes(grid))
    return "\n\n".join([*blocks, *notes]) + "\n"


def _notes(grid: Grid) -> list[str]:
    return [_NOTE, *([_GIVEN] if any(row.weights for row in grid.rows) else [])]


def _cells(table: Table, figures: Figures) -> _Cells:
    labels = ["row", *table.columns]
    body = [
        [
            f"{row.name}{'*' if row.weights else ''}",
            *(row.states(column) for column in table.columns),
            *_measured(row, figures.get(row.name)),
            *(row.published.get(name, NOT_RUN) for name in ERRORS),
        ]
        for row in table.rows
    ]
    return _Cells(table.title, [*labels, *ERRORS, *ERRORS], body, len(labels))


def _measured(row: Row, means: Mapping[str, float] | None) -> list[str]:
    if means is None:
        return [NOT_RUN] * len(ERRORS)
    return [format_figure(means[name], like=row.published.get(name)) for name in ERRORS]


def format_figure(value: float, *, like: str | None = None) -> str:
    """Write a figure as the paper does.

    Parameters
    ----------
    value
        Not negative.
    like
        The published figure beside it: as many decimals are written as it has, and more where
        that would leave fewer than two significant digits. Without one, three significant digits
        are written, and one decimal at least.
    """
    leading = math.floor(math.log10(value)) if value > 0 else 0
    if like is None:
        decimals = max(2 - leading, 1)
    else:
        decimals = max(1 - leading, len(like.partition(".")[2]))
    return f"{value:.{decimals}f}"
