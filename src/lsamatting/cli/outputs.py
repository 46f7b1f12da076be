"""Where results go: named, checked before anything is computed, and never over an input."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from lsamatting.cli.streams import STREAM
from lsamatting.errors import ConfigError
from lsamatting.picture_files import is_picture


def destination(option: str, path: Path, name: str, *, batch: bool, suffix: str = ".png") -> Path:
    """Give the file that an output option means for one picture.

    An existing folder, a path without a suffix, as `new/`, and always in a batch: a file of the
    picture's name in that folder.

    Raises
    ------
    ConfigError
        A batch needs a folder and `path` names a picture, or standard output.
    """
    if batch and (path == STREAM or path.is_file() or (is_picture(path) and not path.is_dir())):
        raise ConfigError(f"{option} {path}: several pictures need a folder, not a file")
    if batch or path.is_dir() or not (path == STREAM or path.suffix or path.exists()):
        return path / f"{name}{suffix}"
    return path


def folders_to_make(outputs: Iterable[tuple[Path, Path]]) -> set[Path]:
    """Check and give the folders that results need, of pairs of what was asked for and the file.

    What names a file is to lie in a folder that is there; what stands for a folder may make it.

    Raises
    ------
    ConfigError
        One is not there and cannot be made, or cannot be written to.
    """
    folders = {file.parent for asked, file in outputs if file != asked}
    for folder in folders:
        check_can_be_made(folder)
    return folders


def refuse_replacing(outputs: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Raise ConfigError if something that is to be written is something that is read.

    Links count as what they lead to, and two names of one file as one. What is None or `-` is no
    file; a folder protects what lies in it only if that is named too.
    """
    read: dict[object, Path] = {}
    for path in inputs:
        if path is not None and path != STREAM:
            for mark in _marks(path):
                read[mark] = path
    for path in outputs:
        if path != STREAM and any(mark in read for mark in _marks(path)):
            raise ConfigError(f"{path}: would replace an input; choose another place")


def refuse_twice(outputs: Iterable[Path]) -> None:
    """Raise ConfigError if two results would be written to one file, or to standard output."""
    seen: set[Path] = set()
    for path in outputs:
        place = path if path == STREAM else path.resolve()
        if place in seen:
            raise ConfigError(f"{path}: two outputs would be written to this file")
        seen.add(place)


def make_folder(path: Path) -> None:
    """Make a folder for results, and those that it lies in, unless it is there.

    Raises
    ------
    ConfigError
        A file is in the way, or the disk refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{path}: the folder cannot be made ({reason})") from None


def check_can_be_made(path: Path) -> None:
    """Raise ConfigError unless a folder is there to be written to, or can be made."""
    ancestor = path.absolute()
    while not ancestor.exists() and ancestor != ancestor.parent:
        ancestor = ancestor.parent
    if not ancestor.is_dir():
        raise ConfigError(f"{path}: the folder cannot be made (Not a directory)")
    if not os.access(ancestor, os.W_OK | os.X_OK):
        what = "be written to" if ancestor == path.absolute() else "be made"
        raise ConfigError(f"{path}: the folder cannot {what} (no permission to write {ancestor})")


def _marks(path: Path) -> Iterable[object]:
    """Give what a file is known by: where it lies, and if it exists, which one it is."""
    yield path.resolve()
    try:
        status = path.stat()
    except OSError:
        return
    if not path.is_dir():
        yield status.st_dev, status.st_ino
