"""Test sets as people have them on disk, and what must be true of them before a run begins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, overload

from lsamatting.choices import DatasetLayout
from lsamatting.data.layout import (
    TrioFolder,
    by_stem,
    enumerate_some,
    picture_files,
    require_partners,
)
from lsamatting.digests import file_digest
from lsamatting.errors import DatasetError
from lsamatting.images import DEFAULT_MAX_PIXELS

_ADOBE = "Adobe-licensed images"
"""Where Adobe's own archive keeps `alpha` and `trimaps`, beside the composites."""

_TRAINING_GROUPS = ("Trimap1", "Trimap2")
_TEST_GROUPS = ("Trimap1", "Trimap2", "Trimap3")


@dataclass(frozen=True)
class TestPicture:
    """The files of one picture to evaluate."""

    name: str
    group: str | None
    """Which of several trimaps of one picture it is (AlphaMatting's `Trimap1`), else None."""

    image: Path
    trimap: Path | None
    """None where it is to be made from `alpha`."""

    alpha: Path | None
    """None where the truth is not public."""

    @property
    def key(self) -> tuple[str | None, str]:
        """Group and name, which no two pictures of a set share."""
        return self.group, self.name

    def in_folder(self, folder: Path, suffix: str = ".png") -> Path:
        """Name this picture's matte in a folder of mattes; groups are folders in it."""
        return (folder if self.group is None else folder / self.group) / f"{self.name}{suffix}"


@dataclass(frozen=True)
class TestSet(Sequence[TestPicture]):
    """The pictures of a test set, in a fixed order."""

    root: Path
    layout: DatasetLayout
    pictures: tuple[TestPicture, ...]

    @overload
    def __getitem__(self, index: int) -> TestPicture: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TestPicture, ...]: ...
    def __getitem__(self, index: int | slice) -> TestPicture | tuple[TestPicture, ...]:
        """Give one picture or several."""
        return self.pictures[index]

    def __len__(self) -> int:
        """Give the number of pictures; one with two trimaps counts twice."""
        return len(self.pictures)

    def __iter__(self) -> Iterator[TestPicture]:
        """Go through the pictures."""
        return iter(self.pictures)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.resolve().name

    @property
    def has_truth(self) -> bool:
        """Whether mattes can be scored."""
        return all(picture.alpha is not None for picture in self.pictures)

    def digest(self) -> str:
        """Hash what decides the results: the contents of trimaps and alphas, the images' sizes.

        SHA-256 over group, name, the hash of trimap and alpha, and the image's number of bytes
        (its contents would take minutes to read for a thousand composites).
        """
        whole = hashlib.sha256()
        known: dict[Path, str] = {}
        for picture in self.pictures:
            for file in (picture.trimap, picture.alpha):
                if file is not None and file not in known:
                    known[file] = file_digest(file)
            parts = (
                picture.group,
                picture.name,
                picture.image.stat().st_size,
                *(file and known[file] for file in (picture.trimap, picture.alpha)),
            )
            whole.update(repr(parts).encode())
        return whole.hexdigest()


def open_dataset(path: str | Path, *, layout: DatasetLayout = "auto") -> TestSet:
    """Find the files of a test set and check that they fit.

    Parameters
    ----------
    path
        The folder.
    layout
        ``trio``: ``image/``, ``alpha/`` and perhaps ``trimap/``, matched by name without suffix.

        ``composition-1k``: composites in ``merged/``, trimaps of the same names in ``trimaps/`` or
        ``trimap/``; alphas in ``alpha_copy/`` or ``alpha/``, named as the composites or, one for
        all composites ``NAME_K``, ``NAME``. Trimaps and alphas may lie in
        ``Adobe-licensed images/``.

        ``alphamatting``: the training set of alphamatting.com, ``input_training_lowres/``,
        ``gt_training_lowres/``, ``trimap_training_lowres/Trimap1/`` and ``Trimap2/``.

        ``alphamatting-test``: its test set, which has no public truth: ``input_lowres/`` and
        ``trimap_lowres/Trimap1/`` to ``Trimap3/``.

        ``auto`` takes the one whose first folder is there.

    Raises
    ------
    DatasetError
        A folder is missing or empty, files lack their partner or differ in size from it, or a name
        cannot be written as text; the message names them.
    """
    root = Path(path)
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder")
    chosen = _detect(root) if layout == "auto" else layout
    pictures = tuple(_OPENERS[chosen](root))
    for picture in pictures:
        try:
            picture.name.encode()
        except UnicodeEncodeError:
            raise DatasetError(
                f"{root}: a picture is called {picture.name!a}; accepted are names in UTF-8"
            ) from None
    _check_sizes(pictures)
    return TestSet(root, chosen, pictures)


def find_mattes(folder: Path, pictures: Iterable[TestPicture]) -> dict[TestPicture, Path]:
    """Find the mattes that another method made for these pictures, and check their sizes.

    They are matched by name without suffix; groups are folders in `folder`. Other files may lie
    there too.

    Raises
    ------
    DatasetError
        A folder or a matte is missing, or a matte is not of its picture's size.
    """
    by_group: dict[str | None, dict[str, TestPicture]] = {}
    for picture in pictures:
        by_group.setdefault(picture.group, {})[picture.name] = picture
    found: dict[TestPicture, Path] = {}
    for group, members in by_group.items():
        place = folder if group is None else folder / group
        mattes = by_stem(file for file in picture_files(place) if file.stem in members)
        require_partners({name: p.image for name, p in members.items()}, mattes, place)
        found |= {picture: mattes[name] for name, picture in members.items()}
    _check_same_size((picture.image, matte) for picture, matte in found.items())
    return found


def _detect(root: Path) -> DatasetLayout:
    marks: dict[DatasetLayout, str] = {
        "trio": "image",
        "composition-1k": "merged",
        "alphamatting": "input_training_lowres",
        "alphamatting-test": "input_lowres",
    }
    found = [layout for layout, mark in marks.items() if (root / mark).is_dir()]
    if len(found) > 1:
        names = " and ".join(f"{marks[layout]}/ ({layout})" for layout in found)
        raise DatasetError(f"{root}: holds {names}; say with --layout which is meant")
    if not found:
        accepted = ", ".join(f"{mark}/ ({layout})" for layout, mark in marks.items())
        raise DatasetError(f"{root}: no test set; accepted is a folder with one of {accepted}")
    return found[0]


def _trio(root: Path) -> Iterator[TestPicture]:
    for trio in TrioFolder(root).trios:
        yield TestPicture(trio.name, None, trio.image, trio.trimap, trio.alpha)


def _composition(root: Path) -> Iterator[TestPicture]:
    merged = root / "merged"
    images = by_stem(picture_files(merged))
    alpha_folder = _first_folder(root, ("alpha_copy", "alpha"))
    trimap_folder = _first_folder(root, ("trimaps", "trimap"))
    alphas = by_stem(picture_files(alpha_folder))
    trimaps = by_stem(picture_files(trimap_folder))
    require_partners(images, trimaps, trimap_folder)
    require_partners(trimaps, images, merged)
    owners = {stem: _alpha_stem(stem, alphas) for stem in images}
    require_partners(
        {stem: images[stem] for stem, owner in owners.items() if owner is None}, (), alpha_folder
    )
    for stem in sorted(images, key=_natural):
        alpha = alphas[cast(str, owners[stem])]
        yield TestPicture(stem, None, images[stem], trimaps[stem], alpha)


def _first_folder(root: Path, names: tuple[str, ...]) -> Path:
    """Give the first that exists of these folders, in `root` itself or in Adobe's."""
    for name in names:
        for folder in (root / name, root / _ADOBE / name):
            if folder.is_dir():
                return folder
    accepted = " or ".join(f"{name}/" for name in names)
    raise DatasetError(f"{root}: no folder {accepted}, here or in '{_ADOBE}'")


def _alpha_stem(stem: str, alphas: Mapping[str, Path]) -> str | None:
    """Find whose alpha a composite has: its own, or that of the foreground in its name."""
    if stem in alphas:
        return stem
    foreground, _, number = stem.rpartition("_")
    return foreground if number.isdecimal() and foreground in alphas else None


def _natural(stem: str) -> tuple[str, int]:
    """Sort composite 2 of a foreground before composite 10."""
    foreground, _, number = stem.rpartition("_")
    return (foreground, int(number)) if number.isdecimal() else (stem, -1)


def _alphamatting(root: Path) -> Iterator[TestPicture]:
    truths = by_stem(picture_files(root / "gt_training_lowres"))
    inputs = root / "input_training_lowres"
    trimaps = root / "trimap_training_lowres"
    yield from _grouped(inputs, trimaps, _TRAINING_GROUPS, root / "gt_training_lowres", truths)


def _alphamatting_test(root: Path) -> Iterator[TestPicture]:
    yield from _grouped(root / "input_lowres", root / "trimap_lowres", _TEST_GROUPS, None, {})


def _grouped(
    inputs: Path,
    trimap_root: Path,
    groups: tuple[str, ...],
    truth_folder: Path | None,
    truths: Mapping[str, Path],
) -> Iterator[TestPicture]:
    images = by_stem(picture_files(inputs))
    if truth_folder is not None:
        require_partners(images, truths, truth_folder)
        require_partners(truths, images, inputs)
    trimaps = {group: by_stem(picture_files(trimap_root / group)) for group in groups}
    for group, members in trimaps.items():
        require_partners(images, members, trimap_root / group)
        require_partners(members, images, inputs)
    for group, members in trimaps.items():
        for stem in sorted(images):
            yield TestPicture(stem, group, images[stem], members[stem], truths.get(stem))


_OPENERS = {
    "trio": _trio,
    "composition-1k": _composition,
    "alphamatting": _alphamatting,
    "alphamatting-test": _alphamatting_test,
}


def _check_sizes(pictures: Sequence[TestPicture]) -> None:
    _check_same_size(
        (picture.image, file)
        for picture in pictures
        for file in (picture.trimap, picture.alpha)
        if file is not None
    )


def _check_same_size(pairs: Iterable[tuple[Path, Path]]) -> None:
    from lsamatting.formats.size import decoded_size, header_size

    sizes: dict[Path, tuple[int, int]] = {}

    def size(path: Path) -> tuple[int, int]:
        if path not in sizes:
            sizes[path] = header_size(path, max_pixels=DEFAULT_MAX_PIXELS)
        return sizes[path]

    wrong: list[str] = []
    for image, other in pairs:
        if size(image) == size(other):
            continue
        # A header may keep a rotation from us: what would be complained of is looked at closely.
        for path in (image, other):
            sizes[path] = decoded_size(path, max_pixels=DEFAULT_MAX_PIXELS)
        if sizes[image] != sizes[other]:
            found, wanted = ("x".join(map(str, sizes[path])) for path in (other, image))
            wrong.append(f"{other} is {found} pixels but {image} is {wanted}")
    if wrong:
        raise DatasetError(f"{enumerate_some(wrong)}; they must be equal")
