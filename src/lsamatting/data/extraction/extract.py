"""Cutting subjects out of photographs.

The opacity that is found need not be the truth of its photograph: a composite of the foreground and
this opacity is exactly true by construction. It only has to look like a photograph's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.extraction.rough_mask import rough_mask
from lsamatting.data.extraction.subjects import Subject
from lsamatting.data.layout import enumerate_some
from lsamatting.data.synthesis.photos import find_pictures, read_rgb
from lsamatting.data.writing import to_bytes, write_bytes
from lsamatting.errors import DatasetError
from lsamatting.foreground.estimate import estimate_foreground
from lsamatting.foreground.refine import refine_foreground
from lsamatting.priors import compute_priors

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

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
    rows, columns = _surroundings(alpha > 0, round(_MARGIN * max(alpha.shape)))
    return PhotoCutout(to_bytes(colours[rows, columns]), to_bytes(alpha[rows, columns]))


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


def _surroundings(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = mask.shape
    return (
        slice(max(0, rows[0] - margin), min(height, rows[-1] + margin + 1)),
        slice(max(0, columns[0] - margin), min(width, columns[-1] + margin + 1)),
    )


def extract_dataset(out: Path, subjects: list[Subject], photos: Iterable[Path]) -> int:
    """Write the cutout of every subject to `out/fg/NAME.png` and `out/alpha/NAME.png`.

    Photographs are looked for below the folders `photos`. Finished files are kept. Returns how many
    were made. Raises DatasetError if a photograph is missing, unreadable or nothing is found in it.
    """
    files = {file.stem: file for file in find_pictures(photos)}
    missing = [subject.name for subject in subjects if subject.name not in files]
    if missing:
        raise DatasetError(f"{enumerate_some(missing)}: no photograph of that name")
    made = 0
    for subject in subjects:
        paths = [out / folder / f"{subject.name}.png" for folder in ("fg", "alpha")]
        if all(path.exists() for path in paths):
            continue
        found = cut_out(read_rgb(files[subject.name], max_side=_LARGEST_SIDE), subject)
        for path, picture in zip(paths, (found.foreground, found.alpha), strict=True):
            write_bytes(path, picture)
        made += 1
    return made
