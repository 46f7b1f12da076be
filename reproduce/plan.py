"""What has to be done for the rows of a grid, and how much of it is done already."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lsamatting.errors import ConfigError
from lsamatting.evaluation.datasets import open_dataset
from reproduce.foregrounds import missing
from reproduce.grid import Foreground, Grid, Row, Table
from reproduce.results import complete_results, results_of
from reproduce.settings import Settings, differences, merge, read_yaml

if TYPE_CHECKING:
    from lsamatting.choices import Padding

_T = TypeVar("_T")

_CONVENIENCE = (
    "data.cache_folder",
    "data.cache_gib",
    "data.prefetch",
    "data.workers",
    "run.checkpoint_minutes",
    "run.checkpoint_steps",
    "run.folder",
    "run.pictures",
    "trainer.accelerator",
    "trainer.log_every_n_steps",
)
"""Settings that may change while a training is under way: they do not change what is learnt."""


@dataclass(frozen=True)
class Training:
    """One training, which several rows may share, and its folder."""

    name: str
    rows: tuple[str, ...]
    foreground: Foreground
    config: Settings
    """The whole configuration."""
    folder: Path

    @property
    def config_file(self) -> Path:
        """What the training was asked to do."""
        return self.folder / "training.yaml"

    @property
    def weights(self) -> Path:
        """What it leaves behind."""
        return self.folder / "weights"

    @property
    def end_mark(self) -> Path:
        """An empty file that says that it came to its end."""
        return self.folder / "finished"

    @property
    def finished(self) -> bool:
        """Whether the weights are those of its end."""
        return self.end_mark.is_file() and self.weights.is_dir()

    @property
    def step(self) -> int | None:
        """The last step on record; None if it never started."""
        if not (self.folder / "last.ckpt").is_file():
            return None
        try:
            with (self.folder / "metrics.csv").open(newline="") as file:
                return max((int(row["step"]) for row in csv.DictReader(file)), default=0)
        except OSError:
            return 0

    def check_unchanged(self) -> None:
        """Refuse to go on with a training that was begun with other settings.

        Raises
        ------
        ConfigError
            A setting differs that changes what is learnt.
        """
        if not self.config_file.is_file():
            return
        before = read_yaml(self.config_file)
        changed = [key for key in differences(before, self.config) if key not in _CONVENIENCE]
        if changed:
            raise ConfigError(
                f"{self.config_file}: begun with another {', '.join(changed)}; "
                f"name another output folder, or remove {self.folder}"
            )


@dataclass(frozen=True)
class Step:
    """A row with all that it needs."""

    table: Table
    row: Row
    training: Training | None
    """None: the row's weights are given."""
    dataset: Path
    results: Path
    padding: Padding

    @property
    def weights(self) -> str:
        """What is evaluated: a folder, or a name that `Matting.from_pretrained` takes."""
        return str(self.training.weights) if self.training else str(self.row.weights)


@dataclass(frozen=True)
class Plan:
    """The steps for the chosen rows of a grid, in order."""

    grid: Grid
    out: Path
    steps: tuple[Step, ...]
    every: tuple[Step, ...]
    """Those of all rows, chosen or not."""

    _digests: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)

    def digest_of(self, step: Step) -> str:
        """Hash the pictures on which a step is evaluated, each test set once."""
        if step.dataset not in self._digests:
            opened = open_dataset(step.dataset, layout=step.table.layout)
            self._digests[step.dataset] = opened.digest()
        return self._digests[step.dataset]

    @cached_property
    def trainings(self) -> tuple[Training, ...]:
        """The trainings that the steps need, each once."""
        return _once(step.training for step in self.steps if step.training)

    @cached_property
    def foregrounds(self) -> tuple[Foreground, ...]:
        """The re-estimated foregrounds that the trainings need, each once."""
        return _once(t.foreground for t in self.trainings if t.foreground.method)

    def describe(self) -> list[str]:
        """Say in lines what is done, from what, where, and what is there already.

        Raises
        ------
        DatasetError
            A results file is damaged.
        """
        lines = [
            f"foregrounds {foreground.name}: {foreground.method}, "
            f"{self.grid.train / 'fg'} -> {self.grid.train / foreground.folder} "
            f"({len(missing(foreground, self.grid.train)) or 'none'} to be made)"
            for foreground in self.foregrounds
        ]
        for training in self.trainings:
            if training.finished:
                state = "finished"
            elif training.step is not None:
                state = f"to be continued from its last checkpoint, about step {training.step}"
            else:
                state = "to be done"
            lines.append(
                f"training {training.name} for {', '.join(training.rows)}: "
                f"{self.grid.train / training.foreground.folder} -> {training.folder} ({state})"
            )
        for step in self.steps:
            options = [name for name in ("tta", "refine") if getattr(step.row, name)]
            given = "" if step.training else " given"
            with_options = f" with {' and '.join(options)}" if options else ""
            if results_of(self, step) is not None:
                state = "complete"
            elif complete_results(step.results) is not None:
                state = "complete, but of something else: will be refused"
            else:
                state = "begun" if step.results.is_file() else "to be done"
            lines.append(
                f"row {step.row.name}:{given} {step.weights} on {step.dataset}{with_options} "
                f"-> {step.results} ({state})"
            )
        return [*lines, f"table: {self.out / 'table.md'}"]


def make_plan(grid: Grid, out: Path, names: list[str]) -> Plan:
    """Plan the rows of these names, or all if none are named.

    Rows that differ in their evaluation only share a training. It is called after the grid's
    first row that needs it, chosen or not, so that every choice of rows finds the same folders.

    Raises
    ------
    ConfigError
        There is no row of a name.
    """
    sharing: dict[str, list[Row]] = {}
    for row in grid.rows:
        if row.trained:
            sharing.setdefault(_fingerprint(row), []).append(row)
    trainings = {
        fingerprint: Training(
            name=rows[0].name,
            rows=tuple(row.name for row in rows if row.weights is None),
            foreground=rows[0].foreground,
            config=_config(grid, rows[0], out),
            folder=out / rows[0].name,
        )
        for fingerprint, rows in sharing.items()
    }
    every = tuple(
        Step(
            table=table,
            row=row,
            training=None if row.weights is not None else trainings[_fingerprint(row)],
            dataset=grid.dataset(table),
            results=results_file(out, row),
            padding=grid.padding,
        )
        for table, row in grid.choose([])
    )
    chosen = {row.name for _, row in grid.choose(names)}
    return Plan(grid, out, tuple(step for step in every if step.row.name in chosen), every)


def results_file(out: Path, row: Row) -> Path:
    """Give the file of a row's results."""
    return out / "results" / f"{row.name}.jsonl"


def _fingerprint(row: Row) -> str:
    return json.dumps([row.settings, row.foreground.name], sort_keys=True, default=str)


def _config(grid: Grid, row: Row, out: Path) -> Settings:
    """Complete a row's settings by what the grid gives."""
    # Absolute, so that a training goes on wherever the command is given.
    out, root = out.resolve(), grid.train.resolve()
    data: dict[str, Any] = {"root": str(root), "foreground_folder": row.foreground.folder}
    if "backgrounds" in grid.paths:
        data["backgrounds"] = [str(Path(grid.paths["backgrounds"]).resolve())]
    run = {"folder": str(out), "name": row.name}
    cache: Settings = {"data": {"cache_folder": str(out / "cache")}}
    return merge(merge(cache, row.settings), {"data": data, "run": run})


def _once(items: Iterable[_T]) -> tuple[_T, ...]:
    found: list[_T] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)
