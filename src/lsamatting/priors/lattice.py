"""Where the first lattice's nodes lie, and the squares of pixels between them.

Values are interpolated from nodes, and pixels are worked on square by square: `Cells` are the
squares that hold unknown pixels, `Lattice` the nodes in use, on the first lattice or a coarser one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lsamatting.priors.couplings import Places, Vector

SPACING = 8
"""Pixels between the nodes of the first lattice."""

SEATS = SPACING**2
"""Pixels of a square between nodes."""


def _hats() -> NDArray[np.float64]:
    # 1 at a node and the pixel beside it, 0 from a pixel before the next node on.
    near = np.clip((SPACING - 1 - np.arange(SPACING)) / (SPACING - 2), 0, 1)
    both = np.stack((near, 1 - near))
    return np.ascontiguousarray(np.einsum("ay,bx->yxab", both, both).reshape(SEATS, 4))


HATS = _hats()
"""Seats × corners: what a node's hat is at each pixel of a square."""


@dataclass(frozen=True)
class Cells:
    """The squares between the first lattice's nodes that hold unknown pixels, row by row."""

    rows: Places
    columns: Places
    """Of the cells, in cells."""

    seats: NDArray[np.int32]
    """Where each pixel sits: `SEATS` times the number of its cell, and its seat in it."""

    @classmethod
    def of(cls, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> Cells:
        """Put the pixels at these rows and columns into their squares."""
        across = int(columns.max(initial=0)) // SPACING + 1
        place = rows // SPACING * np.int32(across) + columns // SPACING
        held = np.zeros(int(place.max(initial=-1)) + 1, bool)
        held[place] = True
        used = np.flatnonzero(held)
        seats = (np.cumsum(held, dtype=np.int32) - 1).take(place)
        seats *= SEATS
        seats += rows % SPACING * SPACING
        seats += columns % SPACING
        return cls(rows=used // across, columns=used % across, seats=seats)

    def __len__(self) -> int:
        """Give the number of cells."""
        return len(self.rows)

    def corners(self, lattice: Lattice) -> NDArray[np.int32]:
        """Give each cell's four nodes, -1 where there is none."""
        return np.stack(
            [lattice.at(self.rows + dy, self.columns + dx) for dy in (0, 1) for dx in (0, 1)],
            axis=1,
        ).astype(np.int32)

    def used_corners(self) -> NDArray[np.bool_]:
        """Tell which of each cell's four corners some pixel of it has a share in."""
        taken = np.zeros(len(self) * SEATS, np.float32)
        taken[self.seats] = 1
        return np.asarray(taken.reshape(-1, SEATS) @ (HATS > 0).astype(np.float32) > 0)


@dataclass(frozen=True)
class Lattice:
    """Nodes that hold some of what is interpolated, sorted by the parity of their coordinates."""

    rows: Places
    columns: Places
    bounds: tuple[int, ...]
    """Of the classes by parity: nodes that are no neighbours."""

    numbers: NDArray[np.int32]
    """Which node is where, -1 where there is none, with a border of one."""

    @classmethod
    def over(
        cls, vertical: tuple[Places, Vector], horizontal: tuple[Places, Vector]
    ) -> tuple[Lattice, csr_matrix]:
        """Lay a lattice over points: per axis, the node before a point, and its weight there.

        Returns
        -------
        lattice, interpolation:
            The nodes in use, and points × nodes.
        """
        (y, near_y), (x, near_x) = vertical, horizontal
        width = int(x.max(initial=0)) + 4
        corners = np.stack(
            [(y + dy + 1) * width + x + dx + 1 for dy in (0, 1) for dx in (0, 1)], axis=1
        )
        weights = np.stack(
            [wy * wx for wy in (near_y, 1 - near_y) for wx in (near_x, 1 - near_x)], axis=1
        )
        held = weights > 0
        used = np.zeros((int(y.max(initial=0)) + 4, width), bool)
        used.ravel()[corners[held]] = True
        lattice = cls._of(used)
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(held, axis=1))])
        interpolation = csr_matrix(
            (weights[held], lattice.numbers.ravel()[corners[held]], starts.astype(np.int32)),
            shape=(len(corners), len(lattice.rows)),
        )
        return lattice, interpolation

    @classmethod
    def around(cls, cells: Cells) -> Lattice:
        """Lay the first lattice, of those corners of cells that some pixel has a share in."""
        used = np.zeros(
            (int(cells.rows.max(initial=0)) + 4, int(cells.columns.max(initial=0)) + 4), bool
        )
        for corner, held in enumerate(cells.used_corners().T):
            used[cells.rows[held] + corner // 2 + 1, cells.columns[held] + corner % 2 + 1] = True
        return cls._of(used)

    @classmethod
    def _of(cls, used: NDArray[np.bool_]) -> Lattice:
        """Make nodes of what is marked on a map with a border of one."""
        rows, columns = np.nonzero(used)
        classes = rows % 2 * 2 + columns % 2
        order = np.argsort(classes, kind="stable")
        rows, columns = rows[order], columns[order]
        numbers = np.full(used.shape, -1, np.int32)
        numbers[rows, columns] = np.arange(len(rows), dtype=np.int32)
        bounds = (0, *np.cumsum(np.bincount(classes, minlength=4)).tolist())
        return cls(rows - 1, columns - 1, bounds, numbers)

    def at(self, rows: Places, columns: Places) -> Places:
        """Give the nodes at these places, -1 where there is none."""
        return self.numbers[rows + 1, columns + 1].astype(np.intp)

    @cached_property
    def neighbours(self) -> Places:
        """Each node's neighbours by rows, itself the fifth of nine; -1 where there is none."""
        steps = (-1, 0, 1)
        return np.stack(
            [self.at(self.rows + dy, self.columns + dx) for dy in steps for dx in steps], axis=1
        )

    def halved(self) -> tuple[Lattice, csr_matrix]:
        """Lay the next lattice over this one's nodes: every other of them."""
        return Lattice.over(
            (self.rows // 2, 1 - self.rows % 2 / 2), (self.columns // 2, 1 - self.columns % 2 / 2)
        )
