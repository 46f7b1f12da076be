"""Foreground colours for a cutout: the old background removed from half-transparent pixels."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import get_args

import numpy as np
import numpy.typing as npt

from lsamatting.choices import ForegroundMethod
from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.trimap import FOREGROUND
from lsamatting.windows import window_around

Array = npt.NDArray[np.float32]

# Context around the half-transparent pixels from which their colours are estimated.
_MARGIN = 64


def estimate_foreground(
    image: Array,
    alpha: Array,
    trimap_values: npt.NDArray[np.uint8] | None = None,
    *,
    method: ForegroundMethod = "ml",
) -> Array:
    """Estimate the foreground colours of an image from its matte.

    Parameters
    ----------
    image
        HxWx3 float in [0, 1], gamma-encoded.
    alpha
        HxW float in [0, 1].
    trimap_values
        HxW uint8 of 0, 128, 255; its foreground keeps the image's colour. Without it, the
        pixels of full opacity do.
    method
        ``ml``: multi-level (Germer et al., "Fast Multi-Level Foreground Estimation", 2020);
        ``closed-form``: Levin et al., "A Closed-Form Solution to Natural Image Matting", 2008;
        both by PyMatting. ``none``: the image itself.

    Returns
    -------
    numpy.ndarray
        HxWx3 float32, straight, in [0, 1] or the image's wider range. Further than a
        margin away from any half-transparent pixel it is the image.

    Raises
    ------
    ConfigError
        Unknown method.
    ImageError, TrimapError
        Matte or trimap are of another size than the image.
    """
    if method not in get_args(ForegroundMethod):
        raise ConfigError(
            f"foreground method '{method}'; accepted are {', '.join(get_args(ForegroundMethod))}"
        )
    for name, other, error in (
        ("alpha", alpha, ImageError),
        ("trimap", trimap_values, TrimapError),
    ):
        if other is not None and other.shape != image.shape[:2]:
            raise error(
                f"{name} is {other.shape[1]}x{other.shape[0]} pixels"
                f" but the image is {image.shape[1]}x{image.shape[0]}"
            )
    result = np.array(image, np.float32)
    mixed = (alpha > 0) & (alpha < 1)
    known = alpha >= 1 if trimap_values is None else trimap_values == FOREGROUND
    window = window_around(mixed, _MARGIN)
    # PyMatting divides by zero on a picture of one pixel, which has no neighbour to learn from.
    if method == "none" or window is None or alpha.size == 1:
        return result
    estimated = _solve(result[window], alpha[window], method)
    np.copyto(result[window], estimated, where=~known[window][..., None])
    return result


def _solve(image: Array, alpha: Array, method: ForegroundMethod) -> Array:
    # PyMatting knows [0, 1] only, but linear light may be brighter than white. The compositing
    # equation holds for rescaled colours just as well.
    low, high = min(0.0, float(image.min())), max(1.0, float(image.max()))
    scaled = (image - low) / (high - low)
    # PyMatting compiles and loads its kernels when imported, so only here.
    if method == "ml":
        from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml

        colours = estimate_foreground_ml(
            scaled.astype(np.float32), np.ascontiguousarray(alpha, np.float32)
        )
    else:
        from pymatting.foreground.estimate_foreground_cf import estimate_foreground_cf

        # It prints warnings about its own speed; standard output is the caller's.
        with redirect_stdout(StringIO()):
            colours = estimate_foreground_cf(scaled.astype(np.float64), alpha.astype(np.float64))
    return np.asarray(np.clip(colours, 0, 1) * (high - low) + low, np.float32)
