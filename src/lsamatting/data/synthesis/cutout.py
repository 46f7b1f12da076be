"""A cutout: foreground colours and opacity, and how two of them are layered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Cutout:
    """One procedural matte.

    foreground: HxWx3 float32 in [0, 1], gamma-encoded RGB, defined and smooth everywhere, also
    where alpha is 0.
    alpha: HxW float32 in [0, 1].
    """

    foreground: Floats
    alpha: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.alpha.shape
        return height, width


def from_premultiplied(colour: Floats, alpha: Floats) -> Cutout:
    """Cutout from premultiplied colour (HxWx3, colour times alpha) and alpha (HxW).

    Where alpha is 0 the colours of the nearby opaque parts are continued smoothly.
    """
    return Cutout(extend_colours(colour, alpha), np.clip(alpha, 0, 1).astype(np.float32))


def over(top: Cutout, bottom: Cutout) -> Cutout:
    """Layer `top` over `bottom`: alpha 1-(1-a)(1-b), the colours mixed by what is visible of each.

    Where neither is visible the two foregrounds mix in equal parts, so the result stays smooth.
    Raises ValueError if the sizes differ.
    """
    if top.shape != bottom.shape:
        raise ValueError(f"cannot layer {top.shape} over {bottom.shape}")
    # The floor only decides the colour where both layers are (almost) invisible.
    floor = np.float32(1e-4)
    top_share = (top.alpha + floor)[..., None]
    bottom_share = ((1 - top.alpha) * bottom.alpha + floor)[..., None]
    mixed = top.foreground * top_share + bottom.foreground * bottom_share
    return Cutout(
        (mixed / (top_share + bottom_share)).astype(np.float32),
        (1 - (1 - top.alpha) * (1 - bottom.alpha)).astype(np.float32),
    )


def extend_colours(premultiplied: Floats, weight: Floats) -> Floats:
    """Colours HxWx3 in [0, 1] defined everywhere, from colours known in proportion to a weight.

    premultiplied: HxWx3, colour times weight. weight: HxW in [0, 1].
    Pull-push over a pyramid: each level halves the picture by summing premultiplied colours and
    weights; going up, a pixel takes its own colour in proportion to its (saturated) weight and the
    coarser level's otherwise. A pixel of clearly positive weight keeps its own colour.
    """
    import cv2

    height, width = weight.shape
    colours = [np.dstack([premultiplied, weight]).astype(np.float32)]
    while max(colours[-1].shape[:2]) > 1:
        # Gaussian before decimation: plain 2x2 means would leave blocks in the extension.
        colours.append(np.asarray(cv2.pyrDown(colours[-1]), dtype=np.float32))
    coarse = _normalised(colours[-1])
    for level in reversed(colours[:-1]):
        rows, columns = level.shape[:2]
        up = np.asarray(cv2.pyrUp(coarse, dstsize=(columns, rows)), dtype=np.float32)
        known = np.minimum(level[..., 3:] * np.float32(50), np.float32(1))
        coarse = known * _normalised(level) + (1 - known) * up
    return np.clip(coarse.reshape(height, width, 3), 0, 1)


def _normalised(level: Floats) -> Floats:
    weight = np.maximum(level[..., 3:], np.float32(1e-12))
    return np.asarray(level[..., :3] / weight, dtype=np.float32)
