"""How doubtful a matte looks: by what share of it is half opaque where nothing thin is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 0.1, 0.9
"""Opacities between these are neither the subject's nor the background's."""

THIN = 0.01
"""Hair, fur and soft edges are less wide than this share of the picture's side, the root of its
area."""

CRITERION = (
    f"share of unknown pixels with an opacity from {LOW:g} to {HIGH:g}, "
    "in patches too wide for hair or a soft edge"
)


def doubt(alpha: NDArray[np.float32], unknown: NDArray[np.bool_]) -> float:
    """Measure how much of the unknown part was left undecided.

    Pixels between `LOW` and `HIGH` count if they remain when their region is opened with a disc
    whose diameter is `THIN` of the picture's side, 4 pixels at least: what is narrower may well be
    half opaque. Glass, smoke and veils score high too, and are right to; it is a reason to look.

    Parameters
    ----------
    alpha
        HxW float in [0, 1].
    unknown
        HxW bool.

    Returns
    -------
    float
        From 0 to 1; 0 where nothing is unknown.
    """
    total = int(np.count_nonzero(unknown))
    if total == 0:
        return 0.0
    half = (alpha >= LOW) & (alpha <= HIGH)
    radius = max(2.0, THIN * np.sqrt(alpha.size) / 2)
    wide = half & _within(~_within(~half, radius), radius)
    return float(np.count_nonzero(wide & unknown) / total)


def _within(region: NDArray[np.bool_], distance: float) -> NDArray[np.bool_]:
    """Tell which pixels are at most `distance` (Euclidean) from a pixel of the region."""
    import cv2

    if not region.any():
        return np.zeros_like(region)
    away: NDArray[Any] = cv2.distanceTransform(
        (~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    return np.asarray(away <= distance)
