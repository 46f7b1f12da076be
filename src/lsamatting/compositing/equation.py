"""The compositing equation I = alpha F + (1 - alpha) B and its everyday uses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lsamatting.errors import ImageError

Array = npt.NDArray[np.float32]


def composite(foreground: Array, alpha: Array, background: Array) -> Array:
    """Lay a foreground over a background.

    Parameters
    ----------
    foreground
        HxWx3 float in [0, 1], straight (not pre-multiplied).
    alpha
        HxW float in [0, 1].
    background
        HxWx3, or one colour of shape (3,).

    Returns
    -------
    numpy.ndarray
        HxWx3 float32.

    Raises
    ------
    ImageError
        The sizes differ.
    """
    if foreground.shape[:2] != alpha.shape:
        raise ImageError(_mismatch("alpha", alpha, foreground))
    if background.ndim == 3 and background.shape[:2] != alpha.shape:
        raise ImageError(_mismatch("background", background, foreground))
    weight = alpha[..., None].astype(np.float32, copy=False)
    # B + alpha (F - B): one multiplication per channel, and exact where alpha is 0.
    result = np.subtract(foreground, background, dtype=np.float32)
    result *= weight
    result += background
    return result


def composite_light(
    foreground: Array, alpha: Array, background: Array, *, exponent: float
) -> Array:
    """Lay a foreground over a background as `composite` does, but mix their light.

    (α F^γ + (1 − α) B^γ)^(1/γ), where `exponent`, γ, leads from gamma-encoded numbers to light.
    """
    mixed = composite(foreground**exponent, alpha, background**exponent)
    return np.asarray(np.clip(mixed, 0, None) ** (1 / exponent), np.float32)


def straight_rgba(foreground: Array, alpha: Array) -> Array:
    """Join HxWx3 colours and HxW opacity into HxWx4 straight RGBA.

    Raises
    ------
    ImageError
        The sizes differ.
    """
    if foreground.shape[:2] != alpha.shape:
        raise ImageError(_mismatch("alpha", alpha, foreground))
    return np.dstack([foreground, alpha]).astype(np.float32, copy=False)


def _mismatch(name: str, array: Array, foreground: Array) -> str:
    return (
        f"{name} is {array.shape[1]}x{array.shape[0]} pixels"
        f" but the foreground is {foreground.shape[1]}x{foreground.shape[0]}"
    )
