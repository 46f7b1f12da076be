"""How far the unknown band around a rough mask has to reach, seen from the picture.

A mask of a segmentation network or of a few strokes is smooth where the subject is not: whiskers,
hair, chains and straps stand out of it, and gaps lie in it. They show in the picture, because they
do not look like what surrounds them on their side of the edge: by their colour, or, where the
ground has many colours, by being fine where the ground is smooth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

SHARE = 0.02
"""Width of the band on either side of the edge, in parts of the subject's size."""

REACH = 0.4
"""How far from the edge details are looked for, in parts of the subject's size."""

_AROUND = 0.25
"""How far around a pixel its side's colours are gathered, in parts of the subject's size; a second
look goes no further than the band is wide."""

WORKING_PIXELS = 1_000_000
"""Pictures are reduced to so many pixels to be looked at."""

_STRANGE = 7.0
_OUTSTANDING = 2.0
"""Squared distance, in variances, beyond which a colour is strange to its surroundings; and how
many times stranger it must be on its own side than on the other to count inside the mask."""

_FINE_SCALES = (1.0, 4.0)
"""Detail finer than the second of these and coarser than the first, standard deviations in pixels,
is what a whisker or a hair has."""

_FINE_SURELY, _FINE_PERHAPS = 3.0, 2.0
"""How many times the usual fine detail of the surroundings a line outside the mask has somewhere,
and all along."""

_FINE_NOISE, _FINE_GROUND = 0.6, 2.5
"""Fine detail, in CIELAB, that any surface is granted; and so much that no line can be told from
what it lies before."""

_FINE_MARGIN = 0.8
"""What becomes unknown on either side of such a line, in widths of the band."""

_SPECK = 12
"""What is found in fewer pixels than this is noise."""

_NOISE = 2.0
"""Standard deviation, in CIELAB, that any surface is granted."""


def subject_size(inside: Mask) -> float:
    """Give the side of a square of the subject's area, in pixels."""
    return float(np.sqrt(np.count_nonzero(inside)))


def default_width(inside: Mask) -> int:
    """Give the width of the band on either side of a mask's edge, in pixels: 2 % of its size."""
    return max(2, round(SHARE * subject_size(inside)))


def details(
    image: npt.NDArray[Any], inside: Mask, *, width: float, pixels: int = WORKING_PIXELS
) -> Mask:
    """Find what the picture shows beyond a mask's edge: parts of the subject, or gaps in it.

    A pixel counts if its colour is strange to the colours on its own side of the edge within
    reach (in CIELAB, by their mean and variance there), or if, outside, it has much more fine
    detail than is usual there, and that is little; and if such pixels lead from it to the band
    along the edge.

    Parameters
    ----------
    image
        H×W×3 float in [0, 1], gamma-encoded, or uint8.
    inside
        H×W bool.
    width
        Of the band along the edge, in pixels.
    pixels
        How many pixels the picture is reduced to, if it has more.

    Returns
    -------
    numpy.ndarray
        H×W bool, with a margin around each detail.
    """
    import cv2

    if inside.all() or not inside.any():
        return np.zeros(inside.shape, bool)
    height, width_of_image = inside.shape
    factor = min(1.0, float(np.sqrt(pixels / inside.size)))
    size = (max(1, round(width_of_image * factor)), max(1, round(height * factor)))
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    if small.dtype != np.float32:
        top = 255 if small.dtype == np.uint8 else 1
        small = small.astype(np.float32) / np.float32(top)
    lab = np.asarray(cv2.cvtColor(np.clip(small, 0, 1), cv2.COLOR_RGB2Lab), np.float32)
    mask = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    reach = max(3, round(REACH * subject_size(mask)))
    near = max(1, round(width * factor))
    off_edge = np.where(mask, _distance(~mask), _distance(mask))
    # What lies in the band itself may belong to either side.
    around = round(_AROUND * subject_size(mask))
    windows = (2 * max(2, near) + 1, 2 * max(2, around) + 1)
    outer, inner = (
        np.maximum(*(_strangeness(lab, side & (off_edge > near), window) for window in windows))
        for side in (~mask, mask)
    )
    found = np.where(mask, (inner > _STRANGE) & (inner > _OUTSTANDING * outer), outer > _STRANGE)
    fine = _fine_lines(lab, ~mask & (off_edge > near), windows[1])
    found = _without_specks((found | fine) & (off_edge <= reach))
    band = off_edge <= near
    # Small gaps along a whisker must not end it.
    joined = cv2.morphologyEx((found | band).astype(np.uint8), cv2.MORPH_CLOSE, _disc(2))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    leading = np.zeros(int(labels.max()) + 1, bool)
    leading[np.unique(labels[band])] = True
    leading[0] = False
    kept = found & leading[labels]
    grown = _grown(kept, max(2, near // 3))
    # A faint line is only told from what is known on both sides if that keeps its distance.
    grown |= _grown(kept & fine, max(2, round(_FINE_MARGIN * near)))
    whole = cv2.resize(
        grown.astype(np.uint8), (width_of_image, height), interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(whole > 0)


def _without_specks(found: Mask) -> Mask:
    """Leave out what noise alone would find."""
    import cv2

    _, labels, facts, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    large = facts[:, cv2.CC_STAT_AREA] >= _SPECK
    large[0] = False
    return np.asarray(large[labels])


def _strangeness(lab: Floats, among: Mask, window: int) -> Floats:
    """Give the squared distance of each pixel from the colours `among` which it lies, in variances.

    Means and variances are those of a square window; where it holds nothing, nothing is strange.
    """
    import cv2

    weight = among.astype(np.float32)
    share = _smooth(weight, window)
    total = np.zeros(among.shape, np.float32)
    for channel in cv2.split(lab):
        mean = _smooth(channel * weight, window) / np.maximum(share, 1e-4)
        square = _smooth(channel * channel * weight, window) / np.maximum(share, 1e-4)
        spread = np.maximum(square - mean * mean, 0) + np.float32(_NOISE**2)
        total += (channel - mean) ** 2 / spread
    return np.where(share > 0.01, total, 0).astype(np.float32)


def _fine_lines(lab: Floats, among: Mask, window: int) -> Mask:
    """Find where a picture has more fine detail than is usual `among` what it lies in, if smooth.

    Usual is the mean over a square window. A faint part of a line counts where it leads to a clear
    one. The subject's own colours, beyond the edge, have no part in it.
    """
    import cv2

    weight = among.astype(np.float32)
    fine, coarse = (
        cv2.GaussianBlur(lab * weight[..., None], (0, 0), scale)
        / np.maximum(cv2.GaussianBlur(weight, (0, 0), scale), 1e-4)[..., None]
        for scale in _FINE_SCALES
    )
    detail = np.sqrt(np.square(fine - coarse).sum(axis=2))
    usual = _smooth(detail * weight, window) / np.maximum(_smooth(weight, window), 1e-4)
    smooth = among & (usual < _FINE_GROUND)
    outstanding = np.where(smooth, detail / (usual + np.float32(_FINE_NOISE)), 0)
    _, labels = cv2.connectedComponents(
        (outstanding > _FINE_PERHAPS).astype(np.uint8), connectivity=8
    )
    clear = np.zeros(int(labels.max()) + 1, bool)
    clear[np.unique(labels[outstanding > _FINE_SURELY])] = True
    return np.asarray(clear[labels])


def _smooth(values: Floats, window: int) -> Floats:
    import cv2

    return np.asarray(cv2.blur(values, (window, window), borderType=cv2.BORDER_REFLECT))


def _distance(region: Mask) -> Floats:
    import cv2

    return np.asarray(
        cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    )


def _grown(region: Mask, radius: int) -> Mask:
    import cv2

    return np.asarray(cv2.dilate(region.astype(np.uint8), _disc(radius)) > 0)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    import cv2

    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
