"""Dense foliage: crowns, hedges and meadows, with gaps of a few pixels between leaves."""

from __future__ import annotations

import cv2
import numpy as np

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.leaves import FINE, bare, branch, conifer, fern, flower, grass
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.solids import unfocus

_PLANTS = (branch, conifer, fern, grass, bare, flower)


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render many plants of one or two sorts, behind and before one another."""
    height, width = shape
    fine = (height * FINE, width * FINE)
    canvas = np.zeros((*fine, 4), np.float32)
    sorts = rng.choice(len(_PLANTS), size=2, p=[0.45, 0.2, 0.1, 0.1, 0.1, 0.05])
    for number in range(int(rng.integers(4, 9))):
        # What lies behind is in shade.
        canvas[..., :3] *= np.float32(rng.uniform(0.6, 0.95))
        _PLANTS[int(sorts[number % 2])](rng, canvas, photos)
    small = np.clip(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), 0, 1)
    layer = np.asarray(small, np.float32)
    made = from_premultiplied(
        np.ascontiguousarray(layer[..., :3]), np.ascontiguousarray(layer[..., 3])
    )
    return unfocus(rng, made) if rng.random() < 0.3 else made
