"""All colour priors of an image and its trimap, stacked as a network's extra input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError
from lsamatting.priors.channels import PRIOR_CHANNELS, channel_count
from lsamatting.priors.extension import implied_alpha, nearest_colours, smooth_colours
from lsamatting.priors.grid import enlarge, shrink, shrink_known

GRID = 2
"""Extensions and affinities are computed on a grid this many times coarser than the image: they
are smooth, and four times cheaper there. The implied opacities are taken at full resolution."""

DISTANCE_RANGE = 64.0
"""Distance in image pixels that maps to 1; farther counts the same."""


def compute_priors(
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    *,
    which: Sequence[str] = tuple(PRIOR_CHANNELS),
) -> NDArray[np.float32]:
    """Compute the named priors.

    Parameters
    ----------
    image:
        H×W×3, gamma-encoded RGB in [0, 1].
    trimap:
        H×W with 0 (background), 128 (unknown) and 255 (foreground).
    which:
        Names of `PRIOR_CHANNELS`, in the order in which they are to be stacked.

    Returns
    -------
    ndarray
        H×W×P float32 in [0, 1], P the sum of the named priors' channels.

    Raises
    ------
    ConfigError
        A name is not a prior's.
    """
    for name in which:
        if name not in PRIOR_CHANNELS:
            raise ConfigError(f"unknown prior {name!r}; accepted: {', '.join(PRIOR_CHANNELS)}")
    height, width = trimap.shape
    stack = np.empty((height, width, channel_count(which)), np.float32)
    if not which:
        return stack
    size = (width, height)
    grid = ((width + GRID - 1) // GRID, (height + GRID - 1) // GRID)
    image = np.ascontiguousarray(image, np.float32)
    small = shrink(image, grid)
    foreground = shrink_known(trimap == 255, grid)
    background = shrink_known(trimap == 0, grid)
    near_f, distance_f = nearest_colours(small, foreground)
    near_b, distance_b = nearest_colours(small, background)
    smooth_f = smooth_colours(small, foreground)
    smooth_b = smooth_colours(small, background)

    full: dict[str, NDArray[np.float32]] = {}

    def colours(name: str) -> NDArray[np.float32]:
        if name not in full:
            coarse = {
                "nearest_foreground": near_f,
                "nearest_background": near_b,
                "smooth_foreground": smooth_f,
                "smooth_background": smooth_b,
            }[name]
            full[name] = enlarge(coarse, size)
        return full[name]

    start = 0
    for name in which:
        channels = stack[..., start : start + PRIOR_CHANNELS[name]]
        start += PRIOR_CHANNELS[name]
        if name == "distances":
            both = np.stack((distance_f, distance_b), axis=-1) * (GRID / DISTANCE_RANGE)
            channels[:] = enlarge(np.minimum(both, 1).astype(np.float32), size)
        elif name == "alpha_nearest":
            channels[..., 0] = implied_alpha(
                image, colours("nearest_foreground"), colours("nearest_background")
            )
        elif name == "alpha_smooth":
            channels[..., 0] = implied_alpha(
                image, colours("smooth_foreground"), colours("smooth_background")
            )
        elif name == "alpha_affinity":
            # PyMatting takes a second to import; networks without this prior never pay it.
            from lsamatting.priors.affinity import affinity_alpha

            colour_alpha = implied_alpha(small, near_f, near_b)
            colour_alpha += implied_alpha(small, smooth_f, smooth_b)
            coarse = affinity_alpha(small, foreground, background, colour_alpha / np.float32(2))
            channels[..., 0] = np.clip(enlarge(coarse, size), 0, 1)
        else:
            channels[:] = colours(name)
    return stack
