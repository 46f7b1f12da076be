"""The matting energy of opacities that are locally affine in colour: the first coarse matrix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lsamatting.priors.couplings import AHEAD, Couplings, Vector
from lsamatting.priors.lattice import HATS, SEATS, SPACING, Cells, Lattice
from lsamatting.priors.products import add_product, add_transposed_product, summing

COEFFICIENTS = 4
"""Of an affine function of three channels."""

BAND = 128
"""Cells, at least, whose pixels are multiplied by L together: whole rows of them."""

CELLS = 32
"""Cells whose pixels' products are summed together."""

_MET = tuple((y, x) for y in (0, 1) for x in (-1, 0, 1))
"""Nodes that a cell's pixels meet in the half of L that looks ahead, from the cell's first corner:
hats end so soon that what lies two pixels to the left may reach one node more."""

_PERIOD = 2, 3
"""No two nodes that pixels of a cell meet have equal coordinates modulo these."""

_GROUPS = _PERIOD[0] * _PERIOD[1]


def _hats_of_groups() -> NDArray[np.float64]:
    down, across = _PERIOD
    hats = np.zeros((down, SPACING, across, SPACING, down, across, COEFFICIENTS))
    seats = HATS.reshape(SPACING, SPACING, 4)
    for y in range(down):
        for x in range(across):
            for corner in range(4):
                group = (y + corner // 2) % down, (x + corner % 2) % across
                hats[(y, slice(None), x, slice(None), *group)] = seats[..., corner, None]
    return hats.reshape(-1, _GROUPS * COEFFICIENTS)


_HATS_OF_GROUPS = _hats_of_groups()
"""Pixels of 2×3 cells × (groups × coefficients): what the hats of each group are there."""

_TILED = np.tile(np.eye(COEFFICIENTS), _GROUPS)
"""Repeats coefficients for each group."""


def coarse_energy(
    couplings: Couplings,
    cells: Cells,
    lattice: Lattice,
    corners: NDArray[np.int32],
    colours: Vector,
) -> Vector:
    """Compute PᵀLP, where P is `LocalAffine.evaluate`.

    Hats are flat around a node and end so soon that, with a window's reach added, a node meets its
    eight neighbours only. In a row of the half of L that looks ahead, nodes whose coordinates are
    equal modulo 2 and 3 never meet, so groups of nodes share a column each, and all is dense. It is
    done some rows of cells at a time, and in double precision: where colours hardly vary, what
    their coefficients add to the fourth is little.

    Parameters
    ----------
    couplings, cells:
        L, and where its pixels sit, both row by row.
    lattice, corners:
        The nodes, and which of them are each cell's corners, -1 where there is none.
    colours:
        3 × cells × seats.

    Returns
    -------
    ndarray
        Nodes × 9 neighbours by rows × 4×4 coefficients.
    """
    half = np.zeros((len(lattice.rows), 9, COEFFICIENTS, COEFFICIENTS))
    for band, pixels in _bands(couplings, cells):
        product = _half_product(couplings, cells, colours, pixels)
        seats = cells.seats[pixels] - np.int32(band.start * SEATS)
        sums = np.empty((band.stop - band.start, 4 * COEFFICIENTS, product.shape[1]))
        shared = np.zeros((len(sums) * SEATS, product.shape[1]))
        shared[seats] = product
        of_cells = shared.reshape(len(sums), SEATS, -1)
        for first in range(0, len(sums), CELLS):
            part = slice(first, first + CELLS)
            own = colours[:, band.start + first : min(band.start + first + CELLS, band.stop)]
            np.matmul(_seated(own), of_cells[part], out=sums[part])
        # From groups to the nodes that are met.
        met = np.stack(
            [
                (cells.rows[band] + y) % _PERIOD[0] * _PERIOD[1]
                + (cells.columns[band] + x) % _PERIOD[1]
                for y, x in _MET
            ],
            axis=1,
        )
        of_met = sums.reshape(len(sums), -1, _GROUPS, COEFFICIENTS)[
            np.arange(len(sums))[:, None], :, met
        ]
        blocks = np.full((len(sums), len(_MET), 4), -1, np.int64)
        for place, (y, x) in enumerate(_MET):
            for corner, nodes in enumerate(corners[band].T):
                down, across = y - corner // 2, x - corner % 2
                if across >= -1:
                    held = nodes >= 0
                    blocks[held, place, corner] = 9 * nodes[held] + 4 + 3 * down + across
        add_transposed_product(
            summing(blocks.ravel(), 9 * len(half), np.float64),
            of_met.reshape(-1, COEFFICIENTS**2),
            half.reshape(-1, COEFFICIENTS**2),
        )
    # That is half of L; its transpose is the rest.
    for side in range(5):
        held = np.flatnonzero(lattice.neighbours[:, side] >= 0)
        there = lattice.neighbours[held, side]
        both = half[held, side] + half[there, 8 - side].transpose(0, 2, 1)
        half[held, side] = both
        half[there, 8 - side] = both.transpose(0, 2, 1)
    return half


def _bands(couplings: Couplings, cells: Cells) -> Iterator[tuple[slice, slice]]:
    """Divide the rows of cells; give each band's cells, and its pixels."""
    firsts = [0]
    for start in (np.flatnonzero(np.diff(cells.rows)) + 1).tolist():
        if start - firsts[-1] >= BAND:
            firsts.append(start)
    for start, stop in pairwise([*firsts, len(cells)]):
        edges = cells.rows[start] * SPACING, (cells.rows[stop - 1] + 1) * SPACING
        pixels = np.searchsorted(couplings.rows, edges)
        yield slice(start, stop), slice(int(pixels[0]), int(pixels[1]))


def _half_product(couplings: Couplings, cells: Cells, colours: Vector, pixels: slice) -> Vector:
    """Multiply P by half of L, what lies ahead and half the diagonal, for some rows of pixels.

    Returns
    -------
    ndarray
        Pixels × (groups of nodes × coefficients).
    """
    count = pixels.stop - pixels.start
    end = int(np.searchsorted(couplings.rows, couplings.rows[pixels.stop - 1] + 3))
    reached = slice(pixels.start, end)
    columns = _columns(couplings, cells, colours, reached)
    at = couplings.places(pixels)
    entries = np.empty((count, len(AHEAD) + 1))
    others = np.empty(entries.shape, np.int32)
    for place, offset in enumerate(AHEAD):
        entries[:, place] = couplings.ahead[place, pixels]
        others[:, place] = couplings.numbers.take(at + couplings.step(offset))
    others -= pixels.start
    # The last row of the columns is 0, for what is no unknown pixel.
    np.minimum(others, len(columns) - 1, out=others)
    np.divide(couplings.diagonal[pixels], 2, out=entries[:, -1])
    others[:, -1] = np.arange(count)
    half = csr_matrix(
        (
            entries.ravel(),
            others.ravel(),
            np.arange(0, entries.size + 1, entries.shape[1], dtype=np.int32),
        ),
        shape=(count, len(columns)),
    )
    product = np.zeros((count, columns.shape[1]))
    add_product(half, columns, product)
    return product


def _columns(couplings: Couplings, cells: Cells, colours: Vector, pixels: slice) -> Vector:
    """Give P's entries of some pixels, and a row of zeros: (m + 1) × (groups × coefficients)."""
    down, across = _PERIOD[0] * SPACING, _PERIOD[1] * SPACING
    where = couplings.rows[pixels] % down * across + couplings.columns[pixels] % across
    seats = cells.seats[pixels]
    basis = np.ones((len(seats), COEFFICIENTS))
    for channel, of_seats in enumerate(colours):
        basis[:, channel] = of_seats.ravel().take(seats)
    columns = np.empty((len(seats) + 1, _TILED.shape[1]))
    columns[-1] = 0
    np.matmul(basis, _TILED, out=columns[:-1])
    columns[:-1] *= _HATS_OF_GROUPS.take(where, axis=0)
    return columns


def _seated(colours: Vector) -> Vector:
    """Give P's entries of some cells: cells × (four corners × coefficients) × seats."""
    seated = np.empty((colours.shape[1], 4, COEFFICIENTS, SEATS))
    for channel, of_seats in enumerate(colours):
        np.multiply(of_seats[:, None], HATS.T, out=seated[:, :, channel])
    seated[:, :, 3] = HATS.T
    return seated.reshape(len(seated), -1, SEATS)
