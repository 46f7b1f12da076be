"""Two kinds in one matte: a thing behind a translucent one, or one thing before another."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from lsamatting.data.synthesis import (
    feathers,
    fur,
    glass,
    hair,
    leaves,
    lettering,
    motion,
    nets,
    smoke,
    solids,
)
from lsamatting.data.synthesis.cutout import Cutout, over
from lsamatting.data.synthesis.photos import Photos

Render = Callable[[np.random.Generator, tuple[int, int], Photos], Cutout]

_TRANSLUCENT: tuple[Render, ...] = (glass.render, smoke.render, nets.render)
_DENSE: tuple[Render, ...] = (solids.render, solids.render, fur.render, hair.render, leaves.render)
_THIN: tuple[Render, ...] = (leaves.render, lettering.render, feathers.render, nets.render)


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render one of the pairs: behind a veil, two solids, thin before dense, or a moving one."""
    choice = rng.random()
    if choice < 0.35:
        return behind_translucent(rng, shape, photos)
    if choice < 0.6:
        return two_solids(rng, shape, photos)
    front, back = (_THIN, _DENSE) if choice < 0.85 else ((motion.render,), _DENSE)
    return over(_pick(rng, front, shape, photos), _pick(rng, back, shape, photos))


def behind_translucent(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a dense thing that is seen partly through glass, smoke or a veil."""
    return over(_pick(rng, _TRANSLUCENT, shape, photos), _pick(rng, _DENSE, shape, photos))


def two_solids(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render two solid things, of which one overlaps the other; their focus may differ."""
    front = solids.render(rng, shape, photos)
    back = solids.solid(rng, shape, photos)
    if rng.random() < 0.6:
        back = solids.unfocus(rng, back)
    return over(shifted(rng, front), back)


def shifted(rng: np.random.Generator, cutout: Cutout) -> Cutout:
    """Move a cutout by whole pixels, up to a third of the frame; what leaves it is lost."""
    height, width = cutout.shape
    by = (rng.uniform(-1 / 3, 1 / 3, 2) * [width, height]).round()
    move = np.array([[1.0, 0.0, by[0]], [0.0, 1.0, by[1]]])
    size = (width, height)
    # The colours are mirrored at the border, so that they stay smooth where alpha is 0.
    colour = cv2.warpAffine(cutout.foreground, move, size, borderMode=cv2.BORDER_REFLECT)
    alpha = cv2.warpAffine(cutout.alpha, move, size, borderMode=cv2.BORDER_CONSTANT)
    return Cutout(np.clip(colour, 0, 1).astype(np.float32), np.clip(alpha, 0, 1).astype(np.float32))


def _pick(
    rng: np.random.Generator,
    renders: tuple[Render, ...],
    shape: tuple[int, int],
    photos: Photos,
) -> Cutout:
    return renders[int(rng.integers(len(renders)))](rng, shape, photos)
