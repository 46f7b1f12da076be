"""What the trimap tells of colour: extra input channels that carry the smoothness assumption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsamatting.priors.channels import PRIOR_CHANNELS, channel_count

if TYPE_CHECKING:
    from lsamatting.priors.priors import PriorField, compute_priors

__all__ = ["PRIOR_CHANNELS", "PriorField", "channel_count", "compute_priors"]


def __getattr__(name: str) -> Any:
    # The channels' names are needed where OpenCV is not.
    if name in ("PriorField", "compute_priors"):
        from lsamatting.priors import priors

        return getattr(priors, name)
    raise AttributeError(name)
