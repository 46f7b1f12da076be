"""A subject's rough mask, from which its trimap is made."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.extraction.subjects import Stroke, Subject
from lsamatting.data.synthesis.photos import reduced
from lsamatting.errors import DatasetError

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_SIDE = 400
"""Longer side, in px, at which the mask is found: finer texture only misleads it."""
_STROKE = 0.015
"""Width of strokes in parts of the longer side."""
_ROUNDS = 5
_LARGE_PIECE, _SMALL_HOLE = 0.1, 0.004
"""Pieces below this part of the largest one, and holes below this part of it, are dropped."""


def rough_mask(picture: Bytes, subject: Subject) -> Mask:
    """Find a subject by GrabCut (Rother et al., 2004) from its box or outline and strokes.

    `picture` is HxWx3 RGB, uint8; the mask is HxW. Raises DatasetError where nothing is found.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    small = reduced(picture, scale)
    marks = _marks(subject, (small.shape[0], small.shape[1]))
    # Its mixtures start from clusters drawn at random.
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(
            small, marks, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS,
            cv2.GC_INIT_WITH_MASK,
        )  # fmt: skip
    except cv2.error:
        marks[:] = cv2.GC_BGD
    found = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    found = _tidy(found)
    if not found.any():
        raise DatasetError(f"{subject.name}: no subject is found there; mark it by other strokes")
    large = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 0.5 / scale) > 0.5)


def _marks(subject: Subject, shape: tuple[int, int]) -> Bytes:
    """GrabCut's four labels: surely outside beyond box and outline, and what strokes say."""
    marks = np.full(shape, cv2.GC_BGD, np.uint8)
    if subject.outline:
        cv2.fillPoly(marks, [_places(subject.outline, shape)], cv2.GC_PR_FGD)
    else:
        (left, top), (right, bottom) = _places(subject.box, shape)
        marks[top : bottom + 1, left : right + 1] = cv2.GC_PR_FGD
    thickness = max(2, round(_STROKE * max(shape)))
    for strokes, label in ((subject.inside, cv2.GC_FGD), (subject.outside, cv2.GC_BGD)):
        for stroke in strokes:
            places = _places(stroke, shape)
            # A line of one place is a point.
            cv2.polylines(marks, [np.vstack([places, places[-1:]])], False, label, thickness)
    return marks


def _places(stroke: Stroke, shape: tuple[int, int]) -> NDArray[np.int32]:
    height, width = shape
    places = np.reshape(stroke, (-1, 2)) / 100 * (width - 1, height - 1)
    return np.rint(places).astype(np.int32)


def _tidy(found: Mask) -> Mask:
    """Drop small pieces and fill small holes."""
    smooth = cv2.medianBlur(found.astype(np.uint8), 5)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(smooth)
    if count < 2:
        return np.zeros(found.shape, np.bool_)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept: Mask = (areas >= _LARGE_PIECE * areas.max())[labels]
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < _SMALL_HOLE * areas.max()
    small[0] = False
    return np.asarray(kept | small[holes])
