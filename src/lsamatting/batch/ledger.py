"""A file of JSON lines that grows while a run goes on, and outlives its sudden end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from lsamatting.batch.addresses import file_system, is_url, save_bytes
from lsamatting.errors import ConfigError
from lsamatting.replacing import replacing

Record = dict[str, Any]

SYNC_SECONDS = 1.0
"""At most so much is lost with the machine's power. What a killed process wrote is safe."""

PART_SECONDS = 10.0
"""At most so much is lost with a process that writes to a URL."""

# Windows would translate line ends.
_BINARY: int = getattr(os, "O_BINARY", 0)


class Ledger(Protocol):
    """Lines of JSON at an address."""

    def read(self) -> list[Record]:
        """Give all records in the order in which they were written.

        Raises
        ------
        ConfigError
            The file is not what it should be.
        """

    def append(self, record: Record) -> None:
        """Write one more."""

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replace all of them, at once."""

    def close(self) -> None:
        """Write what is not written yet."""


def open_ledger(address: str) -> Ledger:
    """Give the ledger at a path or URL; there need not be any yet."""
    return _RemoteLedger(address) if is_url(address) else _LocalLedger(Path(address))


class _LocalLedger:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._synced = 0.0

    def read(self) -> list[Record]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be read ({error.strerror})") from None
        return _parse(data, str(self._path))

    def append(self, record: Record) -> None:
        try:
            if self._file is None:
                self._file = self._open()
            os.write(self._file, _line(record))
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written ({error.strerror})") from None

    def rewrite(self, records: Iterable[Record]) -> None:
        self.close()
        try:
            with replacing(self._path) as temporary, temporary.open("wb") as file:
                file.writelines(map(_line, records))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be written ({error.strerror})") from None

    def close(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY, 0o666)
        # A process that was killed may have left half a line, which the next must not go on with.
        size = os.fstat(file).st_size
        whole = len(_whole(self._path.read_bytes())) if size else 0
        if whole < size:
            os.ftruncate(file, whole)
        return file


class _RemoteLedger:
    """Object stores cannot append: parts are written beside the file, and put together later."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._system, self._path = file_system(address)
        self._waiting: list[bytes] = []
        self._number = 0
        self._written = time.monotonic()

    def read(self) -> list[Record]:
        records: list[Record] = []
        for path in [self._path, *self._parts()]:
            if self._system.exists(path):
                records += _parse(self._system.cat_file(path), path)
        return records

    def append(self, record: Record) -> None:
        self._waiting.append(_line(record))
        if time.monotonic() - self._written >= PART_SECONDS:
            self._flush()

    def rewrite(self, records: Iterable[Record]) -> None:
        self._waiting = []
        parts = self._parts()
        save_bytes(self._address, b"".join(map(_line, records)))
        if parts:
            self._system.rm(parts)

    def close(self) -> None:
        self._flush()
        if self._parts():
            self.rewrite(self.read())

    def _flush(self) -> None:
        if self._waiting:
            self._number = self._number or len(self._parts())
            self._number += 1
            save_bytes(f"{self._address}.{self._number:06}", b"".join(self._waiting))
            self._waiting = []
        self._written = time.monotonic()

    def _parts(self) -> list[str]:
        self._system.invalidate_cache()
        return sorted(self._system.glob(f"{self._path}.[0-9]*"))


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _whole(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1]


def _parse(data: bytes, name: str) -> list[Record]:
    records = []
    for number, line in enumerate(_whole(data).splitlines(), start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise ConfigError(
                f"{name}, line {number}: found {line[:40].decode(errors='replace')!r}; a file of "
                "results holds one JSON object per line; give another folder, or take it away"
            )
        records.append(record)
    return records
