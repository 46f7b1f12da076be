"""A list of pictures as CSV, JSON lines or Parquet: one row for each, with what belongs to it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsamatting.batch.addresses import absolute, fetch, is_url, parent, stem_of, suffix_of
from lsamatting.batch.job import OUTPUTS, Job
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.extras import require

SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet")

COLUMNS = ("image", "trimap", "mask", *OUTPUTS, "pixels")

_NEEDED = "image, and trimap or mask"


@dataclass(frozen=True)
class Row:
    """One picture of a manifest."""

    where: str
    """What messages call it."""

    image: str
    guide: str
    is_mask: bool
    outputs: dict[str, str]
    """As they are named, or nothing for what the command line says."""

    pixels: int

    @property
    def name(self) -> str:
        """What its outputs are called where the manifest does not name them."""
        return stem_of(self.image)


def is_manifest(address: str) -> bool:
    """Tell by its suffix whether an address is that of a manifest."""
    return suffix_of(address).lower() in SUFFIXES


def read_manifest(address: str) -> list[Row]:
    """Read a manifest.

    Columns are `image`, one of `trimap` and `mask`, any of `OUTPUTS`, and `pixels`, a number by
    which pictures are ordered where asking each for its size would take long. Addresses are paths
    or URLs of fsspec; relative paths of inputs lie in the manifest's folder.

    Raises
    ------
    ConfigError
        The file cannot be read, lacks a column or has one that means nothing, or a row lacks
        something; the message names the row.
    MissingExtraError
        It is Parquet, and pyarrow is not installed.
    """
    suffix = suffix_of(address).lower()
    data = _read(address)
    if suffix == ".csv":
        rows = _csv_rows(data, address)
    elif suffix == ".parquet":
        rows = _parquet_rows(data, address)
    else:
        rows = _json_rows(data, address)
    base = parent(address) if is_url(address) else str(Path(address).absolute().parent)
    read = [_row(where, fields, base) for where, fields in rows]
    if not read:
        raise ConfigError(f"{address}: has no rows; a row has {_NEEDED}")
    return read


def jobs_of(rows: Iterable[Row], outputs: Mapping[str, str], out: str) -> list[Job]:
    """Give the jobs of a manifest.

    Parameters
    ----------
    rows
        As read.
    outputs
        Folders for what rows do not name themselves, by the names in `OUTPUTS`.
    out
        The folder that relative paths of outputs lie in.
    """
    jobs = []
    for row in rows:
        files = {
            kind: absolute(f"{folder.rstrip('/')}/{row.name}.png")
            for kind, folder in outputs.items()
        }
        files.update((kind, absolute(path, base=out)) for kind, path in row.outputs.items())
        # In one order, whatever the manifest's.
        ordered = {kind: files[kind] for kind in OUTPUTS if kind in files}
        jobs.append(Job(row.image, row.guide, ordered, is_mask=row.is_mask, pixels=row.pixels))
    return jobs


def _read(address: str) -> bytes:
    try:
        source = fetch(address).source
        return source.read_bytes() if isinstance(source, Path) else source.read()
    except LsamattingError as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise ConfigError(f"{address}: cannot be read ({error.strerror})") from None


def _text(data: bytes, address: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{address}: not a text in UTF-8") from None


def _csv_rows(data: bytes, address: str) -> list[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_text(data, address), newline=""), strict=True)
    rows = []
    try:
        _check_columns(reader.fieldnames or [], address)
        for fields in reader:
            where = f"{address}, line {reader.line_num}"
            if None in fields:
                raise ConfigError(
                    f"{where}: more cells than the {len(reader.fieldnames or [])} columns"
                )
            rows.append((where, dict(fields)))
    except csv.Error as error:
        raise ConfigError(f"{address}, line {reader.line_num}: {error}") from None
    return rows


def _json_rows(data: bytes, address: str) -> list[tuple[str, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(_text(data, address).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{address}, line {number}"
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{where}: not JSON ({error})") from None
        if not isinstance(fields, dict):
            raise ConfigError(f"{where}: found {line.strip()[:40]}; accepted is a JSON object")
        _check_columns(fields, where)
        rows.append((where, fields))
    return rows


def _parquet_rows(data: bytes, address: str) -> list[tuple[str, dict[str, Any]]]:
    require("parquet", f"{address}: Parquet")
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(pyarrow.BufferReader(data))
    except (pyarrow.ArrowException, OSError) as error:
        words = " ".join(str(error).split())
        raise ConfigError(f"{address}: not a Parquet file that can be read ({words})") from None
    _check_columns(table.column_names, address)
    return [
        (f"{address}, row {number}", fields)
        for number, fields in enumerate(table.to_pylist(), start=1)
    ]


def _check_columns(names: Iterable[str], where: str) -> None:
    names = list(names)
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise ConfigError(f"{where}: found '{unknown[0]}'; accepted are {', '.join(COLUMNS)}")
    if "image" not in names or not {"trimap", "mask"} & set(names):
        found = ", ".join(names) or "nothing"
        raise ConfigError(f"{where}: found {found}; needed are {_NEEDED}")


def _row(where: str, fields: Mapping[str, Any], base: str) -> Row:
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    for name, value in given.items():
        if name != "pixels" and not isinstance(value, str):
            raise ConfigError(f"{where}: {name} is {value!r}; accepted is a path or URL")
    if "image" not in given:
        raise ConfigError(f"{where}: no image")
    if ("trimap" in given) == ("mask" in given):
        which = "both trimap and mask" if "trimap" in given else "neither trimap nor mask"
        raise ConfigError(f"{where}: {which}; accepted is one of them")
    guide = given.get("trimap") or given["mask"]
    return Row(
        where=where,
        image=absolute(given["image"], base=base),
        guide=absolute(guide, base=base),
        is_mask="mask" in given,
        outputs={kind: given[kind] for kind in OUTPUTS if kind in given},
        pixels=_pixels(given.get("pixels", 0), where),
    )


def _pixels(value: Any, where: str) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if number < 0:
        raise ConfigError(f"{where}: pixels is {value!r}; accepted is a whole number, at least 0")
    return number
