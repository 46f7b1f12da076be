"""Colour as small pure functions: the sRGB curve, opacity pre-multiplication, colours as text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from lsamatting.errors import ConfigError

Floats = npt.NDArray[np.floating[Any]]


def srgb_to_linear(values: Floats) -> Floats:
    """Decode sRGB (IEC 61966-2-1) values into linear light.

    Parameters
    ----------
    values
        Float array of any shape; 0 is black and 1 is white. Values above 1 continue the curve,
        negative values mirror it, so that the function is odd and invertible everywhere.

    Returns
    -------
    numpy.ndarray
        Linear light, same shape and dtype.
    """
    size = np.abs(values)
    curve = ((size + size.dtype.type(0.055)) / size.dtype.type(1.055)) ** size.dtype.type(2.4)
    light: Floats = np.copysign(
        np.where(size <= 0.04045, size / size.dtype.type(12.92), curve), values
    )
    return light


def linear_to_srgb(values: Floats) -> Floats:
    """Encode linear light with the sRGB curve (IEC 61966-2-1); inverse of `srgb_to_linear`.

    Parameters
    ----------
    values
        Float array of any shape; values above 1 continue the curve, negative ones mirror it.

    Returns
    -------
    numpy.ndarray
        Gamma-encoded values, same shape and dtype.
    """
    size = np.abs(values)
    # The threshold is the image of 0.04045, so that the two functions switch at the same colour.
    curve = size.dtype.type(1.055) * size ** size.dtype.type(1 / 2.4) - size.dtype.type(0.055)
    encoded: Floats = np.copysign(
        np.where(size <= 0.04045 / 12.92, size * size.dtype.type(12.92), curve), values
    )
    return encoded


def premultiply(colour: Floats, alpha: Floats) -> Floats:
    """Multiply an HxWx3 colour with its HxW opacity."""
    return colour * alpha[..., None]


def unpremultiply(colour: Floats, alpha: Floats) -> Floats:
    """Divide an HxWx3 colour by its HxW opacity; black where the opacity is zero."""
    safe = np.where(alpha > 0, alpha, 1)[..., None]
    return np.where(alpha[..., None] > 0, colour / safe, 0).astype(colour.dtype)


def parse_colour(text: str) -> npt.NDArray[np.float32]:
    """Read a colour: ``#rgb``, ``#rrggbb``, ``r,g,b`` with numbers 0 to 255, or a CSS name.

    Returns
    -------
    numpy.ndarray
        Shape (3,), float32 in [0, 1], gamma-encoded sRGB.

    Raises
    ------
    ConfigError
        The text is none of these.
    """
    from PIL import ImageColor

    plain = text.strip()
    if re.fullmatch(r"\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}", plain):
        numbers = [int(part) for part in plain.split(",")]
        if max(numbers) <= 255:
            return np.asarray(numbers, np.float32) / np.float32(255)
    elif re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}|[a-zA-Z]+", plain):
        try:
            return np.asarray(ImageColor.getrgb(plain)[:3], np.float32) / np.float32(255)
        except ValueError:
            pass
    raise ConfigError(
        f"'{text}' is not a colour: write #rgb, #rrggbb, r,g,b with numbers from 0 to 255,"
        " or a CSS name such as white"
    )
