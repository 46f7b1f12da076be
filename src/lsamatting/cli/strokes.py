"""A picture of brush strokes: grey where the matte is to be corrected, transparent elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lsamatting.errors import ImageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lsamatting.images import Picture

MOST_OPACITIES = 16
"""A picture with more greys than this was not painted with a hard brush."""


def read_strokes(
    path: Path, picture: Picture, *, max_pixels: int
) -> list[tuple[NDArray[np.bool_], float]]:
    """Read strokes: a mask, H×W bool, and the opacity it asks for, one pair for each grey.

    Raises
    ------
    ImageError
        The file cannot be read, is not of the picture's size, has no transparency, or holds no
        stroke or too many greys.
    """
    import numpy as np

    from lsamatting.images import read_picture

    layer = read_picture(path, max_pixels=max_pixels)
    if layer.size != picture.size:
        raise ImageError(
            f"{path} is {layer.size[0]}x{layer.size[1]} pixels but {picture.path} is "
            f"{picture.size[0]}x{picture.size[1]}; they must be equal"
        )
    if layer.alpha is None:
        raise ImageError(
            f"{path}: has no transparency; accepted: strokes painted in grey on a transparent layer"
        )
    painted = layer.alpha > 0.5
    if not painted.any():
        raise ImageError(f"{path}: holds no stroke, all of it is transparent")
    grey = np.rint(layer.pixels.mean(axis=2) * 255).astype(np.uint8)
    levels = np.unique(grey[painted])
    if levels.size > MOST_OPACITIES:
        raise ImageError(
            f"{path}: strokes have {levels.size} different greys; accepted: at most "
            f"{MOST_OPACITIES}, painted with a hard brush"
        )
    return [(painted & (grey == level), float(level) / 255) for level in levels]
