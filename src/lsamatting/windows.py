"""The part of a picture that has to be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def window_around(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice] | None:
    """Bound the mask's pixels and `margin` pixels around them; None where there are none.

    Parameters
    ----------
    mask:
        H×W.
    margin:
        Pixels, cut off at the picture's border; not negative.

    Returns
    -------
    tuple of slice, or None
        Rows and columns.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + 1 + margin),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + 1 + margin),
    )
