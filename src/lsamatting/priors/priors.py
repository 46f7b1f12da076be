"""All colour priors of an image and its trimap, stacked as a network's extra input."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError
from lsamatting.priors.channels import PRIOR_CHANNELS, channel_count
from lsamatting.priors.closed_form import MIXTURE_WEIGHT, ClosedForm
from lsamatting.priors.extension import implied_alpha, nearest_colours, smooth_colours
from lsamatting.priors.grid import enlarge, shrink, shrink_known
from lsamatting.priors.mixture import Mixture, colour_mixture

GRID = 2
"""Extensions are computed on a grid this many times coarser than the image: they are smooth, and
four times cheaper there. Opacities are taken at full resolution."""

DISTANCE_RANGE = 64.0
"""Distance in image pixels that maps to 1; farther counts the same."""


def compute_priors(
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    *,
    which: Sequence[str] = tuple(PRIOR_CHANNELS),
    workers: int = 1,
) -> NDArray[np.float32]:
    """Compute the named priors.

    - `alpha_mixture`: share of the foreground in the mixture of known colours that explains a
      pixel's own; `mixture_confidence`: how far apart the two mixed colours lie, η.
    - `alpha_closed_form`: closed-form matting; `alpha_joint`: the same, held to the mixture where
      that is certain.
    - `nearest_foreground`, `nearest_background`: colour of the nearest known pixels, and
      `distances` to them; `smooth_foreground`, `smooth_background`: known colours carried on
      smoothly; `alpha_nearest`, `alpha_smooth`: the opacity that such a pair implies.

    Parameters
    ----------
    image:
        H×W×3, gamma-encoded RGB in [0, 1].
    trimap:
        H×W with 0 (background), 128 (unknown) and 255 (foreground).
    which:
        Names of `PRIOR_CHANNELS`, in the order in which they are to be stacked.
    workers:
        Threads to share the work among; more than two are of no use.

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
    stack = np.empty((*trimap.shape, channel_count(which)), np.float32)
    priors = _Priors(image, trimap)
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            for independent in _STAGES:
                wanted = [name for name in independent if _NEEDED_BY[name] & set(which)]
                list(pool.map(lambda name: getattr(priors, name), wanted))
    start = 0
    for name in which:
        stop = start + PRIOR_CHANNELS[name]
        channels: NDArray[np.float32] = getattr(priors, name)
        stack[..., start:stop] = channels.reshape(*trimap.shape, -1)
        start = stop
    return stack


_STAGES = (
    ("closed_form", "mixture"),
    ("alpha_closed_form", "alpha_joint", "extensions"),
)
"""Parts that take long, in an order in which those of a stage do not wait for each other."""

_NEEDED_BY = {
    "closed_form": {"alpha_closed_form", "alpha_joint"},
    "mixture": {"alpha_closed_form", "alpha_joint", "alpha_mixture", "mixture_confidence"},
    "alpha_closed_form": {"alpha_closed_form"},
    "alpha_joint": {"alpha_joint"},
    "extensions": {
        "alpha_nearest",
        "alpha_smooth",
        "nearest_foreground",
        "nearest_background",
        "smooth_foreground",
        "smooth_background",
        "distances",
    },
}


class _Priors:
    """Each prior under its name, computed once it is asked for, and what several of them share."""

    def __init__(self, image: NDArray[np.float32], trimap: NDArray[np.uint8]) -> None:
        height, width = trimap.shape
        self.size = (width, height)
        self.image = np.ascontiguousarray(image, np.float32)
        self.foreground = trimap == 255
        self.background = trimap == 0

    @cached_property
    def grid(self) -> tuple[int, int]:
        width, height = self.size
        return (width + GRID - 1) // GRID, (height + GRID - 1) // GRID

    @cached_property
    def small(self) -> NDArray[np.float32]:
        return shrink(self.image, self.grid)

    @cached_property
    def small_foreground(self) -> NDArray[np.bool_]:
        return shrink_known(self.foreground, self.grid)

    @cached_property
    def small_background(self) -> NDArray[np.bool_]:
        return shrink_known(self.background, self.grid)

    @cached_property
    def near_foreground(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return nearest_colours(self.small, self.small_foreground)

    @cached_property
    def near_background(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return nearest_colours(self.small, self.small_background)

    @cached_property
    def filled_foreground(self) -> NDArray[np.float32]:
        return smooth_colours(self.small, self.small_foreground)

    @cached_property
    def filled_background(self) -> NDArray[np.float32]:
        return smooth_colours(self.small, self.small_background)

    @cached_property
    def extensions(self) -> tuple[object, ...]:
        """What takes time of all that rests on colours carried into the unknown region."""
        return (
            self.near_foreground,
            self.near_background,
            self.filled_foreground,
            self.filled_background,
        )

    @cached_property
    def nearest_foreground(self) -> NDArray[np.float32]:
        return enlarge(self.near_foreground[0], self.size)

    @cached_property
    def nearest_background(self) -> NDArray[np.float32]:
        return enlarge(self.near_background[0], self.size)

    @cached_property
    def smooth_foreground(self) -> NDArray[np.float32]:
        return enlarge(self.filled_foreground, self.size)

    @cached_property
    def smooth_background(self) -> NDArray[np.float32]:
        return enlarge(self.filled_background, self.size)

    @property
    def distances(self) -> NDArray[np.float32]:
        both = np.stack((self.near_foreground[1], self.near_background[1]), axis=-1)
        both = np.minimum(both * (GRID / DISTANCE_RANGE), 1)
        return enlarge(both.astype(np.float32), self.size)

    @property
    def alpha_nearest(self) -> NDArray[np.float32]:
        return implied_alpha(self.image, self.nearest_foreground, self.nearest_background)

    @property
    def alpha_smooth(self) -> NDArray[np.float32]:
        return implied_alpha(self.image, self.smooth_foreground, self.smooth_background)

    @cached_property
    def mixture(self) -> Mixture:
        return colour_mixture(self.image, self.foreground, self.background)

    @property
    def alpha_mixture(self) -> NDArray[np.float32]:
        return self.mixture.alpha

    @property
    def mixture_confidence(self) -> NDArray[np.float32]:
        return self.mixture.confidence

    @cached_property
    def closed_form(self) -> ClosedForm:
        return ClosedForm(self.image, self.foreground, self.background)

    @cached_property
    def alpha_closed_form(self) -> NDArray[np.float32]:
        return self.closed_form.alpha(self.mixture, weight=0)

    @cached_property
    def alpha_joint(self) -> NDArray[np.float32]:
        return self.closed_form.alpha(self.mixture, weight=MIXTURE_WEIGHT)
