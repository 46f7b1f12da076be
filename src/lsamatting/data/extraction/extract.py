"""Cutting subjects out of photographs.

The opacity that is found need not be the truth of its photograph: a composite of the foreground and
this opacity is exactly true by construction. It only has to look like a photograph's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.extraction.rough_mask import rough_mask
from lsamatting.data.extraction.subjects import Subject
from lsamatting.data.layout import by_stem, enumerate_some
from lsamatting.data.synthesis.photos import find_pictures, read_rgb
from lsamatting.data.writing import to_bytes, write_bytes, write_content
from lsamatting.errors import DatasetError
from lsamatting.foreground.estimate import estimate_foreground
from lsamatting.foreground.refine import refine_foreground
from lsamatting.picture_files import pictures_in
from lsamatting.priors import compute_priors
from lsamatting.replacing import is_whole
from lsamatting.windows import window_around

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_FOLDERS = ("fg", "alpha")
_LARGEST_SIDE = 1400
_MARGIN = 0.06
"""Room around the subject in parts of the photograph's longer side."""
_LOW, _HIGH = 0.03, 0.97
"""What is fainter is nothing, and what is denser is opaque."""


@dataclass(frozen=True)
class PhotoCutout:
    """A subject cut out: foreground HxWx3 RGB, defined everywhere, and alpha HxW, 8 bit."""

    foreground: Bytes
    alpha: Bytes


def cut_out(picture: Bytes, subject: Subject) -> PhotoCutout:
    """Cut a subject out of a photograph, and cut the photograph down to it.

    Its rough mask is widened to a trimap, the opacity is that of the prior, and the foreground's
    colours are estimated, then re-estimated to be smooth where they hardly show.

    Raises DatasetError where no subject is found.
    """
    trimap = _trimap(rough_mask(picture, subject), subject)
    image = picture.astype(np.float32) / np.float32(255)
    alpha = compute_priors(image, trimap, which=("alpha_joint",))[..., 0]
    alpha = np.clip((alpha - _LOW) / (_HIGH - _LOW), 0, 1).astype(np.float32)
    alpha = _attached(alpha, trimap)
    colours = estimate_foreground(image, alpha)
    colours = refine_foreground(colours, alpha)
    window = window_around(alpha > 0, round(_MARGIN * max(alpha.shape)))
    assert window is not None  # a trimap has known foreground
    return PhotoCutout(to_bytes(colours[window]), to_bytes(alpha[window]))


def _trimap(mask: NDArray[np.bool_], subject: Subject) -> Bytes:
    inwards, outwards = (max(1.5, band / 100 * max(mask.shape)) for band in subject.band)
    region = mask.astype(np.uint8)
    trimap = np.full(mask.shape, 128, np.uint8)
    trimap[cv2.distanceTransform(region, cv2.DIST_L2, 5) > inwards] = 255
    trimap[cv2.distanceTransform(1 - region, cv2.DIST_L2, 5) > outwards] = 0
    if not (trimap == 255).any():
        raise DatasetError(f"{subject.name}: its band covers the subject; give a narrower one")
    return trimap


def _attached(alpha: Floats, trimap: Bytes) -> Floats:
    """Drop specks that hang together with no known foreground."""
    _, labels = cv2.connectedComponents((alpha > 0).astype(np.uint8))
    kept = np.unique(labels[trimap == 255])
    return np.where(np.isin(labels, kept), alpha, np.float32(0))


def extract_dataset(out: Path, subjects: list[Subject], photos: Iterable[Path]) -> int:
    """Write the cutout of every subject to `out/fg/NAME.png` and `out/alpha/NAME.png`.

    Photographs are looked for below the folders `photos`. Finished files are kept if they are of
    subjects marked as they are now, which `out/subjects.json` tells.

    Returns
    -------
    int
        How many were made.

    Raises
    ------
    DatasetError
        A photograph is missing, unreadable or there twice, nothing is found in it, or `out` holds
        cutouts that are not on the list.
    """
    wanted = {subject.name for subject in subjects}
    files = by_stem(file for file in find_pictures(photos) if file.stem in wanted)
    missing = [subject.name for subject in subjects if subject.name not in files]
    if missing:
        raise DatasetError(f"{enumerate_some(missing)}: no photograph of that name")
    folders = [out / folder for folder in _FOLDERS if (out / folder).is_dir()]
    there = [path for folder in folders for path in pictures_in(folder)]
    strangers = [str(path) for path in there if path.stem not in wanted]
    if strangers:
        raise DatasetError(
            f"{enumerate_some(strangers)}: not on the list of subjects; remove it, or choose "
            "another folder"
        )
    record = out / "subjects.json"
    finished = _finished(record)
    made = 0
    for subject in subjects:
        paths = [out / folder / f"{subject.name}.png" for folder in _FOLDERS]
        marks = json.loads(json.dumps(asdict(subject)))
        if finished.get(subject.name) == marks and all(map(is_whole, paths)):
            continue
        found = cut_out(read_rgb(files[subject.name], max_side=_LARGEST_SIDE), subject)
        for path, picture in zip(paths, (found.foreground, found.alpha), strict=True):
            write_bytes(path, picture)
        finished[subject.name] = marks
        write_content(record, (json.dumps(finished, indent=1) + "\n").encode())
        made += 1
    return made


def _finished(record: Path) -> dict[str, Any]:
    """Give how the subjects were marked whose cutouts are there."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # they are made again
    return found if isinstance(found, dict) else {}
