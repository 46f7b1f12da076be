"""The closed-form foreground with which the paper compares its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import MissingExtraError
from lsamatting.foreground.pictures import check_alpha, check_foreground
from lsamatting.silence import silence_prints


def closed_form_foreground(foreground: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.float32]:
    """Blend a foreground with its closed-form estimate: αF + (1 − α) F_cf.

    F_cf is the foreground that Levin et al. ("A Closed-Form Solution to Natural Image Matting",
    2008) find, by PyMatting, in the picture αF: the foreground on black. This is the variant CF in
    the paper's table of ablations.

    Parameters
    ----------
    foreground
        HxW, HxWx1 or HxWx3 float in [0, 1]; what lies outside is clipped by the estimate.
    alpha
        HxW float in [0, 1].

    Returns
    -------
    numpy.ndarray
        float32 of the foreground's shape.

    Raises
    ------
    ImageError
        Shapes do not fit, or values are not finite floats, or alpha is not in [0, 1].
    MissingExtraError
        PyMatting is not installed (extra ``peers``).
    """
    colours = check_foreground("foreground", foreground)
    opacity = check_alpha(alpha, colours)
    # PyMatting divides by zero on a picture of one pixel, and where nothing is mixed there is
    # nothing to estimate.
    if opacity.size == 1 or bool((opacity == 1).all()):
        return colours.reshape(np.shape(foreground)).copy()
    try:
        from pymatting.foreground.estimate_foreground_cf import estimate_foreground_cf
    except ImportError:
        raise MissingExtraError("the closed-form foreground", "peers") from None

    share = opacity[..., None]
    # It prints warnings about its own speed; standard output is the caller's.
    with silence_prints():
        estimate = estimate_foreground_cf(
            (share * colours).astype(np.float64), opacity.astype(np.float64)
        )
    blended = share * colours + (1 - share) * estimate
    return np.asarray(blended, np.float32).reshape(np.shape(foreground))
