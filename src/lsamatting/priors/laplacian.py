"""The matting Laplacian of closed-form matting, among the unknown pixels of a trimap.

Levin et al., "A closed-form solution to natural image matting", PAMI 2008: if foreground and
background each lie on a line in colour space within every 3×3 window, opacity is an affine
function of colour there. The squared deviation from the best such function, summed over all
windows, is the energy αᵀLα (equations 10 to 12). Only windows that hold an unknown pixel matter
once the known opacities are fixed, so the work is in proportion to the unknown region.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

EPSILON = 1e-7
"""Regularisation of the windows' colour covariances (ε in Levin et al.)."""

WINDOW = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
"""Offsets of a window's nine pixels."""

REACH = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3))
"""Offsets of the pixels that share a window with a pixel."""

COLOURS = 9
"""Pixels are sorted into 3×3 classes by their coordinates modulo 3: none of a class shares a
window with another of it, so a whole class can be relaxed at once."""

CHUNK = 16384
"""Windows that are worked on together: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class MattingLaplacian:
    """L restricted to the unknown pixels, and the pull of the known ones.

    The unknown pixels are numbered class by class. With D the `diagonal` and C the matrix `lower`
    (which couples each pixel to those of earlier classes), L is D + C + Cᵀ.
    """

    shape: tuple[int, int]
    """Height and width of the picture."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    """Where the n unknown pixels are."""

    bounds: tuple[int, ...]
    """Class c holds the unknown pixels `bounds[c]` to `bounds[c + 1]`."""

    lower: csr_matrix
    diagonal: NDArray[np.float64]
    """n×n and n: the parts of L."""

    pull: NDArray[np.float64]
    """n: −L α over the known pixels' α, the right-hand side of closed-form matting."""


def matting_laplacian(
    image: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    *,
    epsilon: float = EPSILON,
) -> MattingLaplacian:
    """Assemble L among the unknown pixels.

    Parameters
    ----------
    image:
        H×W×3 in [0, 1].
    foreground, unknown:
        H×W, True where opacity is known to be 1, and where it is not known.
    epsilon:
        Regularisation of the windows' colour covariances.
    """
    height, width = unknown.shape
    rows, columns = np.nonzero(unknown)
    classes = rows % 3 * 3 + columns % 3
    order = np.argsort(classes, kind="stable")
    rows, columns = rows[order], columns[order]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(classes, minlength=COLOURS))])
    count = len(rows)
    # A border of two makes every neighbour addressable; -1 stands for "not an unknown pixel".
    wide = width + 4
    at = (rows + 2) * wide + columns + 2
    number = np.full((height + 4) * wide, -1, np.int32)
    number[at] = np.arange(count, dtype=np.int32)
    stencil = _stencil(image, unknown, number, wide, count, epsilon)

    offsets = np.array([y * wide + x for y, x in REACH])
    opaque = np.zeros(len(number), bool)
    opaque.reshape(height + 4, wide)[2:-2, 2:-2] = foreground
    pull = np.zeros(count)
    for start in range(0, count, CHUNK):
        part = slice(start, start + CHUNK)
        pull[part] = -np.einsum("np,np->n", stencil[part], opaque[at[part, None] + offsets])
    data, indices, lengths = [], [], [np.zeros(1, np.int64)]
    for colour in range(COLOURS):
        # Every pixel of a class sees a given class at the same offsets.
        earlier = [
            position
            for position, (y, x) in enumerate(REACH)
            if (colour // 3 + y) % 3 * 3 + (colour + x) % 3 < colour
        ]
        part = slice(bounds[colour], bounds[colour + 1])
        neighbours = number[at[part, None] + offsets[earlier]]
        coupled = neighbours >= 0
        data.append(stencil[part][:, earlier][coupled])
        indices.append(neighbours[coupled])
        lengths.append(np.count_nonzero(coupled, axis=1))
    lower = csr_matrix(
        (
            np.concatenate(data),
            np.concatenate(indices),
            np.cumsum(np.concatenate(lengths)).astype(np.int32),
        ),
        shape=(count, count),
    )
    return MattingLaplacian(
        shape=(height, width),
        rows=rows,
        columns=columns,
        bounds=tuple(bounds.tolist()),
        lower=lower,
        diagonal=stencil[:, len(REACH) // 2].copy(),
        pull=pull,
    )


def _stencil(
    image: NDArray[np.float32],
    unknown: NDArray[np.bool_],
    number: NDArray[np.int32],
    wide: int,
    count: int,
    epsilon: float,
) -> NDArray[np.float64]:
    """Give each unknown pixel its row of L, n×25 in the order of `REACH`."""
    height, width = unknown.shape
    stencil = np.zeros((count, len(REACH)))
    touching = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # A window lies in the picture as a whole.
    y, x = np.nonzero(touching[1:-1, 1:-1]) if min(height, width) > 2 else np.zeros((2, 0), int)
    inside = np.array([(dy + 1) * width + dx + 1 for dy, dx in WINDOW])
    around = np.array([(dy + 3) * wide + dx + 3 for dy, dx in WINDOW])
    reached = [
        [REACH.index((there[0] - here[0], there[1] - here[1])) for there in WINDOW]
        for here in WINDOW
    ]
    pixels = image.reshape(-1, 3)
    for start in range(0, len(y), CHUNK):
        rows, columns = y[start : start + CHUNK], x[start : start + CHUNK]
        centred = pixels[(rows * width + columns)[:, None] + inside].astype(np.float64)
        centred -= centred.mean(axis=1, keepdims=True)
        covariance = np.matmul(centred.transpose(0, 2, 1), centred) / 9
        covariance[:, range(3), range(3)] += epsilon / 9
        weighted = np.matmul(centred, np.linalg.inv(covariance))
        affinity = np.matmul(weighted, centred.transpose(0, 2, 1))
        affinity += 1
        affinity /= -9
        affinity[:, range(9), range(9)] += 1
        pixel = number[(rows * wide + columns)[:, None] + around]
        for member in range(9):
            row = pixel[:, member]
            # A pixel is this member of one window at most, so no row comes twice.
            held = np.flatnonzero(row >= 0)
            row = row[held]
            stencil[row[:, None], reached[member]] += affinity[held, member]
    return stencil
