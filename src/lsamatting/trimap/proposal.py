"""A trimap proposed from a few scribbles: a cut between them, and a band where it is uncertain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import TrimapError
from lsamatting.trimap.band import details
from lsamatting.trimap.trimap import BACKGROUND, FOREGROUND, UNKNOWN, Mask, Trimap

_CUT_PIXELS = 30_000
"""Size at which the cut is made: an outline needs no more, and it is there at once."""

_DETAIL_PIXELS = 150_000
"""Size at which what stands out of the subject is looked for."""

_ROUNDS = 1
_BAND = 0.012
"""Half the width of the band where the outline is clear, in square roots of the picture's area."""

_WIDE = 3.0
"""So many times as wide it may become where colours do not tell the two sides apart."""

_FRAME = 0.02
"""Width of the frame that counts as probable background where none was scribbled."""


def propose_trimap(image: NDArray[Any], *, foreground: Mask, background: Mask) -> Trimap:
    """Propose a trimap from scribbles, to be looked at and corrected.

    The picture is cut in two by GrabCut (Rother, Kolmogorov and Blake, 2004), the scribbles being
    certain. Along the cut lies a band of unknown pixels, narrow where the colours of the two sides
    differ and wider where they do not; what stands out of the subject across it, such as whiskers,
    is unknown too (`lsamatting.trimap.band`).

    Parameters
    ----------
    image
        H×W×3 float in [0, 1], gamma-encoded, or uint8.
    foreground, background
        H×W bool, True where a stroke was drawn. Without background strokes the picture's frame is
        probably background.

    Returns
    -------
    Trimap
        In which the strokes are what they were drawn as.

    Raises
    ------
    TrimapError
        The sizes differ, the strokes overlap, or none is of the foreground.
    """
    import cv2

    shape = (image.shape[0], image.shape[1])
    strokes = Trimap.from_known(shape, foreground=foreground, background=background)
    if not strokes.counts.foreground:
        raise TrimapError("there is no stroke on the subject yet")
    # Masks of 0 and 255, as drawing programs make them, would be taken for row numbers below.
    foreground, background = strokes.foreground, strokes.background
    height, width = strokes.values.shape
    scale = min(1.0, (_CUT_PIXELS / (height * width)) ** 0.5)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    small = small / (np.float32(255) if small.dtype == np.uint8 else np.float32(1))
    colours = np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)
    certain_front = _reduced(foreground, size)
    certain_back = _reduced(background, size) & ~certain_front
    inside = _cut(colours, certain_front, certain_back)
    band = _band(np.asarray(small, np.float32), inside)
    marks = np.where(inside, FOREGROUND, BACKGROUND).astype(np.uint8)
    marks[band] = UNKNOWN
    enlarged = cv2.resize(marks, (width, height), interpolation=cv2.INTER_NEAREST)
    values = np.asarray(enlarged, np.uint8)
    subject = cv2.resize(inside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    reach = round(_BAND * (height * width) ** 0.5)
    values[details(image, subject > 0, width=reach, pixels=_DETAIL_PIXELS)] = UNKNOWN
    values[background], values[foreground] = BACKGROUND, FOREGROUND
    return Trimap(values)


def _reduced(mask: Mask, size: tuple[int, int]) -> Mask:
    """Scale down; a pixel of the small mask is set if any of those under it is."""
    import cv2

    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0)


def _cut(colours: NDArray[np.uint8], front: Mask, back: Mask) -> Mask:
    import cv2

    if front.all() or not (~front).any():
        return front
    labels = np.where(_nearer(colours, front, back), cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    if not back.any():
        rim = max(1, round(_FRAME * max(front.shape)))
        framed = np.ones(front.shape, bool)
        framed[rim:-rim, rim:-rim] = False
        labels[framed] = cv2.GC_PR_BGD
    labels[back], labels[front] = cv2.GC_BGD, cv2.GC_FGD
    labels = labels.astype(np.uint8)
    if np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        models = np.zeros((1, 65)), np.zeros((1, 65))
        # Its colour models start from a random generator; the same strokes give the same cut.
        cv2.setRNGSeed(0)
        whole: Any = None
        cv2.grabCut(colours, labels, whole, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    # Specks that touch no stroke are accidents of colour.
    _, parts = cv2.connectedComponents(found.astype(np.uint8), connectivity=4)
    kept: Mask = found & np.isin(parts, np.unique(parts[front]))
    if back.any():
        _, holes = cv2.connectedComponents((~kept).astype(np.uint8), connectivity=4)
        kept |= ~np.isin(holes, np.unique(np.concatenate((holes[back], _rim(np.asarray(holes))))))
    return kept


def _rim(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((array[0], array[-1], array[:, 0], array[:, -1]))


def _nearer(colours: NDArray[np.uint8], front: Mask, back: Mask) -> Mask:
    """Tell which pixels look more like the front's strokes than like the back's."""
    import cv2

    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB).astype(np.float32)
    to_front = _distance(lab, lab[front])
    if back.any():
        return np.asarray(to_front < _distance(lab, lab[back]))
    return np.asarray(to_front < 30)


def _distance(lab: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the distance of every colour to the nearest of a few that stand for those seen."""
    import cv2

    count = min(6, len(seen))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    sample = np.ascontiguousarray(seen[:: max(1, len(seen) // 2000)])
    count = min(count, len(sample))
    none: Any = None
    _, _, centres = cv2.kmeans(sample, count, none, stop, 1, cv2.KMEANS_PP_CENTERS)
    away = np.linalg.norm(lab[:, :, None, :] - np.asarray(centres)[None, None], axis=3)
    return np.asarray(away.min(axis=2), np.float32)


def _band(image: NDArray[np.float32], inside: Mask) -> Mask:
    """Give the pixels whose side is not sure: near the cut, and further where it crosses no edge.

    How far depends on the step in colour across the cut, compared between the means of the two
    sides around each pixel.
    """
    import cv2

    if inside.all() or not inside.any():
        return np.zeros(inside.shape, bool)
    half = _BAND * (inside.shape[0] * inside.shape[1]) ** 0.5
    sigma = 2 * half
    weight = inside.astype(np.float32)

    def blurred(array: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(array, (0, 0), sigma), np.float32)

    share = blurred(weight)[..., None]
    front = blurred(image * weight[..., None]) / np.maximum(share, 1e-3)
    back = blurred(image * (1 - weight)[..., None]) / np.maximum(1 - share, 1e-3)
    step = np.linalg.norm(front - back, axis=2)
    # The spread around the nearer mean: texture hides an edge as much as likeness does.
    own = np.where(inside[..., None], front, back)
    spread = np.sqrt(np.maximum(blurred(np.square(image - own).sum(axis=2)), 0))
    doubt = np.clip(spread / np.maximum(step, 1e-3), 0, 1)
    reach = half * (1 + (_WIDE - 1) * doubt)
    outline = inside.astype(np.uint8)
    away = np.where(
        inside,
        cv2.distanceTransform(outline, cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
        cv2.distanceTransform(1 - outline, cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
    )
    return np.asarray(away <= np.maximum(reach, 1.5))
