"""Strokes that were painted on a transparent layer, in a picture of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ImageError
from lsamatting.images import Picture, read_picture

Mask = NDArray[np.bool_]

MOST_OPACITIES = 16
"""A picture with more greys than this was not painted with a hard brush."""


# What compression with loss makes of grey strokes stays below both.
_COLOURED = 0.1
_COLOURED_SHARE = 0.01


def read_corrections(path: Path, picture: Picture, *, max_pixels: int) -> list[tuple[Mask, float]]:
    """Read strokes in grey, the opacity that the matte of a picture is to have there.

    Returns
    -------
    list
        A mask, H×W bool, and the opacity it asks for, one pair for each grey.

    Raises
    ------
    ImageError
        The file cannot be read, is not of the picture's size, has no transparency, or holds no
        stroke, coloured ones or too many greys.
    """
    layer, painted = _read_layer(path, "strokes painted in grey", max_pixels=max_pixels)
    if layer.size != picture.size:
        raise ImageError(
            f"{path} is {layer.size[0]}x{layer.size[1]} pixels but {picture.path} is "
            f"{picture.size[0]}x{picture.size[1]}; they must be equal"
        )
    if not painted.any():
        raise ImageError(f"{path}: holds no stroke, all of it is transparent")
    _refuse_colours(path, layer, painted, "greys from black (opacity 0) to white (1)")
    grey = np.rint(layer.pixels.mean(axis=2) * 255).astype(np.uint8)
    levels = np.unique(grey[painted])
    if levels.size > MOST_OPACITIES:
        raise ImageError(
            f"{path}: strokes have {levels.size} different greys; accepted: at most "
            f"{MOST_OPACITIES}, painted with a hard brush"
        )
    return [(painted & (grey == level), float(level) / 255) for level in levels]


def read_scribbles(path: str | Path, *, max_pixels: int) -> tuple[Mask, Mask]:
    """Read strokes in white on the subject and in black on what is behind it: two masks, H×W bool.

    Raises
    ------
    ImageError
        The file cannot be read, has no transparency, or its strokes are coloured.
    """
    layer, painted = _read_layer(
        path,
        "white strokes for the subject and black ones for the background,",
        max_pixels=max_pixels,
    )
    _refuse_colours(path, layer, painted, "white for the subject and black for the background")
    bright = layer.pixels.mean(axis=2) > 0.5
    return painted & bright, painted & ~bright


def _read_layer(path: str | Path, what: str, *, max_pixels: int) -> tuple[Picture, Mask]:
    """Give the layer, and where it is painted."""
    layer = read_picture(path, max_pixels=max_pixels)
    if layer.alpha is None:
        raise ImageError(f"{path}: has no transparency; accepted: {what} on a transparent layer")
    return layer, layer.alpha > 0.5


def _refuse_colours(path: str | Path, layer: Picture, painted: Mask, accepted: str) -> None:
    """Raise ImageError for strokes in colours, which stand for no opacity."""
    colours = layer.pixels[painted]
    coloured = np.count_nonzero(np.ptp(colours, axis=1) > _COLOURED)
    share = coloured / max(len(colours), 1)
    if share > _COLOURED_SHARE:
        raise ImageError(
            f"{path}: {100 * share:.1f} % of its strokes are coloured; accepted: {accepted}"
        )
