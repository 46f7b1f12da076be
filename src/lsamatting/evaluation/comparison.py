"""Several methods on the same pictures: their means, and what their differences are worth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from lsamatting.errors import ConfigError, DatasetError
from lsamatting.evaluation.bootstrap import DEFAULT_SAMPLES, paired_bootstrap
from lsamatting.evaluation.records import MEASURES, PictureRecord, Records

PAPER_MEASURES = ("SAD", "MSE", "Grad", "Conn")
"""The columns of the paper's tables."""

_Key = tuple[str | None, str]

_COMPOSITE = re.compile(r"_\d+$")

# A copy of a dataset under another name is the same dataset.
_NOT_COMPARED = "dataset.name"


@dataclass(frozen=True)
class Difference:
    """A mean difference to the first method, and its interval; below 0 is better than the first."""

    mean: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Row:
    """One method. `differences` is empty for the first."""

    method: str
    means: Mapping[str, float]
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; `lsamatting.evaluation.comparison_table` prints it."""

    rows: tuple[Row, ...]
    measures: tuple[str, ...]
    dataset: str
    layout: str
    pictures: int
    """Pictures that all methods have; a picture with two trimaps counts twice."""

    foregrounds: int
    """Foregrounds that these show; they are what the bootstrap draws."""

    left_out: int
    """Pictures that some methods have, but not all."""

    samples: int
    seed: int


def compare(
    records: Sequence[Records],
    *,
    names: Sequence[str] | None = None,
    measures: Sequence[str] = PAPER_MEASURES,
    common: bool = False,
    samples: int = DEFAULT_SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare the results of several methods, picture by picture.

    Parameters
    ----------
    records
        One or more; differences are taken to the first.
    names
        What the methods are called. By default what their headers say, or their files' names
        where those are not distinct.
    measures
        Out of `lsamatting.evaluation.records.MEASURES`.
    common
        Restrict to the pictures that all have, if they do not all have the same.
    samples, seed
        Of the bootstrap (`lsamatting.evaluation.bootstrap`).

    Returns
    -------
    Comparison

    Raises
    ------
    ConfigError
        No results, a number of names that does not fit, an unknown measure, or as for
        `paired_bootstrap`.
    DatasetError
        Datasets or protocols differ, pictures have no errors, or the sets of pictures differ; the
        message names in what.
    """
    if not records:
        raise ConfigError("no results to compare; give at least one results file")
    unknown = [measure for measure in measures if measure not in MEASURES]
    if unknown or not measures:
        raise ConfigError(
            f"measures are {', '.join(measures) or 'none'} (accepted: {', '.join(MEASURES)})"
        )
    for other in records[1:]:
        _check_headers(records[0], other)
    by_key = [_with_errors(one) for one in records]
    shared = _shared_keys(records, by_key, common=common)
    tables = [
        np.array([[pictures[key].errors[measure] for measure in measures] for key in shared])
        for pictures in by_key
    ]
    described = records[0].header.get("dataset", {})
    layout = str(described.get("layout", "unknown"))
    foregrounds = [foreground_of(key, layout) for key in shared]
    rows: list[Row] = []
    for method, table in zip(_names(records, names), tables, strict=True):
        means = [fmean(column) for column in table.T]
        differences = {}
        if rows:
            gap = table - tables[0]
            low, high = paired_bootstrap(gap, foregrounds, samples=samples, seed=seed)
            bounds = zip([fmean(column) for column in gap.T], low, high, strict=True)
            differences = {
                measure: Difference(mean, float(least), float(most))
                for measure, (mean, least, most) in zip(measures, bounds, strict=True)
            }
        rows.append(Row(method, dict(zip(measures, means, strict=True)), differences))
    return Comparison(
        rows=tuple(rows),
        measures=tuple(measures),
        dataset=str(described.get("name", "unnamed")),
        layout=layout,
        pictures=len(shared),
        foregrounds=len(set(foregrounds)),
        # What no method has yet, an interrupted run's rest, is missing all the same.
        left_out=max(
            len({key for pictures in by_key for key in pictures}),
            *(one.wanted for one in records),
        )
        - len(shared),
        samples=samples,
        seed=seed,
    )


def foreground_of(key: _Key, layout: str) -> str:
    """Name the foreground of a picture, which its other composites and trimaps share.

    Composition-1k calls the composites of ``NAME`` ``NAME_0`` to ``NAME_19``; elsewhere only
    pictures of one name in several groups are known to be of one foreground.
    """
    name = key[1]
    return _COMPOSITE.sub("", name) if layout == "composition-1k" else name


def _check_headers(first: Records, other: Records) -> None:
    here, there = (
        {
            name: value
            for part in ("dataset", "protocol")
            for name, value in _flat(part, one.header.get(part))
            if name != _NOT_COMPARED
        }
        for one in (first, other)
    )
    differences = [
        f"{name} is {_short(here.get(name))} and {_short(there.get(name))}"
        for name in dict.fromkeys([*here, *there])
        if here.get(name) != there.get(name)
    ]
    if differences:
        raise DatasetError(
            f"{first.path} and {other.path}: not evaluated alike ({'; '.join(differences)});"
            " only results of one dataset and one protocol can be compared"
        )


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Go through the leaves of nested dictionaries, each with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, value


def _short(value: Any) -> str:
    text = "not given" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:20]}…{text[-8:]}"


def _with_errors(records: Records) -> dict[_Key, PictureRecord]:
    without = [picture for picture in records.pictures if not picture.errors]
    if without or not records.pictures:
        what = f"{_called(without[0].key)} has no errors" if without else "holds no picture"
        raise DatasetError(f"{records.path}: {what}; only pictures with a truth can be compared")
    return {picture.key: picture for picture in records.pictures}


def _shared_keys(
    records: Sequence[Records], by_key: Sequence[Mapping[_Key, PictureRecord]], *, common: bool
) -> list[_Key]:
    """List the pictures that all have, in the order of the first; check that they are the same."""
    shared = [key for key in by_key[0] if all(key in pictures for pictures in by_key)]
    if not shared:
        raise DatasetError(
            f"{', '.join(str(one.path) for one in records)}: have no picture in common"
        )
    for one, pictures in zip(records[1:], by_key[1:], strict=True):
        only_first = [key for key in by_key[0] if key not in pictures]
        only_this = [key for key in pictures if key not in by_key[0]]
        if (only_first or only_this) and not common:
            parts = [
                f"{path} alone has {_called(keys[0])}"
                + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")
                for path, keys in ((records[0].path, only_first), (one.path, only_this))
                if keys
            ]
            raise DatasetError(
                f"{'; '.join(parts)}; --common restricts the comparison to the {len(shared)}"
                " pictures that all files have"
            )
        for key in shared:
            first, this = by_key[0][key], pictures[key]
            if (first.size, first.unknown) != (this.size, this.unknown):
                raise DatasetError(
                    f"{records[0].path} and {one.path}: {_called(key)} has"
                    f" {first.size[0]}x{first.size[1]} pixels, {first.unknown} unknown, in one and"
                    f" {this.size[0]}x{this.size[1]}, {this.unknown} unknown, in the other;"
                    " only results on the same picture and trimap can be compared"
                )
    return shared


def _called(key: _Key) -> str:
    group, name = key
    return f"'{name}'" if group is None else f"'{group}/{name}'"


def _names(records: Sequence[Records], names: Sequence[str] | None) -> list[str]:
    if names is not None:
        if len(names) != len(records):
            raise ConfigError(f"{len(names)} names for {len(records)} results files")
        return list(names)
    candidates = (
        [one.name for one in records],
        [one.path.stem for one in records],
        [str(one.path) for one in records],
    )
    return next((c for c in candidates if len(set(c)) == len(c)), candidates[-1])
