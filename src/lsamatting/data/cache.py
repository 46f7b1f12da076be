"""Decoded pictures in one memory-mapped file, so that no sample pays for a decoder.

All worker processes, and all processes of one machine, map the same file: the system's page cache
holds it once. A second run over the same files finds it ready.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.truth import read_truth_bytes
from lsamatting.errors import DatasetError
from lsamatting.images import read_bytes
from lsamatting.replacing import replacing

Bytes = NDArray[np.uint8]
Points = NDArray[np.int32]

_T = TypeVar("_T")
_R = TypeVar("_R")

_VERSION = 2
_POINTS = 2048
_BUSYNESS_SIDE = 256


@dataclass(frozen=True)
class DecodedCutout:
    """A foreground with its opacity, 8 bit, and pixels around which it may be cropped.

    `foreground` is HxWx3 RGB and `alpha` HxW. `visible` and `edge` are up to 2048 pixels (x, y)
    drawn evenly from {α > 0} and {0 < α < 1}; either may be empty.
    """

    foreground: Bytes
    alpha: Bytes
    visible: Points
    edge: Points


@dataclass(frozen=True)
class DecodedBackground:
    """A photograph, HxWx3 RGB of 8 bit, with the mean slope of its greys at thumbnail size."""

    picture: Bytes
    busyness: float


def some_points(mask: NDArray[np.bool_]) -> Points:
    """Draw up to `_POINTS` of the mask's pixels, always the same ones."""
    found = np.flatnonzero(mask)
    if found.size > _POINTS:
        found = np.random.default_rng(0).choice(found, _POINTS, replace=False)
    y, x = np.divmod(found, mask.shape[1])
    return np.stack([x, y], axis=1).astype(np.int32)


def decode_cutout(foreground: Path, alpha: Path) -> DecodedCutout:
    """Decode one foreground and its alpha.

    Raises
    ------
    ImageError
        A file cannot be read.
    DatasetError
        The two differ in size, or the alpha is zero everywhere, or of 0 and 1 out of 255.
    """
    colours, _ = read_bytes(foreground)
    opacity = read_truth_bytes(alpha)
    if colours.shape[:2] != opacity.shape:
        (height, width), (other_height, other_width) = colours.shape[:2], opacity.shape
        raise DatasetError(
            f"{alpha}: {other_width}x{other_height} px, but {foreground.name} is {width}x{height}"
        )
    visible = some_points(opacity > 0)
    if not len(visible):
        raise DatasetError(f"{alpha}: zero everywhere, so there is nothing to composite")
    return DecodedCutout(colours, opacity, visible, some_points((opacity > 0) & (opacity < 255)))


def decode_background(path: Path) -> DecodedBackground:
    """Decode one photograph.

    Raises
    ------
    ImageError
        The file cannot be read.
    """
    picture, _ = read_bytes(path)
    return DecodedBackground(picture, _busyness(picture))


def _busyness(picture: Bytes) -> float:
    """Mean absolute difference of neighbouring greys in [0, 255] at `_BUSYNESS_SIDE` px."""
    scale = min(1.0, _BUSYNESS_SIDE / max(picture.shape[:2]))
    size = [max(2, round(side * scale)) for side in picture.shape[1::-1]]
    grey = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    slopes = grey.astype(np.float32)
    across, down = np.abs(np.diff(slopes, axis=1)), np.abs(np.diff(slopes, axis=0))
    return float(across.mean() + down.mean())


class PictureCache:
    """All cutouts and backgrounds of a dataset by number, decoded once as far as memory allows.

    Parameters
    ----------
    pairs, backgrounds
        The files, as `AimFolder` lists them.
    folder
        Where the cache's file lies; one dataset keeps one file there.
    gib
        The most that the file may take, in GiB. Pictures that do not fit, foregrounds first, are
        decoded on every use. 0 keeps nothing.

    Call `prepare` once (in one process of a machine) before the first access.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Path, Path]],
        backgrounds: Sequence[Path],
        *,
        folder: Path,
        gib: float,
    ) -> None:
        self.pairs = list(pairs)
        self.backgrounds = list(backgrounds)
        self._limit = int(gib * 2**30)
        names = "\n".join(str(file.parent.resolve()) for file in (*self.pairs[0], backgrounds[0]))
        self._prefix = f"pictures-{_digest(names)}-"
        self._folder = folder
        self._entries: dict[str, list[dict[str, Any]]] | None = None
        self._bytes: NDArray[np.uint8] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the mapping behind when a worker process receives a copy."""
        return {**self.__dict__, "_entries": None, "_bytes": None}

    @property
    def _file(self) -> Path:
        told = f"{_VERSION} {self._limit} {self.fingerprint()}"
        return self._folder / f"{self._prefix}{_digest(told)}.bin"

    def fingerprint(self) -> str:
        """Give a short text that changes with the files: their places, sizes and times."""
        lines = []
        for file in (*(file for pair in self.pairs for file in pair), *self.backgrounds):
            status = file.stat()
            lines.append(f"{file.resolve()} {status.st_size} {status.st_mtime_ns}")
        return _digest("\n".join(lines))

    def prepare(self) -> Path | None:
        """Write the cache's file unless it is there; give its path, None if nothing is kept."""
        if not self._limit:
            return None
        file = self._file
        if file.exists() and file.with_suffix(".json").exists():
            return file
        self._folder.mkdir(parents=True, exist_ok=True)
        for stale in self._folder.glob(f"{self._prefix}*"):
            if stale.suffix in (".bin", ".json"):
                with contextlib.suppress(OSError):
                    stale.unlink()
        entries: dict[str, list[dict[str, Any]]] = {"cutouts": [], "backgrounds": []}
        position = 0
        with replacing(file) as temporary, temporary.open("wb") as out:
            for kind, entry, arrays in self._decoded():
                size = sum(array.nbytes for array in arrays)
                if position + size > self._limit:
                    break
                for array in arrays:
                    out.write(array.tobytes())
                entries[kind].append({"offset": position, **entry})
                position += size
        with replacing(file.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(entries))
        return file

    def _decoded(self) -> Iterator[tuple[str, dict[str, Any], list[NDArray[Any]]]]:
        def cutout(pair: tuple[Path, Path]) -> tuple[str, dict[str, Any], list[NDArray[Any]]]:
            item = decode_cutout(*pair)
            arrays: list[NDArray[Any]] = [item.visible, item.edge, item.foreground, item.alpha]
            sizes = {"visible": len(item.visible), "edge": len(item.edge)}
            return "cutouts", {"shape": item.alpha.shape, **sizes}, arrays

        def background(path: Path) -> tuple[str, dict[str, Any], list[NDArray[Any]]]:
            item = decode_background(path)
            entry = {"shape": item.picture.shape[:2], "busyness": item.busyness}
            return "backgrounds", entry, [item.picture]

        yield from _in_parallel(cutout, self.pairs)
        yield from _in_parallel(background, self.backgrounds)

    def _open(self) -> tuple[NDArray[np.uint8], dict[str, list[dict[str, Any]]]]:
        if self._bytes is None or self._entries is None:
            file = self._file if self._limit else None
            if file is None or not file.with_suffix(".json").exists():
                self._entries = {"cutouts": [], "backgrounds": []}
                self._bytes = np.empty(0, np.uint8)
            else:
                self._entries = json.loads(file.with_suffix(".json").read_text())
                empty = file.stat().st_size == 0
                self._bytes = np.empty(0, np.uint8) if empty else np.memmap(file, np.uint8, "r")
        return self._bytes, self._entries

    def cutout(self, number: int) -> DecodedCutout:
        """Give foreground `number`; its arrays are read-only views where it is cached."""
        data, entries = self._open()
        if number >= len(entries["cutouts"]):
            return decode_cutout(*self.pairs[number])
        entry = entries["cutouts"][number]
        height, width = entry["shape"]
        sizes = [8 * entry["visible"], 8 * entry["edge"], 3 * height * width, height * width]
        start = entry["offset"]
        parts = np.split(data[start : start + sum(sizes)], np.cumsum(sizes)[:-1])
        return DecodedCutout(
            foreground=np.asarray(parts[2]).reshape(height, width, 3),
            alpha=np.asarray(parts[3]).reshape(height, width),
            visible=np.asarray(parts[0]).view(np.int32).reshape(-1, 2),
            edge=np.asarray(parts[1]).view(np.int32).reshape(-1, 2),
        )

    def background(self, number: int) -> DecodedBackground:
        """Give photograph `number`; a read-only view where it is cached."""
        data, entries = self._open()
        if number >= len(entries["backgrounds"]):
            return decode_background(self.backgrounds[number])
        entry = entries["backgrounds"][number]
        height, width = entry["shape"]
        start = entry["offset"]
        picture = np.asarray(data[start : start + 3 * height * width]).reshape(height, width, 3)
        return DecodedBackground(picture, entry["busyness"])


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:10]


def _in_parallel(function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """Map in threads, in order, with a bounded number of results waiting."""
    chunk = 32
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(items), chunk):
            yield from pool.map(function, items[start : start + chunk])
