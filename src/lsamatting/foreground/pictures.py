"""What a foreground and an opacity must be before anything is computed from them."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Border
from lsamatting.errors import ConfigError, ImageError
from lsamatting.images import check_values

Array = NDArray[np.float32]


def check_foreground(name: str, colours: NDArray[Any]) -> Array:
    """Give HxW, HxWx1 or HxWx3 finite floats as HxWxC float32.

    Raises
    ------
    ImageError
        Another shape, no pixel, integers, or values that are not finite.
    """
    colours = np.asarray(colours)
    if colours.ndim not in (2, 3) or (colours.ndim == 3 and colours.shape[2] not in (1, 3)):
        raise ImageError(f"{name} of shape {colours.shape}; accepted are HxW, HxWx1 and HxWx3")
    check_values(name, colours)
    return np.ascontiguousarray(colours.reshape(*colours.shape[:2], -1), np.float32)


def check_alpha(alpha: NDArray[Any], colours: NDArray[Any]) -> Array:
    """Give HxW floats in [0, 1], of the size of the colours, as float32.

    Raises
    ------
    ImageError
        Another shape, integers, or values that are not finite or not in [0, 1].
    """
    alpha = np.asarray(alpha)
    if alpha.ndim != 2:
        raise ImageError(f"alpha of shape {alpha.shape}; accepted is HxW")
    if alpha.shape != colours.shape[:2]:
        raise ImageError(
            f"alpha is {alpha.shape[1]}x{alpha.shape[0]} pixels"
            f" but the foreground is {colours.shape[1]}x{colours.shape[0]}"
        )
    check_values("alpha", alpha)
    if alpha.min() < 0 or alpha.max() > 1:
        raise ImageError(
            f"alpha has values from {alpha.min():.4g} to {alpha.max():.4g}; accepted are 0 to 1"
        )
    return np.ascontiguousarray(alpha, np.float32)


def check_kappa(kappa: float) -> None:
    """Raise ConfigError unless κ is a positive number of reasonable size."""
    if not (math.isfinite(kappa) and 1e-3 <= kappa <= 1e3):
        raise ConfigError(f"kappa is {kappa}; accepted are 0.001 to 1000")


def check_border(border: str) -> None:
    """Raise ConfigError unless the border is one of the two kinds."""
    if border not in get_args(Border):
        raise ConfigError(f"border '{border}'; accepted are {', '.join(get_args(Border))}")
