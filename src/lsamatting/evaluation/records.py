"""The file that an evaluation leaves behind: one header, then one line of JSON per picture.

Lines are appended as results come and forced to the disk, so that a run which dies loses nothing
that it has finished. What such a run was writing when it died, a last line without its end, is
passed over by the reader and cut off by the writer.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any, Self

from lsamatting.errors import DatasetError
from lsamatting.locking import lock

MEASURES = ("SAD", "MSE", "MAD", "Grad", "Conn")
"""The errors of a picture, in the order of every table. SAD, Grad and Conn are in thousands."""

# Windows would translate line ends.
_BINARY: int = getattr(os, "O_BINARY", 0)

FORMAT = 1
"""What `format` in a header says; a reader refuses what it does not know."""


@dataclass(frozen=True)
class PictureRecord:
    """What is known of one picture after its evaluation."""

    name: str
    group: str | None
    """Which of several trimaps of one picture it is (AlphaMatting's `Trimap1`), else None."""

    errors: Mapping[str, float]
    """By the names of `MEASURES`, all of them; empty if the picture has no truth."""

    unknown: int
    """Unknown pixels."""

    size: tuple[int, int]
    """Width and height."""

    seconds: float | None
    """Of the prediction alone; None if the prediction was read from a file."""

    @property
    def key(self) -> tuple[str | None, str]:
        """Group and name, which no two records of a file share."""
        return self.group, self.name


@dataclass(frozen=True)
class Records:
    """The contents of a results file."""

    path: Path
    header: dict[str, Any]
    pictures: list[PictureRecord] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the method is called in tables."""
        return str(self.header["method"].get("name", "unnamed"))

    @property
    def groups(self) -> list[str]:
        """The groups in the order in which they appear; empty if there are none."""
        return list(dict.fromkeys(p.group for p in self.pictures if p.group is not None))

    @property
    def complete(self) -> bool:
        """Whether all pictures are there; a run that was interrupted leaves its beginning."""
        return len(self.pictures) == self.wanted

    @property
    def wanted(self) -> int:
        """How many pictures the test set has; 0 if the file does not tell."""
        return int(self.header.get("dataset", {}).get("pictures", 0))

    def means(self, group: str | None = None) -> dict[str, float]:
        """Average each measure over all pictures, or over those of one group.

        Raises
        ------
        DatasetError
            No picture has errors, because none was evaluated or there is no truth.
        """
        chosen = [p for p in self.pictures if p.errors and group in (None, p.group)]
        if not chosen:
            raise DatasetError(f"{self.path}: holds no picture with errors to average")
        return {measure: fmean(p.errors[measure] for p in chosen) for measure in MEASURES}


def read_records(path: str | Path) -> Records:
    """Read a results file.

    Raises
    ------
    DatasetError
        The file cannot be read, is of another kind or format, or holds a picture twice.
    """
    return _read(Path(path))[0]


class RecordWriter:
    """Appends to a results file, which it makes if there is none.

    Parameters
    ----------
    path
        The file. One that is there already is continued.
    header
        What produces the results; every part of the file's own header must equal it.
    overwrite
        Start anew instead of continuing.

    Raises
    ------
    DatasetError
        The file cannot be read or written, another process is writing it, or its header differs;
        the message says in what.
    """

    def __init__(
        self, path: str | Path, header: Mapping[str, Any], *, overwrite: bool = False
    ) -> None:
        path = Path(path)
        # As it will be read back: tuples are lists, keys are strings.
        wanted = json.loads(json.dumps({"record": "header", "format": FORMAT, **header}))
        try:
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o666), "r+b")
        except OSError as error:
            raise DatasetError(f"{path}: cannot be written ({error.strerror or error})") from None
        try:
            if not lock(self._file):
                raise DatasetError(
                    f"{path}: another run is writing its results there; wait for it, or give"
                    " another file"
                )
            fresh = overwrite or _died_in_header(path)
            whole = 0
            if fresh:
                self.records = Records(path, wanted)
            else:
                self.records, whole = _read(path)
                differences = _differences(self.records.header, wanted)
                if differences:
                    raise DatasetError(
                        f"{path}: holds results of another run ({'; '.join(differences)}); "
                        "give another file, or remove it to start anew (--overwrite of evaluate)"
                    )
            self._file.truncate(whole)
            self._file.seek(whole)
        except BaseException:
            self._file.close()
            raise
        if fresh:
            self._append(wanted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, picture: PictureRecord) -> None:
        """Append one picture; when this returns it is on the disk."""
        values = asdict(picture)
        errors = values.pop("errors")
        line = {"record": "picture", "name": values.pop("name"), "group": values.pop("group")}
        self._append({**line, **errors, **values})
        self.records.pictures.append(picture)

    def _append(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _died_in_header(path: Path) -> bool:
    """Tell whether a file is empty, or what a run leaves that died while it wrote its header."""
    beginning = b'{"record": "header"'
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError:
        return False
    begun = line.startswith(beginning) or beginning.startswith(line)
    return begun and not line.endswith(b"\n")


def _read(path: Path) -> tuple[Records, int]:
    """Give the records, and how many bytes the whole lines take."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror or error})") from None
    end = data.rfind(b"\n") + 1
    lines = data[:end].splitlines()
    header = _parse(path, lines, 0)
    method, dataset = header.get("method"), header.get("dataset", {})
    if (
        header.get("record") != "header"
        or not isinstance(method, dict)
        or not isinstance(method.get("name", ""), str)
        or not isinstance(dataset, dict)
        or not isinstance(dataset.get("pictures", 0), int)
    ):
        raise DatasetError(f"{path}: its first line is no header of `lsamatting evaluate`")
    if header.get("format") != FORMAT:
        raise DatasetError(
            f"{path}: results of format {header.get('format')}; this version reads {FORMAT}"
        )
    pictures: dict[tuple[str | None, str], PictureRecord] = {}
    for number in range(1, len(lines)):
        picture = _picture(path, lines, number)
        if picture.key in pictures:
            raise DatasetError(f"{path}: line {number + 1} repeats the picture {picture.name}")
        pictures[picture.key] = picture
    return Records(path, header, list(pictures.values())), end


def _parse(path: Path, lines: list[bytes], number: int) -> dict[str, Any]:
    try:
        line = json.loads(lines[number])
    except (ValueError, IndexError):
        line = None
    if not isinstance(line, dict):
        raise DatasetError(
            f"{path}: line {number + 1} is not an object of JSON; accepted: a results file "
            "of `lsamatting evaluate`"
        )
    return line


def _picture(path: Path, lines: list[bytes], number: int) -> PictureRecord:
    line = _parse(path, lines, number)
    try:
        if line["record"] != "picture":
            raise ValueError(f"a record of kind {line['record']!r}")
        given = [measure for measure in MEASURES if measure in line]
        if given and len(given) < len(MEASURES):
            raise ValueError(f"only {', '.join(given)} of {', '.join(MEASURES)}")
        errors = {measure: float(line[measure]) for measure in given}
        if not all(map(math.isfinite, errors.values())):
            raise ValueError("a value that is not finite")
        width, height = line["size"]
        seconds = line["seconds"]
        return PictureRecord(
            name=str(line["name"]),
            group=None if line["group"] is None else str(line["group"]),
            errors=errors,
            unknown=int(line["unknown"]),
            size=(int(width), int(height)),
            seconds=None if seconds is None else float(seconds),
        )
    except KeyError as error:
        reason = f"no {error}"
    except (TypeError, ValueError, OverflowError) as error:
        reason = str(error)
    raise DatasetError(f"{path}: line {number + 1} is no picture's record ({reason})")


def _differences(there: Any, here: Any, name: str = "") -> list[str]:
    """Name the parts in which two headers differ, outermost first."""
    if isinstance(there, dict) and isinstance(here, dict):
        return [
            difference
            for key in dict.fromkeys([*there, *here])
            for difference in _differences(
                there.get(key), here.get(key), f"{name}.{key}" if name else key
            )
        ]
    return [] if there == here else [f"{name} is {_short(there)} there and {_short(here)} here"]


def _short(value: Any) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"
