"""From what stands on a command line to pairs of pictures and guides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lsamatting.cli.streams import STREAM
from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.picture_files import files_in, is_picture


@dataclass(frozen=True)
class Found:
    """A picture that was asked for, and the name of what is made of it, without a suffix.

    The name holds the folders below the one that was given.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class Search:
    """Pictures, and what was passed over on the way to them, with the reason."""

    found: list[Found]
    skipped: list[tuple[Path, str]]
    batch: bool
    """Several pictures were asked for, or a folder of them."""


@dataclass(frozen=True)
class Pair:
    """A picture and what guides it: its trimap or its mask."""

    image: Path
    guide: Path
    name: str


@dataclass(frozen=True)
class Pairing:
    """Pictures with their guides, those that have none, and what was passed over."""

    pairs: list[Pair]
    batch: bool
    unpaired: list[tuple[Path, str]] = field(default_factory=list)
    """Pictures without a guide of their own, each with what is wrong, in one line."""

    skipped: list[tuple[Path, str]] = field(default_factory=list)


def search(
    paths: Iterable[Path], *, recursive: bool = False, leave_out: Iterable[Path] = ()
) -> Search:
    """Find pictures.

    Parameters
    ----------
    paths:
        Files, `-` for standard input, and folders; a folder stands for the pictures in it, sorted
        by name.
    recursive:
        Look into the folders of folders too.
    leave_out:
        Folders that are not looked into, such as those of results.

    Raises
    ------
    ImageError
        A file is missing, or a folder holds no picture.
    ConfigError
        Results of two pictures would have one name.
    """
    paths = list(paths)
    found: list[Found] = []
    skipped: list[tuple[Path, str]] = []
    avoided = {path.resolve() for path in leave_out}
    for path in paths:
        if path == STREAM:
            found.append(Found(path, "stdin"))
        elif path.is_dir():
            before = len(found)
            _look_into(path, found, skipped, avoided, recursive=recursive)
            if len(found) == before:
                hint = "" if recursive else "; --recursive looks into its folders too"
                below = any(entry.is_dir() for entry in path.iterdir())
                raise ImageError(f"{path}: no picture in this folder{hint if below else ''}")
        elif path.exists():
            found.append(Found(path, path.stem))
        else:
            broken = path.is_symlink()
            what = "a link to a file that does not exist" if broken else "no such file or folder"
            raise ImageError(f"{path}: {what}")
    seen: dict[str, Path] = {}
    for item in found:
        other = seen.setdefault(item.name, item.path)
        if other is not item.path:
            raise ConfigError(f"{other} and {item.path} would be written to the same file")
    return Search(found, skipped, len(paths) > 1 or any(path.is_dir() for path in paths))


def pair_up(
    images: Iterable[Path],
    guide: Path,
    *,
    recursive: bool = False,
    leave_out: Iterable[Path] = (),
) -> Pairing:
    """Find each picture's guide.

    Parameters
    ----------
    images, recursive, leave_out:
        As for `search`.
    guide:
        One guide for all pictures, as for the frames of a film, or a folder of guides named as the
        pictures are, whatever their suffixes, in folders of the same names.

    Raises
    ------
    ImageError, TrimapError
        A file is missing, a folder holds no picture, or the only picture has no guide or several.
    ConfigError
        Results of two pictures would have one name, or both come from standard input.
    """
    if guide != STREAM and not guide.exists():
        raise TrimapError(f"{guide}: no such file or folder")
    looked = search(images, recursive=recursive, leave_out=[*leave_out, guide])
    if guide == STREAM and any(item.path == STREAM for item in looked.found):
        raise ConfigError("standard input (-) holds one picture: give the other as a file")
    if not guide.is_dir():
        pairs = [Pair(item.path, guide, item.name) for item in looked.found]
        return Pairing(pairs, looked.batch, skipped=looked.skipped)
    guides: dict[str, list[Path]] = {}
    for file in files_in(guide, recursive=recursive):
        if is_picture(file):
            name = file.relative_to(guide).with_suffix("").as_posix()
            guides.setdefault(name, []).append(file)
    pairs, unpaired = [], []
    for item in looked.found:
        own = guides.get(item.name, [])
        if len(own) == 1:
            pairs.append(Pair(item.path, own[0], item.name))
        elif not own:
            unpaired.append((item.path, f"{guide}: no file named {item.name}.* for {item.path}"))
        else:
            named = f"{own[0].name} and {own[1].name} are both named as {item.path.name} is"
            unpaired.append((item.path, f"{guide}: {named}"))
    if unpaired and not looked.batch:
        raise TrimapError(unpaired[0][1])
    return Pairing(pairs, looked.batch, unpaired, looked.skipped)


def _look_into(
    folder: Path,
    found: list[Found],
    skipped: list[tuple[Path, str]],
    avoided: set[Path],
    *,
    recursive: bool,
) -> None:
    for file in files_in(folder, recursive=recursive):
        if any(parent.resolve() in avoided for parent in _below(file, folder)):
            continue
        if not file.exists():
            skipped.append((file, "a link to a file that does not exist"))
        elif is_picture(file):
            found.append(Found(file, file.relative_to(folder).with_suffix("").as_posix()))
        else:
            skipped.append((file, "not a picture that can be read"))


def _below(file: Path, folder: Path) -> list[Path]:
    """Give the folders between a file and the folder that was looked into."""
    return [parent for parent in file.parents if parent != folder and folder in parent.parents]
