"""Corrections that a user paints: opacity that is known after all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError, TrimapError


class Stroke(NamedTuple):
    """Some pixels and how opaque they are."""

    mask: NDArray[np.bool_]
    """H×W of the picture's size, True where it was painted."""

    value: float
    """Opacity in [0, 1]."""


def check_stroke(mask: NDArray[Any], value: float, shape: tuple[int, int]) -> Stroke:
    """Make a stroke of what a user gave, for a picture of this height and width.

    Raises
    ------
    TrimapError
        The mask is of another size or empty.
    ConfigError
        The value is out of range.
    """
    mask = np.asarray(mask)
    height, width = shape
    if mask.shape != (height, width):
        found = (
            f"{'×'.join(str(side) for side in mask.shape[::-1])} pixels"
            if mask.shape
            else "a single number"
        )
        raise TrimapError(f"the stroke is {found} but the picture is {width}×{height}")
    mask = mask.astype(bool)
    if not mask.any():
        raise TrimapError("the stroke has no pixel")
    if not 0 <= value <= 1:
        raise ConfigError(f"a stroke's opacity is from 0 to 1, found {value:g}")
    return Stroke(mask, float(value))


def with_strokes(trimap: NDArray[np.uint8], strokes: Sequence[Stroke]) -> NDArray[np.uint8]:
    """Correct a trimap, H×W with 0, 128 and 255, by what strokes say.

    Strokes of 0 and 1 make pixels known, others make them unknown. Of strokes that overlap the
    latest holds.
    """
    if not strokes:
        return trimap
    marks = trimap.copy()
    for mask, value in strokes:
        marks[mask] = 255 * int(value) if value in (0, 1) else 128
    return marks


def paint_strokes(alpha: NDArray[np.float32], strokes: Sequence[Stroke]) -> None:
    """Set H×W opacity, in place, to what the strokes say, in their order."""
    for mask, value in strokes:
        alpha[mask] = value


def soft_strokes(strokes: Sequence[Stroke], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mark what strokes of neither 0 nor 1 touch in a picture of this height and width."""
    soft = np.zeros(shape, np.bool_)
    for mask, value in strokes:
        if value not in (0, 1):
            soft |= mask
    return soft
