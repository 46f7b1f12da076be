"""The user's own cutouts (pictures with transparency) as further items of a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lsamatting.data.held_out import Part
from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.photos import find_pictures, reduced
from lsamatting.data.writing import to_bytes
from lsamatting.errors import DatasetError
from lsamatting.formats.raster import DAMAGE
from lsamatting.images import read_picture
from lsamatting.windows import window_around

Floats = NDArray[np.float32]

_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


class OwnCutouts:
    """Random views of the cutouts in some folders.

    folders: searched recursively; every picture in them must have an alpha channel.
    part: only those to train on, or only those held out.
    Raises DatasetError for a missing folder, or when no picture is found.
    """

    def __init__(self, folders: Iterable[Path], *, part: Part = "all") -> None:
        self.files = find_pictures(folders, part=part)

    def check(self) -> None:
        """Refuse files that are no cutouts, by their headers where those tell.

        Raises DatasetError naming one that has no alpha channel, and how many more have none;
        ImageError naming one that cannot be read.
        """
        opaque = [file for file in self.files if not _has_alpha(file)]
        if opaque:
            raise _no_alpha(opaque[0], others=len(opaque) - 1)

    def render(self, rng: np.random.Generator, shape: tuple[int, int]) -> Cutout:
        """Pick a random cutout, fitted into `shape` (height, width), flipped, turned and tinted.

        Its colours are continued smoothly where it is transparent: what a file holds there is
        arbitrary. Raises ImageError or DatasetError naming a file that cannot be read or has no
        alpha.
        """
        file = self.files[int(rng.integers(len(self.files)))]
        rgba = read_rgba(file)
        rgba[..., :3] *= rgba[..., 3:]
        closeness, angle = rng.uniform(0.9, 1.5), rng.normal(0, 8)
        placed = _place(rgba, shape, closeness, angle)
        if not _shows(placed):
            # The subject lies in a corner of the file, perhaps around a hole: all of it is shown.
            placed = _place(_surroundings(rgba, file), shape, 1.0, 0.0)
        if rng.random() < 0.5:
            placed = placed[:, ::-1]
        alpha = np.ascontiguousarray(placed[..., 3], dtype=np.float32)
        colour = np.ascontiguousarray(placed[..., :3], dtype=np.float32)
        cutout = from_premultiplied(colour, alpha)
        tint = (rng.uniform(0.8, 1.15) * rng.normal(1, 0.08, 3)).astype(np.float32)
        return Cutout(np.clip(cutout.foreground * tint, 0, 1), cutout.alpha)


def _place(rgba: Floats, shape: tuple[int, int], closeness: float, angle: float) -> Floats:
    """Fit a premultiplied cutout into `shape` (height, width), `closeness` times as large."""
    height, width = shape
    rows, columns = rgba.shape[:2]
    # Enlarging invents no detail: a soft matte would teach soft answers.
    scale = min(min(height / rows, width / columns) * closeness, 1.0)
    if scale < 1:
        rgba = reduced(rgba, scale)
        rows, columns = rgba.shape[:2]
    # Nor is there anything beyond the file's border, where it may cut the subject off.
    height, width = min(height, rows), min(width, columns)
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1)
    turn[:, 2] += [width / 2 - columns / 2, height / 2 - rows / 2]
    # Turning shows a little of what lies beyond: a mirrored subject has no straight edge there,
    # and its hair is not drawn out to stripes.
    return np.asarray(
        cv2.warpAffine(
            rgba,
            turn,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        ),
        np.float32,
    )


def _shows(rgba: Floats) -> bool:
    """Tell whether 8 bits hold anything of an opacity."""
    return bool(to_bytes(rgba[..., 3]).any())


def _surroundings(rgba: Floats, file: Path) -> Floats:
    """Cut a cutout down to what is not transparent."""
    if not _shows(rgba):
        raise DatasetError(f"{file}: is transparent everywhere")
    return rgba[window_around(rgba[..., 3] > 0, 0)]


def read_rgba(path: Path) -> Floats:
    """Straight RGBA of a picture, HxWx4 float32 in [0, 1].

    Raises ImageError if the file cannot be read, DatasetError if it has no alpha channel.
    """
    picture = read_picture(path)
    if picture.alpha is None:
        raise _no_alpha(path)
    return np.dstack([picture.visible(), picture.alpha])


def _has_alpha(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return image.mode in _WITH_ALPHA or "transparency" in image.info
    except DAMAGE:
        # Not one of Pillow's, or damaged, which reading it says.
        return read_picture(path).alpha is not None


def _no_alpha(path: Path, *, others: int = 0) -> DatasetError:
    more = f", nor have {others} more" if others else ""
    return DatasetError(f"{path}: no alpha channel{more} (wanted: cutouts with transparency)")
