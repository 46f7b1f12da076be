"""The list of subjects: which photographs to cut something out of, and where it is."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsamatting.errors import ConfigError

Stroke = tuple[float, ...]
"""x and y in turn, of the places that a stroke joins, in percent of the photograph's sides."""


@dataclass(frozen=True)
class Subject:
    """Where a photograph's subject is.

    Places are in percent of the photograph's width and height, lengths of its longer side.
    """

    name: str
    """The photograph's file name without suffix."""

    box: tuple[float, float, float, float] = (5.0, 5.0, 95.0, 95.0)
    """Left, top, right, bottom; nothing of the subject lies outside."""

    outline: Stroke = ()
    """A polygon in place of the box, where a box holds too much else."""

    inside: tuple[Stroke, ...] = ()
    """Strokes that are surely the subject."""

    outside: tuple[Stroke, ...] = ()
    """Strokes that are surely not."""

    band: tuple[float, float] = (1.2, 2.0)
    """How far the unknown region reaches into the subject, and out of it."""


def read_subjects(file: Path) -> list[Subject]:
    """Read a list: TOML, a table for each photograph with the fields of `Subject`.

    Raises
    ------
    ConfigError
        The file cannot be read, a field is unknown or its value is not what the field takes.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ConfigError(f"{file}: not a TOML file ({error})") from None
    return [_subject(file, name, fields) for name, fields in content.items()]


def _subject(file: Path, name: str, fields: Any) -> Subject:
    accepted = ("box", "outline", "inside", "outside", "band")
    if not isinstance(fields, dict) or not set(fields) <= set(accepted):
        raise ConfigError(f"{file}: {name} has {fields}; accepted are {', '.join(accepted)}")
    values: dict[str, Any] = {}
    for key, value in fields.items():
        if key in ("inside", "outside"):
            strokes = value if isinstance(value, list) else [None]
            values[key] = tuple(_numbers(file, name, key, stroke, even=True) for stroke in strokes)
        else:
            values[key] = _numbers(file, name, key, value, even=True)
    for key, count in (("box", 4), ("band", 2)):
        if len(values.get(key, (0,) * count)) != count:
            raise ConfigError(f"{file}: {name}.{key} has {len(values[key])} numbers, not {count}")
    subject = Subject(name, **values)
    left, top, right, bottom = subject.box
    if left >= right or top >= bottom:
        raise ConfigError(f"{file}: {name}.box is empty: left, top, right, bottom are wanted")
    return subject


def _numbers(file: Path, name: str, key: str, value: Any, *, even: bool) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    known = all(isinstance(number, int | float) and 0 <= number <= 100 for number in numbers)
    if not numbers or not known or (even and len(numbers) % 2):
        raise ConfigError(
            f"{file}: {name}.{key} has {value}; accepted are pairs of numbers from 0 to 100"
        )
    return tuple(float(number) for number in numbers)
