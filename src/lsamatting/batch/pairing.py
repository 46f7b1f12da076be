"""From what stands on a command line to pairs of pictures and guides."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lsamatting.batch.addresses import (
    STREAM,
    file_system,
    is_url,
    normal,
    parent,
    place_of,
    stem_of,
)
from lsamatting.errors import ConfigError, ImageError, LsamattingError, TrimapError
from lsamatting.picture_files import files_in, is_picture

Address = str | Path


@dataclass(frozen=True)
class Found:
    """A picture that was asked for, and the name of what is made of it, without a suffix.

    The name holds the folders below the one that was given.
    """

    address: str
    name: str


@dataclass(frozen=True)
class Search:
    """Pictures, and what was passed over on the way to them, with the reason."""

    found: list[Found]
    skipped: list[tuple[str, str]]
    batch: bool
    """Several pictures were asked for, or a folder of them."""


@dataclass(frozen=True)
class Pair:
    """A picture and what guides it: its trimap or its mask."""

    image: str
    guide: str
    name: str


@dataclass(frozen=True)
class Pairing:
    """Pictures with their guides, those that have none, and what was passed over."""

    pairs: list[Pair]
    batch: bool
    unpaired: list[tuple[str, str]] = field(default_factory=list)
    """Pictures without a guide of their own, each with what is wrong, in one line."""

    skipped: list[tuple[str, str]] = field(default_factory=list)


def search(
    sources: Iterable[Address], *, recursive: bool = False, leave_out: Iterable[Address] = ()
) -> Search:
    """Find pictures.

    Parameters
    ----------
    sources
        Files, `-` for standard input, patterns with `*` (`**` for any folders), and folders; a
        folder stands for the pictures in it, sorted by name. Paths, or URLs of fsspec.
    recursive
        Look into the folders of folders too.
    leave_out
        Folders that are not looked into, such as those of results.

    Raises
    ------
    ImageError
        A file is missing, or a folder holds no picture.
    ConfigError
        Results of two pictures would have one name.
    AddressError
        A URL cannot be reached.
    """
    found: list[Found] = []
    skipped: list[tuple[str, str]] = []
    avoided = [place_of(normal(path)) for path in leave_out]
    several = False
    for number, given in enumerate(sources):
        address = normal(given)
        names = _look(address, recursive=recursive)
        several = several or number > 0 or names is not None
        if names is None:
            found.append(
                Found(address, "stdin" if address == STREAM else stem_of(address)),
            )
            continue
        before = len(found)
        # What holds the pictures themselves is looked into, even if results lie there too.
        here = [folder for folder in avoided if _lies_in(folder, _base(address))]
        for file, name in names:
            if any(_lies_in(place_of(file), folder) for folder in here):
                continue
            if not is_url(file) and not os.path.exists(file):
                skipped.append((file, "a link to a file that does not exist"))
            elif is_picture(Path(name)):
                found.append(Found(file, PurePosixPath(name).with_suffix("").as_posix()))
            else:
                skipped.append((file, "not a picture that can be read"))
        if len(found) == before:
            raise ImageError(_nothing_in(address, recursive=recursive))
    seen: dict[str, str] = {}
    for item in found:
        other = seen.setdefault(item.name, item.address)
        if other is not item.address:
            raise ConfigError(f"{other} and {item.address} would be written to the same file")
    return Search(found, skipped, several)


def pair_up(
    images: Iterable[Address],
    guide: Address,
    *,
    recursive: bool = False,
    leave_out: Iterable[Address] = (),
) -> Pairing:
    """Find each picture's guide.

    Parameters
    ----------
    images, recursive, leave_out
        As for `search`.
    guide
        One guide for all pictures, as for the frames of a film, or a folder or pattern of guides
        named as the pictures are, whatever their suffixes, in folders of the same names.

    Raises
    ------
    ImageError, TrimapError
        A file is missing, a folder holds no picture, or the only picture has no guide or several.
    ConfigError
        Results of two pictures would have one name, or both come from standard input.
    AddressError
        A URL cannot be reached.
    """
    guide = normal(guide)
    try:
        names = _look(guide, recursive=recursive)
    except ImageError as error:
        raise TrimapError(str(error)) from None
    looked = search(images, recursive=recursive, leave_out=[*leave_out, guide])
    if guide == STREAM and any(item.address == STREAM for item in looked.found):
        raise ConfigError("standard input (-) holds one picture: give the other as a file")
    if names is None:
        pairs = [Pair(item.address, guide, item.name) for item in looked.found]
        return Pairing(pairs, looked.batch, skipped=looked.skipped)
    guides: dict[str, list[str]] = {}
    for file, name in names:
        if is_picture(Path(name)):
            guides.setdefault(PurePosixPath(name).with_suffix("").as_posix(), []).append(file)
    pairs, unpaired = [], []
    for item in looked.found:
        own = guides.get(item.name, [])
        if len(own) == 1:
            pairs.append(Pair(item.address, own[0], item.name))
        elif not own:
            problem = f"{guide}: no file named {item.name}.* for {item.address}"
            unpaired.append((item.address, problem))
        else:
            first, second, image = (_name(file) for file in (own[0], own[1], item.address))
            problem = f"{guide}: {first} and {second} are both named as {image} is"
            unpaired.append((item.address, problem))
    if unpaired and not looked.batch:
        raise TrimapError(unpaired[0][1])
    return Pairing(pairs, looked.batch, unpaired, looked.skipped)


def is_pattern(address: str) -> bool:
    """Tell whether an address stands for the files that it fits; `?` is a part of URLs."""
    return "*" in address


def _look(address: str, *, recursive: bool) -> list[tuple[str, str]] | None:
    """List the files of a folder or pattern, each with its name below it; None of a file.

    Raises
    ------
    ImageError
        There is no such file.
    """
    if address == STREAM:
        return None
    if is_url(address):
        return _look_at_url(address, recursive=recursive)
    path = Path(address)
    if path.is_dir():
        files = files_in(path, recursive=recursive)
        return [(str(file), file.relative_to(path).as_posix()) for file in files]
    if path.exists():
        return None
    if is_pattern(address):
        root = _root(address, os.sep)
        # Brackets in folders' names are nothing but brackets.
        fixed = address.rfind(os.sep, 0, address.index("*")) + 1
        found = sorted(glob.glob(glob.escape(address[:fixed]) + address[fixed:], recursive=True))
        return [(file, Path(file).relative_to(root).as_posix()) for file in found if _file(file)]
    what = "a link to a file that does not exist" if path.is_symlink() else None
    raise ImageError(f"{address}: {what or 'no such file or folder'}")


def _look_at_url(address: str, *, recursive: bool) -> list[tuple[str, str]] | None:
    system, path = file_system(address)
    try:
        if is_pattern(address):
            root = _root(path, "/").rstrip("/")
            files = [file for file, info in _matches(system, path) if info["type"] != "directory"]
        elif system.isdir(path):
            root = path.rstrip("/")
            files = system.find(path, maxdepth=None if recursive else 1)
        elif system.exists(path):
            return None
        else:
            raise ImageError(f"{address}: no such file or folder")
    except LsamattingError:
        raise
    except Exception as problem:  # each file system has errors of its own
        text = " ".join(str(problem).split()) or type(problem).__name__
        raise ImageError(f"{address}: cannot be reached ({text})") from None
    names = [(file, file.removeprefix(root).lstrip("/")) for file in sorted(files)]
    hidden = [any(part.startswith(".") for part in name.split("/")) for _, name in names]
    return [
        (system.unstrip_protocol(file), name)
        for (file, name), passed in zip(names, hidden, strict=True)
        if not passed
    ]


def _matches(system: object, path: str) -> list[tuple[str, dict[str, str]]]:
    return list(system.glob(path, detail=True).items())  # type: ignore[attr-defined]


def _root(pattern: str, separator: str) -> str:
    """Give the folder above the first `*`."""
    return pattern[: pattern.index("*")].rpartition(separator)[0] or (
        separator if pattern.startswith(separator) else "."
    )


def _file(path: str) -> bool:
    return not os.path.isdir(path) and not os.path.basename(path).startswith(".")


def _nothing_in(address: str, *, recursive: bool) -> str:
    if is_pattern(address) and not os.path.isdir(address):
        return f"{address}: no picture fits this pattern"
    below = (
        not recursive
        and not is_url(address)
        and any(entry.is_dir() for entry in Path(address).iterdir())
    )
    hint = "; --recursive looks into its folders too" if below else ""
    return f"{address}: no picture in this folder{hint}"


def _base(address: str) -> str:
    """Give the folder that is looked into."""
    if is_pattern(address):
        address = _root(address, "/" if is_url(address) else os.sep)
    return place_of(address)


def _lies_in(place: str, folder: str) -> bool:
    return place.startswith(folder.rstrip("/" + os.sep) + ("/" if is_url(folder) else os.sep))


def _name(address: str) -> str:
    return address[len(parent(address)) :].lstrip("/" + os.sep)
