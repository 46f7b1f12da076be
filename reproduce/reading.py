"""Reading a grid from its YAML file.

`configs/ablation.yaml` is such a file, and docs/ablation.md describes its keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

from lsamatting.choices import DatasetLayout, Padding, ReestimationMethod
from lsamatting.errors import ConfigError
from reproduce.grid import ADOBES, COLOUR, COLUMNS, ERRORS, Foreground, Grid, Row, Table
from reproduce.settings import Settings, flatten, merge, nest, parse_value, read_yaml

_OF_TRAINING = ("train", "backgrounds")
_GIVEN_BY_GRID = {
    "data.root": "paths.train",
    "data.foreground_folder": "foreground",
    "data.backgrounds": "paths.backgrounds",
    "run.name": "the row's name",
    "run.folder": "the output folder",
}

_FOLDERS = ("results", "cache")
"""What lies beside the trainings' folders, which are named after rows."""


def read_grid(
    file: str | Path,
    *,
    changes: Mapping[str, str] | None = None,
    weights: Mapping[str, str] | None = None,
) -> Grid:
    """Read a grid's file.

    Parameters
    ----------
    file
        YAML.
    changes
        Values in place of the file's: a name of `paths`, or a dotted training setting that is
        to hold for all rows that do not say otherwise.
    weights
        Given weights by the names of rows.

    Raises
    ------
    ConfigError
        The file or its base cannot be read, a key is unknown or missing, a value is of the wrong
        kind, or a name is used twice; the message names the row and the key.
    """
    return _Reader(Path(file)).read(changes or {}, weights or {})


class _Reader:
    """Reads one file; its methods are named after what they read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self, changes: Mapping[str, str], weights: Mapping[str, str]) -> Grid:
        content = self.mapping(
            read_yaml(self.file),
            "the grid",
            ("paths", "base", "settings", "padding", "foregrounds", "tables"),
            needed=("paths", "base", "tables"),
        )
        paths = self.paths(content["paths"])
        common = self.settings(content.get("settings"), "settings")
        for key, text in changes.items():
            if "." in key:
                common[key] = parse_value(text)
            elif key in {*paths, *_OF_TRAINING}:
                paths[key] = text
            else:
                raise ConfigError(
                    f"--set {key}: neither a path of {self.file} ({', '.join(paths)}) "
                    "nor a training setting such as data.batch_size"
                )
        self.settings(common, "--set")
        foregrounds = self.foregrounds(content.get("foregrounds"))
        base = self.base(content["base"])
        tables = tuple(
            self.table(value, f"table {number}", merge(base, nest(common)), foregrounds, paths)
            for number, value in enumerate(self.sequence(content["tables"], "tables"), start=1)
        )
        padding = self.choice(content.get("padding", "paper"), Padding, "padding")
        grid = Grid(self.file, paths, padding, tables)
        self.once([row.name for row in grid.rows], "row")
        return self.with_weights(grid, weights)

    def with_weights(self, grid: Grid, weights: Mapping[str, str]) -> Grid:
        grid.choose(list(weights))

        def given(row: Row) -> Row:
            return replace(row, weights=weights.get(row.name, row.weights))

        tables = (replace(table, rows=tuple(map(given, table.rows))) for table in grid.tables)
        return replace(grid, tables=tuple(tables))

    def paths(self, value: Any) -> dict[str, str]:
        given = {
            name: self.text(path, f"paths.{name}")
            for name, path in self.mapping(value, "paths", None, needed=("train",)).items()
            if path is not None
        }
        if "train" not in given:
            raise self.mistake("paths.train is missing")
        for name in given:
            if "." in name:
                raise self.mistake(f"paths.{name}: a name without dots is accepted")
        return given

    def base(self, value: Any) -> Settings:
        return read_yaml(self.file.parent / self.text(value, "base"))

    def settings(self, value: Any, where: str) -> dict[str, Any]:
        given = flatten(self.mapping(value or {}, where, None))
        for key in given:
            if key in _GIVEN_BY_GRID:
                raise self.mistake(f"{where}: {key} is given by {_GIVEN_BY_GRID[key]}")
        return given

    def foregrounds(self, value: Any) -> dict[str, Foreground]:
        found = {ADOBES.name: ADOBES}
        for name, declared in self.mapping(value or {}, "foregrounds", None).items():
            where = f"foregrounds.{name}"
            if name in found:
                raise self.mistake(f"{where}: {name} stands for the training set's own foregrounds")
            keys = self.mapping(declared, where, ("folder", "method", "label"), needed=("folder",))
            method = self.choice(
                keys.get("method", "multilevel"), ReestimationMethod, f"{where}: method"
            )
            folder = self.text(keys["folder"], f"{where}.folder")
            if folder == ADOBES.folder:
                raise self.mistake(f"{where}: folder {folder} is the training set's own")
            for other in found.values():
                if other.folder == folder and other.method != method:
                    raise self.mistake(
                        f"{where}: folder {folder} is that of foregrounds.{other.name}, which "
                        "another method makes"
                    )
            found[name] = Foreground(name, folder, method, str(keys.get("label", name)))
        return found

    def table(
        self,
        value: Any,
        where: str,
        settings: Settings,
        foregrounds: Mapping[str, Foreground],
        paths: Mapping[str, str],
    ) -> Table:
        accepted = ("title", "dataset", "layout", "columns", "rows")
        keys = self.mapping(value, where, accepted, needed=("title", "dataset", "columns", "rows"))
        title = self.text(keys["title"], f"{where}.title")
        datasets = [name for name in paths if name not in _OF_TRAINING]
        if keys["dataset"] not in datasets:
            raise self.mistake(
                f"{where}: dataset {keys['dataset']!r} is not named in paths; "
                f"accepted: {', '.join(datasets) or 'none, for paths names no dataset'}"
            )
        columns = tuple(self.sequence(keys["columns"], f"{where}.columns"))
        for column in columns:
            if column not in COLUMNS:
                raise self.mistake(f"{where}: column {column!r} is not one of {', '.join(COLUMNS)}")
        rows = tuple(
            self.row(row, f"{where}, row {number}", settings, foregrounds)
            for number, row in enumerate(self.sequence(keys["rows"], f"{where}.rows"), start=1)
        )
        layout = self.choice(keys.get("layout", "auto"), DatasetLayout, f"{where}: layout")
        return Table(title, keys["dataset"], layout, columns, rows)

    def row(
        self, value: Any, where: str, settings: Settings, foregrounds: Mapping[str, Foreground]
    ) -> Row:
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            where = f"row {value['name']!r}"
        accepted = ("name", "settings", "foreground", "tta", "refine", "weights", "published")
        keys = self.mapping(value, where, accepted, needed=("name",))
        name = self.text(keys["name"], f"{where}.name")
        if not all(sign.isalnum() or sign in "-_" for sign in name):
            raise self.mistake(f"{where}: a name consists of letters, digits, '-' and '_'")
        if name in _FOLDERS:
            raise self.mistake(f"{where}: the output has a folder of that name; choose another")
        foreground = keys.get("foreground", ADOBES.name)
        if foreground not in foregrounds:
            raise self.mistake(
                f"{where}: foreground {foreground!r} is not one of {', '.join(foregrounds)}"
            )
        settings = merge(settings, nest(self.settings(keys.get("settings"), where)))
        colour = flatten(settings).get(COLOUR, 1)
        if isinstance(colour, bool) or not isinstance(colour, int | float):
            raise self.mistake(f"{where}: {COLOUR} is a probability, found {colour!r}")
        for switch in ("tta", "refine"):
            if not isinstance(keys.get(switch, False), bool):
                raise self.mistake(f"{where}: {switch} is true or false, found {keys[switch]!r}")
        weights = keys.get("weights")
        return Row(
            name=name,
            settings=settings,
            foreground=foregrounds[foreground],
            tta=keys.get("tta", False),
            refine=keys.get("refine", False),
            weights=None if weights is None else self.text(weights, f"{where}.weights"),
            trained=weights is None,
            published=self.published(keys.get("published"), where),
        )

    def published(self, value: Any, where: str) -> dict[str, str]:
        if value is None:
            return {}
        figures = self.sequence(value, f"{where}.published")
        if len(figures) != len(ERRORS):
            raise self.mistake(f"{where}: published holds {', '.join(ERRORS)}, found {figures}")
        # As text, so that the zeros at the end of a figure stay.
        return {
            error: self.text(figure, f"{where}.published")
            for error, figure in zip(ERRORS, figures, strict=True)
        }

    def once(self, names: list[str], kind: str) -> None:
        for name in names:
            if names.count(name) > 1:
                raise self.mistake(f"two {kind}s are called {name!r}; names must differ")

    def mapping(
        self,
        value: Any,
        where: str,
        accepted: tuple[str, ...] | None,
        *,
        needed: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.mistake(f"{where} must be keys with values, found {value!r}")
        for key in value:
            if accepted is not None and key not in accepted:
                raise self.mistake(f"{where}: unknown key {key!r}; accepted: {', '.join(accepted)}")
        for key in needed:
            if key not in value:
                raise self.mistake(f"{where}: the key {key!r} is missing")
        return cast("dict[str, Any]", value)

    def sequence(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise self.mistake(f"{where} must be a list, found {value!r}")
        return value

    def choice(self, value: Any, accepted: Any, where: str) -> Any:
        """Give a value that is one of a `Literal`'s."""
        if value not in get_args(accepted):
            raise self.mistake(f"{where} {value!r} is not one of {', '.join(get_args(accepted))}")
        return value

    def text(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or not value:
            raise self.mistake(f"{where} must be text (quote numbers), found {value!r}")
        return value

    def mistake(self, what: str) -> ConfigError:
        return ConfigError(" ".join(f"{self.file}: {what}".split()))
