"""From how two colours' numbers are mixed to how their light is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

EXPONENT = 1.5
"""From numbers to light. Displays have 2.2, but cameras flatten highlights and shadows: of 1.5 and
2.2, on photographs with true mattes, 1.5 was the better one."""

SOFTENING = 1e-3
"""Squared distance, in light, below which colours tell little about their mixture."""

ROWS = 64


def share_of_light(alpha: Array, foreground: Array, background: Array) -> Array:
    """Opacity by light, where opacity by gamma-encoded numbers is known.

    A lens mixes the light of subject and background; the file holds numbers that rise more slowly
    than light. Solvers take the mixture to be linear in the numbers: with C = αF + (1 − α)B, the
    opacity of the light is that of C^γ on the line from B^γ to F^γ. A bright subject before
    something dark covers less than its numbers say, and a dark one before something bright more.

    Parameters
    ----------
    alpha
        H×W in [0, 1].
    foreground, background
        H×W×3, gamma-encoded, in [0, 1].

    Returns
    -------
    ndarray
        H×W float32 in [0, 1]; as it was where it is 0 or 1, and nearly so where the two colours
        hardly differ.
    """
    result = np.empty_like(alpha)
    summing = np.ones((1, 3), np.float32)
    # A few rows at a time: whole pictures would spend their time on memory.
    for top in range(0, len(alpha), ROWS):
        rows = slice(top, top + ROWS)
        share = alpha[rows]
        mixed = background[rows] + share[..., None] * (foreground[rows] - background[rows])
        low = cv2.pow(background[rows], EXPONENT)
        line = cv2.pow(foreground[rows], EXPONENT) - low
        along = cv2.transform((cv2.pow(mixed, EXPONENT) - low) * line, summing)
        length = cv2.transform(line * line, summing)
        # Where colours tell nothing, both terms vanish and the opacity stays.
        bent = (along + np.float32(SOFTENING) * share) / (length + np.float32(SOFTENING))
        np.clip(bent, 0, 1, out=result[rows])
    return result
