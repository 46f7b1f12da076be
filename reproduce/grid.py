"""What an ablation consists of: tables of rows, each a training and an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsamatting.errors import ConfigError
from reproduce.settings import Settings, flatten

if TYPE_CHECKING:
    from lsamatting.choices import DatasetLayout, Padding, ReestimationMethod

COLUMNS = ("IH", "RF", "CA", "TTA", "BR")
"""What a table can state of its rows: input height, re-estimated foregrounds, colour augmentation,
test-time augmentation, backpropagating refinement."""

COLOUR = "data.augment.colour"
"""The training setting that says how often colours are augmented."""

ERRORS = ("SAD", "MSE", "Grad", "Conn")
"""The errors that the paper's tables state, in their order."""


@dataclass(frozen=True)
class Foreground:
    """Foregrounds to train on."""

    name: str
    folder: str
    """Under the training set, or an absolute path."""
    method: ReestimationMethod | None
    """How they are made out of `fg/`; None: they are `fg/` itself."""
    label: str
    """What the column RF says."""


ADOBES = Foreground("none", "fg", None, "")
"""The training set's own foregrounds."""


@dataclass(frozen=True)
class Row:
    """One row of a table: a training, or given weights, and how they are evaluated."""

    name: str
    settings: Settings
    """Complete training settings, nested, but for what the grid itself gives."""
    foreground: Foreground
    tta: bool
    """Test-time augmentation."""
    refine: bool
    """Backpropagating refinement."""
    weights: str | None
    """Given weights, which take the training's place."""
    trained: bool
    """Whether the grid trains it, even if weights that are given besides take its place now."""
    published: Mapping[str, str]
    """The paper's figures as printed there, by `ERRORS`; empty if there are none."""

    def states(self, column: str) -> str:
        """Give what the row says in a column of its table."""
        if column == "IH":
            return str(flatten(self.settings).get("data.size", ""))
        if column == "RF":
            return self.foreground.label
        marks = {"CA": self._colour > 0, "TTA": self.tta, "BR": self.refine}
        return "✓" if marks[column] else ""

    @property
    def _colour(self) -> float:
        # The paper's recipe, which is the training's default, has it on.
        return float(flatten(self.settings).get(COLOUR, 1.0))


@dataclass(frozen=True)
class Table:
    """Rows that are evaluated on one dataset."""

    title: str
    dataset: str
    """Name of the dataset's folder among the grid's paths."""
    layout: DatasetLayout
    """The dataset's layout, as `lsamatting evaluate` calls it."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Grid:
    """A whole ablation."""

    file: Path
    paths: Mapping[str, str]
    padding: Padding
    """How pictures are laid out for the network."""
    tables: tuple[Table, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, table by table."""
        return tuple(row for table in self.tables for row in table.rows)

    @property
    def train(self) -> Path:
        """The training set's folder."""
        return Path(self.paths["train"])

    def dataset(self, table: Table) -> Path:
        """Give the folder on which a table's rows are evaluated."""
        return Path(self.paths[table.dataset])

    def choose(self, names: list[str]) -> list[tuple[Table, Row]]:
        """Give the rows of these names, or all if none are named, in the grid's order.

        Raises
        ------
        ConfigError
            There is no row of a name.
        """
        known = [row.name for row in self.rows]
        for name in names:
            if name not in known:
                raise ConfigError(f"{self.file}: no row {name!r}; accepted: {', '.join(known)}")
        return [
            (table, row)
            for table in self.tables
            for row in table.rows
            if not names or row.name in names
        ]
