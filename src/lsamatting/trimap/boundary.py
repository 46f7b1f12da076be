"""Where a region ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def two_sided_boundary(region: Mask, counted: Mask | None = None) -> Mask:
    """Mark the boundary of a region, one pixel wide on both sides.

    It holds the pixels i for which {i} and its 4-neighbours meet the region and its complement
    (paper, section 4.3).

    Parameters
    ----------
    region:
        H×W, within `counted`.
    counted:
        H×W, the pixels that there are; all if not given. Beyond them, as outside the picture, there
        is neither region nor complement.
    """
    vertical, horizontal = region[1:] != region[:-1], region[:, 1:] != region[:, :-1]
    if counted is not None:
        vertical &= counted[1:] & counted[:-1]
        horizontal &= counted[:, 1:] & counted[:, :-1]
    edge = np.zeros(region.shape, np.bool_)
    edge[1:] |= vertical
    edge[:-1] |= vertical
    edge[:, 1:] |= horizontal
    edge[:, :-1] |= horizontal
    return edge
