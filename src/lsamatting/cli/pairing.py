"""From what stands on a command line to pairs of pictures and guides, and to output files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.images import is_picture, pictures_in


@dataclass(frozen=True)
class Pair:
    """A picture and what guides it: its trimap or its mask."""

    image: Path
    guide: Path


def pair_up(images: list[Path], guide: Path) -> tuple[list[Pair], bool]:
    """Find each picture's guide.

    Parameters
    ----------
    images:
        Files and folders; a folder stands for the pictures in it, sorted by name.
    guide:
        The guide of the only picture, or a folder of guides named as the pictures are,
        whatever their suffixes.

    Returns
    -------
    tuple
        The pairs, and whether this is a batch: several pictures, or a folder of them.

    Raises
    ------
    ImageError, TrimapError
        A file is missing, a folder holds no picture, or a picture has no guide or several.
    ConfigError
        Several pictures with a single guide, or two pictures of one name.
    """
    batch = len(images) > 1 or any(path.is_dir() for path in images)
    files = [file for path in images for file in _pictures(path)]
    if not guide.exists():
        raise TrimapError(f"{guide}: no such file or folder")
    if guide.is_dir():
        guides = _by_stem(guide)
        pairs = [Pair(file, _guide_of(file, guides, guide)) for file in files]
    elif len(files) == 1:
        pairs = [Pair(files[0], guide)]
    else:
        raise ConfigError(
            f"{guide}: one file for {len(files)} pictures; accepted: a folder with a file "
            "of the same name for each"
        )
    seen: dict[str, Path] = {}
    for pair in pairs:
        other = seen.setdefault(pair.image.stem, pair.image)
        if other is not pair.image:
            raise ConfigError(f"{other} and {pair.image} would be written to the same file")
    return pairs, batch


def destination(option: str, path: Path, image: Path, *, batch: bool, suffix: str = ".png") -> Path:
    """Give the file that an output option means for one picture.

    An existing folder, and always in a batch, means a file of the picture's name in that folder.

    Raises
    ------
    ConfigError
        A batch needs a folder and `path` names a picture.
    """
    if batch and (path.is_file() or (is_picture(path) and not path.is_dir())):
        raise ConfigError(f"{option} {path}: several pictures need a folder, not a file")
    if batch or path.is_dir():
        return path / f"{image.stem}{suffix}"
    return path


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


def _pictures(path: Path) -> list[Path]:
    if path.is_dir():
        files = pictures_in(path)
        if not files:
            raise ImageError(f"{path}: no picture in this folder")
        return files
    if not path.exists():
        raise ImageError(f"{path}: no such file or folder")
    return [path]


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    guides: dict[str, list[Path]] = {}
    for file in pictures_in(folder):
        guides.setdefault(file.stem, []).append(file)
    return guides


def _guide_of(image: Path, guides: dict[str, list[Path]], folder: Path) -> Path:
    found = guides.get(image.stem, [])
    if not found:
        raise TrimapError(f"{folder}: no file named {image.stem}.* for {image}")
    if len(found) > 1:
        raise TrimapError(
            f"{folder}: {found[0].name} and {found[1].name} are both named as {image.name} is"
        )
    return found[0]
