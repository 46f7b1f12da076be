"""Whether a foreground is re-estimated at once or some rows at a time, by the memory there is."""

from __future__ import annotations

import sys

from lsamatting.budget import default_memory, describe
from lsamatting.choices import ReestimationMethod
from lsamatting.errors import ImageError
from lsamatting.memory import resident_size, stop_keeping

# Bytes of each pixel beyond the two pictures as read, at once and some rows at a time: measured by
# `benchmarks/foreground.py --memory`, and rounded up.
_WHOLE: dict[ReestimationMethod, int] = {
    "exact": 60,
    "multilevel": 84,
    "jacobi": 84,
    "closed-form": 1000,
}
_IN_PARTS: dict[ReestimationMethod, int] = {"exact": 26, "multilevel": 24, "jacobi": 30}

_COMPILER = 200 * 2**20
"""Of numba and what it has compiled, once it is there."""

_ROW = 60
"""Of each pixel of the rows that are computed together."""

_TOGETHER = 2**20
"""Pixels that are computed together: with many more nothing is gained."""


def choose_rows(
    width: int,
    height: int,
    *,
    method: ReestimationMethod,
    sweeps: int = 0,
    memory: int | None,
    name: str,
) -> int | None:
    """Choose how many rows of a picture are computed together.

    Parameters
    ----------
    width, height:
        Of the picture, which has been read.
    method:
        ``closed-form`` computes at once.
    sweeps:
        How many rows more have to be seen on either side.
    memory:
        Bytes that this process may take in all; None for half of what is free.
    name:
        Of the picture, in messages.

    Returns
    -------
    int or None
        None for all of them.

    Raises
    ------
    ImageError
        It does not fit in any way.
    """
    budget = default_memory() if memory is None else memory
    pixels = width * height
    compiler = 0 if "numba" in sys.modules else _COMPILER
    whole = pixels * _WHOLE[method] + compiler
    if whole <= budget - (resident_size() or 0):
        return None
    # What reading the picture left behind, and nobody uses, does not count.
    stop_keeping()
    taken = resident_size() or 0
    if whole <= budget - taken:
        return None
    # As many rows as have to be seen beside them cost as much again.
    rows = min(max(_TOGETHER // width, 2 * sweeps, 2), height)
    seen = min(rows + 2 * sweeps, height)
    least = whole
    if method in _IN_PARTS:
        least = pixels * _IN_PARTS[method] + seen * width * _ROW + compiler
    if least > budget - taken:
        needed = describe(taken + least)
        raise ImageError(
            f"{name}: {width}x{height} pixels: {method} needs about {needed} of memory, and "
            f"{describe(budget)} may be used by each process; allow more (--memory), or fewer "
            "processes (--workers)"
        )
    return rows
