"""Photographs as a source of texture and of colours that go together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.held_out import Part, take_part
from lsamatting.errors import DatasetError
from lsamatting.images import read_bytes
from lsamatting.picture_files import READABLE_SUFFIXES, pictures_in

Floats = NDArray[np.float32]

_Kind = TypeVar("_Kind", np.uint8, np.float32)


class Photos:
    """Random patches and palettes out of folders of photographs.

    folders: searched recursively, in sorted order, so that one seed gives one picture on every
    machine. max_side: longer side in pixels to which photographs are reduced when decoded. part:
    only those to train on, or only those held out.
    cached: how many decoded photographs are kept in memory.
    Raises DatasetError for a folder that does not exist or when no photograph is found.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        part: Part = "all",
        max_side: int = 900,
        cached: int = 64,
    ) -> None:
        self.files = find_pictures(folders, part=part)
        self.max_side = max_side
        self.cached = cached
        self._decoded: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.files)

    def read(self, path: Path) -> NDArray[np.uint8]:
        """HxWx3 RGB of one photograph, at most max_side on its longer side."""
        if path in self._decoded:
            self._decoded.move_to_end(path)
            return self._decoded[path]
        picture = read_rgb(path, max_side=self.max_side)
        self._decoded[path] = picture
        while len(self._decoded) > self.cached:
            self._decoded.popitem(last=False)
        return picture

    def patch(
        self, rng: np.random.Generator, height: int, width: int, *, smooth: float = 0
    ) -> Floats:
        """Random crop of a random photograph, HxWx3 float32 in [0, 1].

        Randomly scaled and flipped. smooth: standard deviation, in output pixels, of a Gaussian
        blur; what is left is low-contrast, out-of-focus colour.
        """
        import cv2

        picture = self.read(self.files[int(rng.integers(len(self.files)))])
        rows, columns = picture.shape[:2]
        # The largest crop of the wanted proportion, times a random share of it.
        share = rng.uniform(0.4, 1) * min(rows / height, columns / width)
        crop_height = max(1, min(rows, round(height * share)))
        crop_width = max(1, min(columns, round(width * share)))
        top = int(rng.integers(rows - crop_height + 1))
        left = int(rng.integers(columns - crop_width + 1))
        crop = picture[top : top + crop_height, left : left + crop_width]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        method = cv2.INTER_AREA if crop_height > height else cv2.INTER_CUBIC
        patch = cv2.resize(np.ascontiguousarray(crop), (width, height), interpolation=method)
        floats = patch.astype(np.float32) / np.float32(255)
        return blur(floats, smooth) if smooth > 0 else floats

    def palette(self, rng: np.random.Generator, count: int) -> Floats:
        """Return count x 3 colours in [0, 1] that occur near each other in one photograph."""
        import cv2

        picture = self.read(self.files[int(rng.integers(len(self.files)))])
        rows, columns = picture.shape[:2]
        side = max(1, int(min(rows, columns) * rng.uniform(0.15, 0.4)))
        top = int(rng.integers(rows - side + 1))
        left = int(rng.integers(columns - side + 1))
        region = np.ascontiguousarray(picture[top : top + side, left : left + side])
        # A mean over a few pixels: single pixels carry noise and compression.
        small = cv2.resize(region, (16, 16), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        chosen = small[rng.integers(len(small), size=count)]
        return chosen.astype(np.float32) / np.float32(255)


def read_rgb(path: Path, *, max_side: int | None = None) -> NDArray[np.uint8]:
    """HxWx3 RGB of a picture, reduced if its longer side has more than max_side pixels.

    Raises ImageError if it cannot be read.
    """
    picture, _ = read_bytes(path)
    scale = 1.0 if max_side is None else max_side / max(picture.shape[:2])
    return reduced(picture, scale) if scale < 1 else picture


def reduced(picture: NDArray[_Kind], scale: float) -> NDArray[_Kind]:
    """Reduce a picture, whose sides keep a pixel at least."""
    import cv2

    size = [round(side * scale) for side in picture.shape[1::-1]]
    how: dict[str, Any] = {"dsize": None, "fx": scale, "fy": scale}
    if min(size) < 1:
        how = {"dsize": [max(1, side) for side in size]}
    return np.asarray(cv2.resize(picture, interpolation=cv2.INTER_AREA, **how), picture.dtype)


def find_pictures(folders: Iterable[Path], *, part: Part = "all") -> list[Path]:
    """Picture files below the folders, sorted within each; of them those of one part.

    Raises DatasetError naming a missing folder, or the folders if nothing is in them.
    """
    folders = [Path(folder) for folder in folders]
    files: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise DatasetError(f"{folder}: no such folder of pictures")
        files += pictures_in(folder, recursive=True)
    files = take_part(files, part)
    if not files:
        named = ", ".join(map(str, folders)) or "no folder given"
        kept = "" if part == "all" else f" in the part '{part}'"
        raise DatasetError(
            f"{named}: no pictures found{kept} (accepted: {' '.join(READABLE_SUFFIXES)})"
        )
    return files


def blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian blur, any sigma at bounded cost: wide blurs are computed on a reduced picture."""
    import cv2

    height, width = picture.shape[:2]
    factor = max(1, int(sigma / 4))
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.float32)
    reduced = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(picture, reduced, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor)
    grown = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(grown, 0, 1).astype(np.float32)
