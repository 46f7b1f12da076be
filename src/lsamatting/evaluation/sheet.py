"""Contact sheet: the mattes with the largest and the smallest errors, to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.evaluation.records import PictureRecord
from lsamatting.images import write_picture
from lsamatting.trimap import Trimap

Bytes = NDArray[np.uint8]
Key = tuple[str | None, str]

COUNT = 4
"""So many of the worst pictures are shown, and so many of the best."""

_SIDE = 240
_BAND = 22
_INNER = _SIDE - 4
_GROUND = 30
_INK = 230


def worst_and_best(records: Sequence[PictureRecord]) -> list[PictureRecord]:
    """Choose what a sheet shows: of all pictures with errors, from the largest MSE to the smallest.

    Equal errors are ordered by group and name, so that the choice depends on nothing else.
    """
    scored = [record for record in records if record.errors]
    ranked = sorted(scored, key=lambda r: (-r.errors["MSE"], r.group or "", r.name))
    return ranked if len(ranked) <= 2 * COUNT else ranked[:COUNT] + ranked[-COUNT:]


def worst_place(error: NDArray[Any], side: int) -> tuple[slice, slice]:
    """Find the window of `side` pixels, or of the picture's size if smaller, with most error.

    Error counts more the nearer it is to the window's middle, so that what there is to see is not
    at its edge: the weight falls linearly to zero at `side` / 2.
    """
    height, width = error.shape
    half = max(1, side // 2)
    weighted: NDArray[Any] = error.astype(np.float64)
    for _ in range(2):
        # Two boxes make a triangle, whatever its size in the same time.
        weighted = cv2.boxFilter(
            weighted, -1, (half, half), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
    place = np.unravel_index(int(weighted.argmax()), weighted.shape)
    starts = (
        min(max(int(centre) - side // 2, 0), max(length - side, 0))
        for centre, length in zip(place, (height, width), strict=True)
    )
    top, left = starts
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))


def sheet_row(
    image: NDArray[Any], trimap: Trimap, prediction: NDArray[Any], truth: NDArray[Any]
) -> Bytes:
    """Draw image, trimap, prediction, truth and error: the whole picture, then its worst place.

    Parameters
    ----------
    image : (H, W, 3) float in [0, 1]
    trimap : Trimap
    prediction, truth : (H, W) float in [0, 1]

    Returns
    -------
    (S, 10·S, 3) uint8
        Ten square cells. The worst place is shown pixel by pixel; it is framed in the picture.
    """
    error = np.abs(prediction - truth) * trimap.unknown
    window = worst_place(error, _INNER)
    cells = [_to_bytes(c) for c in (image, trimap.values / 255, prediction, truth, error)]
    whole = [_fit(cell) for cell in cells]
    _frame(whole[0], window, image.shape[1])
    return np.hstack([_centre(cell) for cell in (*whole, *(cell[window] for cell in cells))])


def write_sheet(
    path: Path, chosen: Sequence[PictureRecord], rows: Mapping[Key, Bytes], *, title: str
) -> None:
    """Put the rows of `chosen` below each other, each with its name and errors.

    Raises
    ------
    ImageError
        The file cannot be written.
    """
    width = next(iter(rows.values())).shape[1]
    columns = ("image", "trimap", "prediction", "truth", "error") * 2
    step = width // len(columns)
    head = _strip(width, title)
    names = np.hstack([_strip(step, name) for name in columns])
    parts = [head, names]
    for record in chosen:
        group = f"{record.group} " if record.group else ""
        errors = "  ".join(f"{name} {value:.4g}" for name, value in record.errors.items())
        parts += [_strip(width, f"{group}{record.name}   {errors}"), rows[record.key]]
    write_picture(path, np.vstack(parts).astype(np.float32) / np.float32(255))


def _to_bytes(picture: NDArray[Any]) -> Bytes:
    levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


def _fit(cell: Bytes) -> Bytes:
    height, width = cell.shape[:2]
    scale = _INNER / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(cell, size, interpolation=how), np.uint8)


def _frame(cell: Bytes, window: tuple[slice, slice], width: int) -> None:
    scale = cell.shape[1] / width
    (top, bottom), (left, right) = (
        (round(part.start * scale), max(round(part.stop * scale) - 1, 0)) for part in window
    )
    cv2.rectangle(cell, (left, top), (right, bottom), (255, 64, 32), 1)


def _centre(cell: Bytes) -> Bytes:
    place = np.full((_SIDE, _SIDE, 3), _GROUND, np.uint8)
    top, left = ((_SIDE - length) // 2 for length in cell.shape[:2])
    place[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return place


def _strip(width: int, text: str) -> Bytes:
    strip = np.full((_BAND, width, 3), _GROUND, np.uint8)
    # The font knows ASCII only.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(strip, plain, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (_INK,) * 3, 1, cv2.LINE_AA)
    return strip
