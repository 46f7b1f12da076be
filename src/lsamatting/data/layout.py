"""Where a dataset keeps its files: AIM's folders for training, folder trios for evaluation."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsamatting.data.held_out import Part, take_part
from lsamatting.errors import DatasetError
from lsamatting.picture_files import READABLE_SUFFIXES, pictures_in

_NAMED = 5
"""So many files a message names; of more it gives the number."""


def picture_files(folder: Path) -> list[Path]:
    """List the pictures directly inside `folder`, sorted by name.

    Raises
    ------
    DatasetError
        The folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    files = pictures_in(folder)
    if not files:
        raise DatasetError(f"{folder}: holds no picture ({', '.join(READABLE_SUFFIXES)})")
    return files


def by_stem(files: Iterable[Path]) -> dict[str, Path]:
    """Index files by their name without suffix.

    Raises
    ------
    DatasetError
        Two files differ only in their suffix.
    """
    index: dict[str, Path] = {}
    for file in files:
        if file.stem in index:
            raise DatasetError(f"{file}: {index[file.stem].name} has the same name; keep one")
        index[file.stem] = file
    return index


def require_partners(found: Mapping[str, Path], other: Container[str], folder: Path) -> None:
    """Raise DatasetError naming the files whose stem is not among those of `folder`, `other`."""
    missing = [str(found[stem]) for stem in sorted(found) if stem not in other]
    if missing:
        raise DatasetError(f"{enumerate_some(missing)}: no file of that name in {folder}")


def enumerate_some(items: Sequence[str]) -> str:
    """List what a message is about, as far as one line can hold it."""
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more


@dataclass(frozen=True)
class AimFolder:
    """A training set in the layout of Adobe Image Matting: `fg/`, `alpha/` and `bg/`.

    Foregrounds and alphas are matched by name without suffix.

    Raises
    ------
    DatasetError
        A folder is missing or empty, or a foreground has no alpha or the reverse.
    """

    root: Path
    background_folders: tuple[Path, ...] = ()
    """Folders of photographs in place of `root/bg`, if any."""
    foreground_folder: str = "fg"
    """The foregrounds' folder under `root`, as `fg_refined`; an absolute path lies elsewhere."""
    part: Part = "all"
    """Which foregrounds and backgrounds to take, by their names."""

    @property
    def pairs(self) -> list[tuple[Path, Path]]:
        """Foreground and alpha files, sorted by name."""
        folder = self.root / self.foreground_folder
        foregrounds = by_stem(self._part_of(folder))
        alphas = by_stem(self._part_of(self.root / "alpha"))
        require_partners(foregrounds, alphas, self.root / "alpha")
        require_partners(alphas, foregrounds, folder)
        return [(foregrounds[stem], alphas[stem]) for stem in sorted(foregrounds)]

    @property
    def backgrounds(self) -> list[Path]:
        """Background photographs, folder by folder, sorted by name."""
        folders = self.background_folders or (self.root / "bg",)
        return [file for folder in folders for file in self._part_of(folder)]

    def _part_of(self, folder: Path) -> list[Path]:
        files = take_part(picture_files(folder), self.part)
        if not files:
            raise DatasetError(f"{folder}: none of its pictures belongs to the part '{self.part}'")
        return files


@dataclass(frozen=True)
class Trio:
    """The files of one test picture; `trimap` is None where it is to be made from `alpha`."""

    name: str
    image: Path
    trimap: Path | None
    alpha: Path


@dataclass(frozen=True)
class TrioFolder:
    """A test set: `image/`, `alpha/` and, where it comes with some, `trimap/`, matched by name.

    Raises
    ------
    DatasetError
        A folder is missing or empty, or one of a picture's files is missing.
    """

    root: Path

    @property
    def trios(self) -> list[Trio]:
        """All test pictures, sorted by name."""
        images = by_stem(picture_files(self.root / "image"))
        alphas = by_stem(picture_files(self.root / "alpha"))
        require_partners(images, alphas, self.root / "alpha")
        require_partners(alphas, images, self.root / "image")
        trimaps: dict[str, Path] = {}
        if (self.root / "trimap").is_dir():
            trimaps = by_stem(picture_files(self.root / "trimap"))
            require_partners(images, trimaps, self.root / "trimap")
        return [
            Trio(stem, images[stem], trimaps.get(stem), alphas[stem]) for stem in sorted(images)
        ]
