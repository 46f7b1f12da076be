"""How a picture at half its size helps with what lies far from anything known.

A network learns from samples of some two hundred pixels, in which something known is never far. In
a wide unknown region it is lost, where at half the size everything known is half as far. So the
smaller picture comes first: what it shows to be surely one thing, and far from any edge, need not
be asked again, and far inside of what remains its opacity counts beside the picture's own.

Sizes are in pixels of the picture at hand, so that the same is done at every level. What each gains
is measured in docs/wide.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.network.config import NetworkConfig
from lsamatting.samples import Samples
from lsamatting.windows import window_around

REACH = 32
"""Depth, in pixels from what is known, up to which a picture is computed at its own size alone."""

SMALLEST = 160
"""Pixels of a picture's shorter side below which it is not halved."""

SURE = 0.02
"""Opacity that is taken for 0, and its distance from 1 that is taken for 1."""

AROUND = 8
"""So far around a pixel all must be as sure for it to be taken as known."""

OPEN = 24
"""So far from what is known nothing is taken as known: there the picture's own size tells more."""

NEAR, FAR, SHARE = 24, 48, 0.5
"""From `NEAR` to `FAR` pixels inside of what remains unknown the smaller picture's opacity comes to
count by `SHARE`."""

KEPT_OPEN = 64
"""So far around a stroke of neither 0 nor 1 nothing is taken as known: refinement works there."""


def suits(config: NetworkConfig) -> bool:
    """Whether a network gains by it: if it itself trusts its corrections near known pixels only."""
    return config.correction == "near"


def count_halvings(trimap: NDArray[np.uint8]) -> int:
    """Count how often a picture is to be halved, by its H×W trimap of 0, 128 and 255."""
    unknown = trimap == 128
    if not unknown.any() or unknown.all():
        return 0
    # What is known around the unknown pixels is nearer to them than what lies beyond it.
    depth = float(_depth(unknown[window_around(unknown, 1)]).max())
    shorter = min(trimap.shape)
    count = 0
    while depth / 2**count > REACH and shorter / 2**count >= SMALLEST:
        count += 1
    return count


def halve(image: Samples) -> Samples:
    """Halve H×W×3 samples, rounding up: averages."""
    smaller = cv2.resize(
        np.ascontiguousarray(image), _half(image.shape), interpolation=cv2.INTER_AREA
    )
    return np.asarray(smaller, image.dtype)


def halve_trimap(trimap: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve an H×W trimap, rounding up: nearest neighbour, and what is known but too thin for that.

    Where known and unknown meet, a pixel of four that asked for all of them to be known would make
    the known strip beside a subject narrower at every size; one that asked for any would make it
    wider. A line that no neighbour is left of, such as a stroke, is drawn all the same: to forget
    it is to take what it lies on for the other side.
    """
    size = _half(trimap.shape)
    halved = np.asarray(cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    lost = [_lost(trimap, halved, value) for value in (0, 255)]
    halved[lost[0] & ~lost[1]] = 0
    halved[lost[1] & ~lost[0]] = 255
    return halved


def _lost(trimap: NDArray[np.uint8], halved: NDArray[np.uint8], value: int) -> NDArray[np.bool_]:
    """Mark what of the halved trimap is unknown, holds a value and is not beside any of it."""
    seen = cv2.dilate((halved == value).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray((halved == 128) & _halve_any(trimap == value) & ~seen)


def _halve_any(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Halve an H×W mask, rounding up: where any of four is marked, one of which is the nearest."""
    marks = cv2.dilate(mask.astype(np.uint8), np.ones((2, 2), np.uint8), anchor=(0, 0))
    return np.asarray(cv2.resize(marks, _half(mask.shape), interpolation=cv2.INTER_NEAREST) > 0)


def close(
    trimap: NDArray[np.uint8], opacity: NDArray[np.float32], keep: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Take as known what the smaller picture is sure of.

    Where the trimap knows no subject, or no background, nothing tells one from the other but what
    is usual; there it is as sure of what is wrong.

    Parameters
    ----------
    trimap
        H×W with 0, 128 and 255.
    opacity
        What was found of the picture at half its size, in [0, 1].
    keep
        H×W, pixels around which nothing is taken as known.

    Returns
    -------
    ndarray
        The trimap, with less unknown.
    """
    halved = halve_trimap(trimap)
    if not ((halved == 0).any() and (halved == 255).any()):
        return trimap
    unknown = halved == 128
    free = unknown & (_depth(unknown) > OPEN / 2)
    if keep.any():
        # A pixel that is kept at all is seen at half the size, too.
        free &= _depth(~_halve_any(keep)) > KEPT_OPEN / 2
    found = np.full(unknown.shape, 128, np.uint8)
    found[free & (_depth(opacity < SURE) > AROUND / 2)] = 0
    found[free & (_depth(opacity > 1 - SURE) > AROUND / 2)] = 255
    height, width = trimap.shape
    found = np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST))
    return np.where(trimap == 128, found, trimap)


def blend(
    alpha: NDArray[np.float32], trimap: NDArray[np.uint8], opacity: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Let the smaller picture's opacity count far inside of the unknown region.

    Parameters
    ----------
    alpha
        H×W, of the picture itself; changed in place.
    trimap
        What of it was unknown, H×W with 0, 128 and 255.
    opacity
        Of the smaller picture.

    Returns
    -------
    ndarray
        `alpha`. Known pixels keep their opacity.
    """
    height, width = trimap.shape
    share = _depth(trimap == 128)
    np.subtract(share, NEAR, out=share)
    np.multiply(share, SHARE / (FAR - NEAR), out=share)
    np.clip(share, 0, SHARE, out=share)
    # Cubic interpolation overshoots.
    larger = np.asarray(cv2.resize(opacity, (width, height), interpolation=cv2.INTER_CUBIC))
    np.clip(larger, 0, 1, out=larger)
    np.subtract(larger, alpha, out=larger)
    np.multiply(larger, share, out=larger)
    return np.add(alpha, larger, out=alpha)


def _half(shape: tuple[int, ...]) -> tuple[int, int]:
    """Give width and height, as OpenCV wants them, of half a size."""
    return (shape[1] + 1) // 2, (shape[0] + 1) // 2


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give each pixel's distance in pixels to the nearest that is not of the mask, H×W float32."""
    # The picture's border is none of the mask's.
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, np.float32)
