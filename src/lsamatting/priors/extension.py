"""Carry known colours into the unknown region: the local smoothness assumption as an input.

Both extensions read the known pixels of one side (foreground or background) and give every pixel
of the image a colour of that side.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.priors.grid import enlarge, shrink

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

BLUR_SIZE = 5
"""Known colours are averaged over this many pixels a side first, against noise and texture."""

CHUNK = 16384
"""Pixels that are worked on together: few enough to stay in the processor's cache."""

NO_COLOUR = 0.5
"""Mid grey stands for a side of which the trimap knows no pixel."""


def nearest_colours(image: Image, known: Mask) -> tuple[Image, Image]:
    """Give each pixel the colour of the nearest known pixel, and the distance to it.

    Parameters
    ----------
    image:
        H×W×3 in [0, 1].
    known:
        H×W, True where the side's colour is known.

    Returns
    -------
    colours, distance:
        H×W×3 in [0, 1], and H×W in pixels (infinite where `known` is empty). A colour is the mean
        over the known pixels of a small window.
    """
    if not known.any():
        return np.full_like(image, NO_COLOUR), np.full(known.shape, np.inf, np.float32)
    weight = known.astype(np.float32)
    size = (BLUR_SIZE, BLUR_SIZE)
    summed = cv2.blur(image * weight[..., None], size, borderType=cv2.BORDER_CONSTANT)
    count = cv2.blur(weight, size, borderType=cv2.BORDER_CONSTANT)
    distance, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.flatnonzero(known)
    colours = summed.reshape(-1, 3).take(place, axis=0)
    table = np.zeros((int(labels.max()) + 1, 3), np.float32)
    table[labels.ravel().take(place)] = colours / count.ravel().take(place)[:, None]
    return table.take(np.asarray(labels), axis=0), np.asarray(distance, np.float32)


def smooth_colours(image: Image, known: Mask) -> Image:
    """Fill the image from its known pixels through a pyramid (pull-push).

    Averages of the known colours are pulled up to ever coarser levels until every pixel has one,
    then pushed down where a finer level knows none (Gortler et al., "The Lumigraph", 1996).

    Parameters
    ----------
    image:
        H×W×3 in [0, 1].
    known:
        H×W, True where the side's colour is known.

    Returns
    -------
    ndarray
        H×W×3 in [0, 1]: the image itself where it is known, a smooth extension elsewhere.
    """
    if not known.any():
        return np.full_like(image, NO_COLOUR)
    weight = known.astype(np.float32)
    levels = [(image * weight[..., None], weight)]
    while max(weight.shape) > 1 and float(levels[-1][1].min()) == 0:
        summed, weight = levels[-1]
        coarser = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        summed = shrink(summed, coarser)
        weight = shrink(weight, coarser)
        levels.append((summed, weight))
    summed, weight = levels.pop()
    filled = np.asarray(summed / np.maximum(weight, 1e-12)[..., None], np.float32)
    for summed, weight in reversed(levels):
        size = (weight.shape[1], weight.shape[0])
        pushed = enlarge(filled, size)
        # A pixel which a coarse level knows in part is that part known colour, the rest pushed.
        filled = np.asarray(summed + (1 - weight)[..., None] * pushed, np.float32)
    return filled


def implied_alpha(
    image: Image, foreground: Image, background: Image, *, softening: float = 1e-3
) -> Image:
    """Opacity that a pair of colours implies: the image projected on the line between them.

    clip(((I − B)·(F − B)) / (|F − B|² + δ), 0, 1), with δ = `softening`, under which colours too
    close to tell apart imply little.

    Parameters
    ----------
    image, foreground, background:
        H×W×3 in [0, 1].

    Returns
    -------
    ndarray
        H×W in [0, 1].
    """
    alpha = np.empty(image.shape[:2], np.float32)
    summing = np.ones((1, 3), np.float32)
    # A few rows at a time: whole pictures would spend their time on memory.
    step = max(1, CHUNK // image.shape[1])
    for start in range(0, len(alpha), step):
        rows = slice(start, start + step)
        line = foreground[rows] - background[rows]
        along = cv2.transform((image[rows] - background[rows]) * line, summing)
        length = cv2.transform(line * line, summing) + np.float32(softening)
        # Where there is nothing to divide by, there is nothing to divide.
        share = along / np.maximum(length, np.finfo(np.float32).tiny)
        np.clip(share, 0, 1, out=alpha[rows])
    return alpha
