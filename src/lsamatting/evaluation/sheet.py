"""Contact sheet: the mattes with the largest and the smallest errors, to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.contact_sheet import INNER, Bytes, cell, fit, strip, to_bytes
from lsamatting.evaluation.records import PictureRecord
from lsamatting.images import write_picture
from lsamatting.trimap import Trimap

Key = tuple[str | None, str]

COUNT = 4
"""So many of the worst pictures are shown, and so many of the best."""


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
    window = worst_place(error, INNER)
    shown = [to_bytes(part) for part in (image, trimap.values / 255, prediction, truth, error)]
    whole = [fit(part) for part in shown]
    _frame(whole[0], window, image.shape[1])
    return np.hstack([cell(part) for part in (*whole, *(part[window] for part in shown))])


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
    head = strip(width, title)
    names = np.hstack([strip(step, name) for name in columns])
    parts = [head, names]
    for record in chosen:
        group = f"{record.group} " if record.group else ""
        errors = "  ".join(f"{name} {value:.4g}" for name, value in record.errors.items())
        parts += [strip(width, f"{group}{record.name}   {errors}"), rows[record.key]]
    write_picture(path, np.vstack(parts).astype(np.float32) / np.float32(255))


def _frame(whole: Bytes, window: tuple[slice, slice], width: int) -> None:
    scale = whole.shape[1] / width
    (top, bottom), (left, right) = (
        (round(part.start * scale), max(round(part.stop * scale) - 1, 0)) for part in window
    )
    cv2.rectangle(whole, (left, top), (right, bottom), (255, 64, 32), 1)
