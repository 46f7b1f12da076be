"""Opacity as a mixture of known colours: what the trimap's colours say about each unknown pixel.

The known-to-unknown information flow of Aksoy, Aydın and Pollefeys, "Designing effective
inter-pixel information flow for natural image matting", CVPR 2017 (section 3.1). An unknown
pixel's colour is written as a mixture of the known foreground and background colours that are
nearest to it in colour and position; the foreground's share is its opacity. The farther apart the
two mixed colours lie, the more that share can be trusted. Other than in the paper it is trusted
less the farther the pixel's colour is from all that is known.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lsamatting.samples import Samples, as_float

NEIGHBOURS = 5
"""Known pixels of each side that are mixed."""

REACH = 40
"""Known pixels farther than this from every unknown one are left out, in pixels."""

POSITION_SCALE = 800.0
"""Pixels that count as much as the whole range of a colour channel."""

POSITION_CELL = 32
KNOWN_CELL = 4 / 255
UNKNOWN_CELL = 8 / 255
"""Pixels of like colour and place share a cell: of this many pixels a side, and of these sizes in
each colour channel. Known pixels of a cell count as one, of their mean colour: five of a kind
would tell less than five that differ. Unknown pixels of a cell share their neighbours; the mixture
is each pixel's own."""

SLACK = 0.5
"""A neighbour may be farther by this share than the nearest that it stands for: the search takes
half the time, and the mixtures are no worse."""

RIDGE = 1e-3
"""Regularisation of the mixture's weights, as a share of the mean squared colour difference."""

FAMILIAR = 0.03
"""A mixture is trusted where the pixel's own colour lies about this near to a known one. What is
farther from all of them than that may be part of the subject that has colours of its own."""

SMALLEST_SHARE = 1e-2
"""A side with a smaller share than this has no mixed colour; it is divided by this."""

CHUNK = 4096
"""Pixels that are mixed together: few enough to stay in the processor's cache."""


class Mixture(NamedTuple):
    """What the known colours say."""

    alpha: NDArray[np.float32]
    """H×W in [0, 1]: the foreground's share (a); 1 and 0 on the known pixels."""

    confidence: NDArray[np.float32]
    """H×W in [0, 1]: η = |c_F − c_B|²/3 · exp(−(d/0.03)²) of the two mixed colours and of the
    distance d to the nearest known colour; 1 on the known pixels."""


def colour_mixture(
    image: Samples,
    foreground: NDArray[np.bool_],
    background: NDArray[np.bool_],
    *,
    neighbours: int = NEIGHBOURS,
    reach: float = REACH,
) -> Mixture:
    """Write each unknown pixel as a mixture of known colours.

    Parameters
    ----------
    image:
        H×W×3, in [0, 1] or integers as in files.
    foreground, background:
        H×W, True where known.
    neighbours:
        Known colours of each side that are mixed.
    reach:
        How far from the unknown region they may lie, in pixels.

    Returns
    -------
    Mixture
        ½ with confidence 0 where a side has no pixel in reach.
    """
    unknown = ~(foreground | background)
    alpha = foreground.astype(np.float32)
    confidence = np.ones(unknown.shape, np.float32)
    rows, columns = np.nonzero(unknown)
    if len(rows) == 0:
        return Mixture(alpha, confidence)
    alpha[unknown], confidence[unknown] = 0.5, 0
    near = cv2.distanceTransform((~unknown).view(np.uint8), cv2.DIST_L2, 3) < reach
    cell, means = _cells(image, rows, columns, UNKNOWN_CELL)
    found = []
    for known in (foreground, background):
        known_rows, known_columns = np.nonzero(known & near)
        if len(known_rows) == 0:
            return Mixture(alpha, confidence)
        _, samples = _cells(image, known_rows, known_columns, KNOWN_CELL)
        tree = cKDTree(samples, balanced_tree=False)
        count = min(neighbours, len(samples))
        _, index = tree.query(means, k=np.arange(1, count + 1), eps=SLACK)
        found.append(np.ascontiguousarray(samples[index, :3].T, np.float32))
    colours = np.ascontiguousarray(as_float(image[rows, columns]).T)
    shares, trust = np.empty((2, len(rows)), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        front, back = (side.take(cell[part], axis=2) for side in found)
        shares[part], trust[part] = mixed(colours[:, part], front, back)
    alpha[unknown], confidence[unknown] = shares, trust
    return Mixture(alpha, confidence)


def _cells(
    image: Samples,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    size: float,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give each pixel's cell, and each cell's mean colour and place: m×5."""
    colours = as_float(image[rows, columns])
    steps = int(1 / size) + 2
    red, green, blue = (colours * np.float32(1 / size)).astype(np.int64).T
    across = int(columns.max()) // POSITION_CELL + 1
    key = rows // POSITION_CELL * across + columns // POSITION_CELL
    key = ((key * steps + red) * steps + green) * steps + blue
    _, cell = np.unique(key, return_inverse=True)
    held = np.bincount(cell)
    features = (*colours.T, rows / POSITION_SCALE, columns / POSITION_SCALE)
    return cell, np.stack([np.bincount(cell, feature) / held for feature in features], axis=1)


def mixed(
    colours: NDArray[np.float32],
    foreground: NDArray[np.float32],
    background: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the share of the foreground in each colour, and the confidence in it.

    The weights w, Σw = 1, minimise |Σ w_i c_i − c|² + r|w|² over both sides' colours c_i (locally
    linear embedding: Saul and Roweis, JMLR 2003). With the differences d_i = c_i − c as the rows
    of D they are proportional to (DDᵀ + rI)⁻¹1, and by Woodbury's identity to
    1 − D (DᵀD + rI)⁻¹ Dᵀ1, which needs nothing larger than 3×3.

    Parameters
    ----------
    colours:
        3×n in [0, 1].
    foreground, background:
        3×k×n in [0, 1].

    Returns
    -------
    share, confidence:
        n each, in [0, 1].
    """
    count = foreground.shape[1]
    known = np.concatenate((foreground, background), axis=1)
    # What is made of these sums cancels: double precision, until the weights are there.
    d = np.subtract(known, colours[:, None], dtype=np.float64)
    s00, s11, s22, s01, s02, s12 = (
        np.einsum("kn,kn->n", d[i], d[j])
        for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    )
    nearest = np.einsum("ckn,ckn->kn", d, d).min(axis=0)
    ridge = np.maximum(s00 + s11 + s22, 1e-6) * (RIDGE / d.shape[1])
    s00 += ridge
    s11 += ridge
    s22 += ridge
    t0, t1, t2 = d.sum(axis=1)
    # The adjugate of the symmetric 3×3 matrix times Dᵀ1, over its determinant.
    c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
    determinant = s00 * c00 + s01 * c01 + s02 * c02
    y0 = (c00 * t0 + c01 * t1 + c02 * t2) / determinant
    y1 = (c01 * t0 + c11 * t1 + c12 * t2) / determinant
    y2 = (c02 * t0 + c12 * t1 + c22 * t2) / determinant
    d *= np.stack((y0, y1, y2))[:, None]
    weights = 1 - d.sum(axis=0)
    weights /= weights.sum(axis=0)
    weights = weights.astype(np.float32)
    share = weights[:count].sum(axis=0)
    rest = 1 - share
    share_divisor = np.where(np.abs(share) > SMALLEST_SHARE, share, np.float32(SMALLEST_SHARE))
    rest_divisor = np.where(np.abs(rest) > SMALLEST_SHARE, rest, np.float32(SMALLEST_SHARE))
    known *= weights
    front = known[:, :count].sum(axis=1) / share_divisor
    back = known[:, count:].sum(axis=1) / rest_divisor
    apart = np.square(front - back).sum(axis=0)
    trust = np.minimum(apart / 3, 1) * np.exp(-nearest / FAMILIAR**2)
    return np.clip(share, 0, 1), trust.astype(np.float32)
