"""The eight symmetries of the square: pictures turned by quarters and flipped, and turned back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

SymmetryCount = Literal[1, 2, 4, 8]
"""How many symmetries: 1 is the picture as it is, 2 adds its mirror image, 4 are the quarter turns,
8 are all."""


@dataclass(frozen=True)
class Symmetry:
    """One symmetry: the picture is mirrored left to right or not, then turned."""

    turns: int
    """Quarter turns against the clock."""

    mirrored: bool

    def apply(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """Turn H×W or H×W×C; the result is a view."""
        return np.rot90(array[:, ::-1] if self.mirrored else array, self.turns)

    def undo(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """Give back what was turned by `apply`; the result is a view."""
        turned = np.rot90(array, -self.turns)
        return turned[:, ::-1] if self.mirrored else turned

    def source(self, part: tuple[slice, slice], shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Tell which part of the picture becomes a part of the turned one.

        Parameters
        ----------
        part:
            Rows and columns of the turned picture, not empty.
        shape:
            Height and width of the turned picture.
        """
        height, width = shape[::-1] if self.turns % 2 else shape
        numbers = (np.arange(height)[:, None], np.arange(width)[None])
        rows, columns = (
            self.apply(np.broadcast_to(axis, (height, width)))[part] for axis in numbers
        )
        (top, bottom), (left, right) = (
            sorted((int(axis[0, 0]), int(axis[-1, -1]))) for axis in (rows, columns)
        )
        return slice(top, bottom + 1), slice(left, right + 1)


IDENTITY = Symmetry(turns=0, mirrored=False)
"""The picture as it is."""


def square_symmetries(count: SymmetryCount = 8) -> tuple[Symmetry, ...]:
    """Give a subgroup of the square's symmetries, the identity first; see `SymmetryCount`."""
    turns = range(4) if count >= 4 else range(1)
    mirrors = (False, True) if count in (2, 8) else (False,)
    return tuple(Symmetry(turn, mirrored) for mirrored in mirrors for turn in turns)
