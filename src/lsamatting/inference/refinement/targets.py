"""Where backpropagating refinement knows what the opacity must be (paper, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Boundary
from lsamatting.trimap.boundary import two_sided_boundary

Mask = NDArray[np.bool_]

PUBLISHED_ADDED = 0.1


@dataclass(frozen=True)
class Targets:
    """What the objective looks at; all masks are H×W in a layout's pixels."""

    zero: Mask
    """Pixels that are pulled to 0: the boundary of {T = 0}."""

    one: Mask
    """Pixels that are pulled to 1: the boundary of {T = 1}."""

    unknown: Mask
    """Pixels that should stay near the initial estimate."""

    boundary: Boundary = "paper"
    """Whose boundary it is."""

    strokes: tuple[tuple[Mask, float], ...] = ()
    """The user's strokes and the opacity that each asks for. Where two overlap the later counts,
    and where one lies nothing else does."""

    @property
    def added(self) -> float:
        """What is added to each of the two counts of pulled pixels."""
        return PUBLISHED_ADDED if self.boundary == "published" else 0.0

    @property
    def clamp_initial(self) -> bool:
        """Whether the initial estimate is clamped to [0, 1] before anything is compared with it."""
        return self.boundary == "paper"


def boundary_targets(
    marks: NDArray[np.uint8], counted: Mask, *, boundary: Boundary = "paper"
) -> Targets:
    """Find the pixels at which a trimap says what the opacity must be.

    Parameters
    ----------
    marks:
        H×W trimap with 0, 128 and 255.
    counted:
        H×W, the pixels that take part. Others, such as a picture's reflection around it, neither
        belong to a boundary nor make one.
    boundary:
        See `Boundary`.
    """
    unknown = (marks == 128) & counted
    zero, one = (
        _boundary((marks == value) & counted, counted, unknown, boundary) for value in (0, 255)
    )
    return Targets(
        zero=zero,
        one=one,
        unknown=unknown,
        boundary=boundary,
    )


def _boundary(region: Mask, counted: Mask, unknown: Mask, boundary: Boundary) -> Mask:
    if boundary == "paper":
        return two_sided_boundary(region, counted)
    if region.size == 0:
        return region
    # Unknown pixels with one of the region among their eight neighbours.
    return cv2.dilate(region.view(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_) & unknown
