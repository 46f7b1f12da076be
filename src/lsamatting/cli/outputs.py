"""Where results go: named, checked before anything is computed, and never over an input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsamatting.batch.addresses import STREAM, STREAM_SUFFIX, is_url, place_of, suffix_of
from lsamatting.errors import ConfigError
from lsamatting.picture_files import is_picture

if TYPE_CHECKING:
    from lsamatting.batch.job import Job
    from lsamatting.choices import Depth

Address = str | Path


def destination(option: str, path: Path, name: str, *, batch: bool, suffix: str = ".png") -> Path:
    """Give the file that an output option means for one picture.

    An existing folder, a path without a suffix, as `new/`, and always in a batch: a file of the
    picture's name in that folder.

    Raises
    ------
    ConfigError
        A batch needs a folder and `path` names a picture, or standard output.
    """
    if batch and (
        str(path) == STREAM or path.is_file() or (is_picture(path) and not path.is_dir())
    ):
        raise ConfigError(f"{option} {path}: several pictures need a folder, not a file")
    if batch or path.is_dir() or not (str(path) == STREAM or path.suffix or path.exists()):
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


def refuse_replacing(outputs: Iterable[Address], inputs: Iterable[Address | None]) -> None:
    """Raise ConfigError if something that is to be written is something that is read.

    Links count as what they lead to, and two names of one file as one. What is None or `-` is no
    file; a folder protects what lies in it only if that is named too.
    """
    read: set[object] = set()
    for path in inputs:
        if path is not None:
            read.update(_marks(path))
    for path in outputs:
        if any(mark in read for mark in _marks(path)):
            raise ConfigError(f"{path}: would replace an input; choose another place")


def refuse_among_pictures(folders: Iterable[Address], sources: Iterable[Address]) -> None:
    """Raise ConfigError if results would lie in a folder whose pictures were asked for.

    The next time they would be taken for further pictures.
    """
    read = {place_of(path) for path in sources if is_url(path) or os.path.isdir(path)}
    for folder in folders:
        if place_of(folder) in read:
            raise ConfigError(
                f"{folder}: results would lie among the pictures; choose another folder"
            )


def refuse_twice(outputs: Iterable[Address]) -> None:
    """Raise ConfigError if two results would be written to one file, or to standard output."""
    seen: set[str] = set()
    for path in outputs:
        place = str(path) if str(path) == STREAM or is_url(path) else os.path.realpath(path)
        if place in seen:
            raise ConfigError(f"{path}: two outputs would be written to this file")
        seen.add(place)


def check_outputs(
    jobs: Sequence[Job],
    depth: Depth | None,
    quality: int | None,
    further_inputs: Iterable[Address | None],
    *,
    asked: Mapping[str, Address | None],
) -> set[Path]:
    """Refuse, before anything is computed, files that cannot or should not be written.

    Parameters
    ----------
    jobs
        What is read and written.
    depth, quality
        As asked for, of all outputs.
    further_inputs
        What is read besides.
    asked
        What options named, by the kind of output: a file there is to lie in a folder that exists.

    Returns
    -------
    set of Path
        The folders that are to be made for the others.

    Raises
    ------
    ConfigError, ImageError
        A format cannot hold what it should, a folder cannot be made, two outputs are one file, or
        one would replace an input.
    """
    from lsamatting.picture_files import LOSSY_SUFFIXES, check_destination, check_format

    outputs = [address for job in jobs for address in job.outputs.values()]
    inputs = [address for job in jobs for address in (job.image, job.guide)]
    refuse_replacing(outputs, [*inputs, *further_inputs])
    refuse_twice(outputs)
    for job in jobs:
        for name, address in job.outputs.items():
            alpha, bits = name == "cutout", None if name == "overlay" else depth
            if is_url(address):
                check_format(address, suffix_of(address), alpha=alpha, depth=bits)
            else:
                path = f"stdout{STREAM_SUFFIX}" if address == STREAM else address
                as_asked = address == str(asked.get(name))
                check_destination(path, alpha=alpha, depth=bits, parent_exists=as_asked)
    # An opacity in WebP is always without loss.
    if quality is not None and not any(
        suffix_of(address).lower() in LOSSY_SUFFIXES
        and (name, suffix_of(address).lower()) != ("alpha", ".webp")
        for job in jobs
        for name, address in job.outputs.items()
    ):
        raise ConfigError(f"--quality goes with an output in {', '.join(LOSSY_SUFFIXES)}")
    return folders_to_make(
        (Path(asked.get(name) or ""), Path(address))
        for job in jobs
        for name, address in job.outputs.items()
        if not is_url(address)
    )


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


def _marks(address: Address) -> Iterable[object]:
    """Give what a file is known by: where it lies, and if it exists, which one it is."""
    if str(address) == STREAM:
        return
    if is_url(address):
        yield address
        return
    path = Path(address)
    yield os.path.realpath(path)
    try:
        status = path.stat()
    except OSError:
        return
    if not path.is_dir():
        yield status.st_dev, status.st_ino
