"""Where a picture is read from or written to: a path, `-` for a stream, or any URL of fsspec."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from lsamatting.digests import file_digest
from lsamatting.errors import ImageError, LsamattingError

STREAM = "-"
"""Standard input, or standard output."""

STREAM_SUFFIX = ".png"
"""What standard output gets; it has no name that could say otherwise."""

_LOCAL = ("file://", "local://")


class AddressError(LsamattingError):
    """A URL cannot be reached, or nothing here speaks its protocol."""


@dataclass(frozen=True)
class Stamp:
    """What tells cheaply whether a file has changed."""

    bytes: int
    modified: str | None
    """When it was modified, or another mark of its version; None where the server tells none."""


@dataclass(frozen=True)
class Fetched:
    """A picture file at hand."""

    source: Path | BinaryIO
    stamp: Stamp | None
    """None of a stream."""

    def digest(self) -> str | None:
        """Give the SHA-256 of its bytes, in hexadecimal digits; None if it cannot be opened."""
        if isinstance(self.source, Path):
            try:
                return file_digest(self.source)
            except OSError:
                return None  # whoever reads it as a picture says what is wrong
        digest = hashlib.file_digest(self.source, "sha256").hexdigest()  # type: ignore[arg-type]
        self.source.seek(0)
        return digest


class _Named(io.BytesIO):
    """Bytes that messages call by their address."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def normal(address: str | Path) -> str:
    """Write `file://` URLs as the paths that they are; leave everything else."""
    text = str(address)
    for start in _LOCAL:
        if text.startswith(start):
            return text.removeprefix(start)
    return text


def absolute(address: str | Path, *, base: str | Path | None = None) -> str:
    """Give an address that means the same from any folder; relative paths lie in `base`."""
    text = normal(address)
    if text == STREAM or is_url(text):
        return text
    if base is not None and is_url(base) and not os.path.isabs(text):
        return join(str(base), text)
    return os.path.abspath(os.path.join(base or "", text))


def is_url(address: str | Path) -> bool:
    """Tell a URL from a path."""
    return isinstance(address, str) and "://" in address and not address.startswith(_LOCAL)


def join(folder: str, name: str) -> str:
    """Give the address of a file in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else os.path.join(folder, name)


def parent(address: str) -> str:
    """Give the folder that an address lies in."""
    return address.rpartition("/")[0] if is_url(address) else os.path.dirname(address)


def place_of(address: str | Path) -> str:
    """Give what a folder or file is known by, however its address is written."""
    return str(address).rstrip("/") if is_url(address) else os.path.realpath(address)


def suffix_of(address: str) -> str:
    """Give the suffix that says a file's format, as `.png`; what follows a URL's `?` is no part."""
    text = address.partition("?")[0] if is_url(address) else address
    return PurePosixPath(text).suffix if is_url(address) else Path(text).suffix


def stem_of(address: str) -> str:
    """Give a file's name without its suffix."""
    text = address.partition("?")[0] if is_url(address) else address
    return PurePosixPath(text).stem if is_url(address) else Path(text).stem


def named(address: str | Path) -> str:
    """Name an address in a message."""
    return "standard input" if str(address) == STREAM else str(address)


def file_system(url: str) -> tuple[Any, str]:
    """Give the file system of fsspec that a URL is of, and the path in it.

    Raises
    ------
    AddressError
        No file system has this protocol, or the package for it is missing.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except (ValueError, ImportError) as problem:
        raise AddressError(f"{url}: {_line(problem)}") from None
    except Exception as problem:
        raise AddressError(f"{url}: cannot be reached ({_line(problem)})") from None


def fetch(address: str) -> Fetched:
    """Get what a picture is read from: the path itself, or the bytes of a URL or standard input.

    Raises
    ------
    ImageError
        A URL cannot be read, or standard input is closed. What is wrong with a path is for its
        reader to say.
    """
    if address == STREAM:
        if sys.stdin is None:
            raise ImageError(f"{named(STREAM)}: is closed")
        return Fetched(_Named(sys.stdin.buffer.read(), named(STREAM)), None)
    if not is_url(address):
        return Fetched(Path(address), stamp(address))
    system, path = file_system(address)
    with _told(address, "cannot be read"):
        version = stamp_of(system.info(path))
        return Fetched(_Named(system.cat_file(path), address), version)


def stamp(address: str) -> Stamp | None:
    """Give the stamp of a file; None if there is none.

    Raises
    ------
    ImageError
        The server of a URL does not answer.
    """
    if is_url(address):
        system, path = file_system(address)
        with _told(address, "cannot be reached"):
            try:
                return stamp_of(system.info(path))
            except FileNotFoundError:
                return None
    try:
        status = os.stat(address)
    except OSError:
        return None
    return Stamp(status.st_size, str(status.st_mtime_ns))


def stamp_of(info: dict[str, Any]) -> Stamp:
    """Take a stamp out of what a file system of fsspec tells of a file."""
    marks = ("ETag", "etag", "md5", "LastModified", "last_modified", "mtime", "created")
    mark = next((info[name] for name in marks if info.get(name)), None)
    # Listings of the same files may say it as a number.
    if isinstance(mark, datetime):
        mark = mark.timestamp()
    if isinstance(mark, float):
        mark = f"{mark:.6f}"
    return Stamp(int(info.get("size") or 0), None if mark is None else str(mark))


def save(address: str, write: Callable[[Path | BinaryIO, str | None], None]) -> int:
    """Write a file, all of it or nothing.

    Parameters
    ----------
    address
        Where to. A folder that is missing is made, unless a stream is written to.
    write
        Writes to a path (which it replaces at once) or to an open file, in the format that a suffix
        says where the path has none.

    Returns
    -------
    int
        Bytes that were written; 0 for a stream.

    Raises
    ------
    ImageError
        A URL cannot be written, standard output is closed, or what `write` raises.
    """
    if address == STREAM:
        if sys.stdout is None:
            raise ImageError("standard output: is closed")
        write(sys.stdout.buffer, STREAM_SUFFIX)
        return 0
    if not is_url(address):
        path = Path(address)
        with _told(address, "cannot be written"):
            path.parent.mkdir(parents=True, exist_ok=True)
        write(path, None)
        return path.stat().st_size
    buffer = io.BytesIO()
    write(buffer, suffix_of(address))
    save_bytes(address, buffer.getvalue())
    return buffer.tell()


def save_bytes(address: str, data: bytes) -> None:
    """Write a file at a URL, all of it or nothing.

    Raises
    ------
    ImageError
        It cannot be written.
    """
    system, path = file_system(address)
    with _told(address, "cannot be written"):
        system.makedirs(system._parent(path), exist_ok=True)
        # Committed at the end in the file system's own way: by a move, or the end of an upload.
        with system.transaction, system.open(path, "wb") as file:
            file.write(data)


@contextmanager
def _told(address: str, what: str) -> Iterator[None]:
    try:
        yield
    except LsamattingError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{address}: no such file") from None
    except Exception as problem:  # each file system has errors of its own
        raise ImageError(f"{address}: {what} ({_line(problem)})") from None


def _line(problem: BaseException) -> str:
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split())
