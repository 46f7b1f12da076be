"""Names and sizes of the prior channels, apart from the code that computes them.

A network's configuration needs these names without the price of importing the kernels.
"""

from __future__ import annotations

from collections.abc import Iterable

PRIOR_CHANNELS: dict[str, int] = {
    "alpha_light": 1,
    "alpha_joint": 1,
    "alpha_closed_form": 1,
    "alpha_mixture": 1,
    "alpha_nearest": 1,
    "alpha_smooth": 1,
    "mixture_confidence": 1,
    "nearest_foreground": 3,
    "nearest_background": 3,
    "smooth_foreground": 3,
    "smooth_background": 3,
    "distances": 2,
}
"""Channels of each prior; opacities, which networks read first, come first."""


def channel_count(names: Iterable[str]) -> int:
    """Sum the channels of the named priors."""
    return sum(PRIOR_CHANNELS[name] for name in names)
