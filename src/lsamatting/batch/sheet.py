"""Contact sheet of a batch: the mattes that look most doubtful, beside their pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lsamatting.batch.addresses import fetch, join, save, stem_of
from lsamatting.batch.doubt import CRITERION
from lsamatting.contact_sheet import SIDE, Bytes, cell, fit, strip, to_bytes
from lsamatting.errors import LsamattingError
from lsamatting.images import read_grey, read_picture, write_picture

NAME = "worst.jpg"

COUNT = 12
"""So many pictures are shown."""


def worst(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose what a sheet shows, the most doubtful first; equal ones by their address."""
    ranked = sorted(records, key=lambda record: (-record["doubt"], record["image"]))
    return ranked[:COUNT]


def write_worst(folder: str, records: Iterable[dict[str, Any]], *, max_pixels: int) -> None:
    """Draw the worst of some records into a folder: picture, guide and what was made of it.

    Raises
    ------
    ImageError
        The sheet cannot be written.
    """
    columns = ("image", "trimap or mask", "result")
    width = SIDE * len(columns)
    first, _, second = CRITERION.partition(" in ")
    parts = [strip(width, f"worst by the {first}"), strip(width, f"in {second}")]
    parts.append(np.hstack([strip(SIDE, name) for name in columns]))
    for record in worst(records):
        parts.append(strip(width, f"{record['doubt']:.4f}  {stem_of(record['image'])}"))
        parts.append(_row(record, max_pixels))
    sheet = np.vstack(parts).astype(np.float32) / np.float32(255)
    save(join(folder, NAME), lambda target, suffix: write_picture(target, sheet, suffix=suffix))


def _row(record: dict[str, Any], max_pixels: int) -> Bytes:
    guide = record["mask"] if "mask" in record else record["trimap"]
    kinds = record["outputs"]
    # What holds the opacity, if anything does.
    result = kinds.get("alpha") or kinds.get("cutout") or next(iter(kinds.values()))
    grey = "alpha" in kinds or "cutout" in kinds
    shown = (
        _cell(record["image"], max_pixels, grey=False),
        _cell(guide, max_pixels, grey=True),
        _cell(result, max_pixels, grey=grey),
    )
    return np.hstack(shown)


def _cell(address: str, max_pixels: int, *, grey: bool) -> Bytes:
    try:
        source: Any = fetch(address).source
        if grey:
            return cell(fit(to_bytes(read_grey(source, max_pixels=max_pixels)[0])))
        return cell(fit(to_bytes(read_picture(source, max_pixels=max_pixels).visible())))
    except LsamattingError:
        # It was taken away since; the others are worth a look all the same.
        return cell(np.empty((0, 0, 3), np.uint8))
