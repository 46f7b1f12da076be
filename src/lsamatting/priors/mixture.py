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

SLACK = 0.75
"""A neighbour may be farther by this share than the nearest that it stands for: the search takes
less than half the time, and the mixtures are no worse."""

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
    place = np.flatnonzero(unknown)
    if len(place) == 0:
        return Mixture(alpha, confidence)
    alpha[unknown], confidence[unknown] = 0.5, 0
    near = cv2.distanceTransform((~unknown).view(np.uint8), cv2.DIST_L2, 3) < reach
    pixels = image.reshape(-1, 3)
    colours = _colours(pixels, place)
    cell, means = _cells(colours, place, unknown.shape[1], UNKNOWN_CELL)
    found = []
    for known in (foreground, background):
        known_place = np.flatnonzero(known & near)
        if len(known_place) == 0:
            return Mixture(alpha, confidence)
        known_colours = _colours(pixels, known_place)
        _, samples = _cells(known_colours, known_place, unknown.shape[1], KNOWN_CELL)
        tree = cKDTree(samples, balanced_tree=False)
        count = min(neighbours, len(samples))
        _, index = tree.query(means, k=np.arange(1, count + 1), eps=SLACK)
        found.append(samples[:, :3].T.astype(np.float32).take(index.T, axis=1))
    alpha[unknown], confidence[unknown] = mixed(colours, cell, *found)
    return Mixture(alpha, confidence)


def _colours(pixels: Samples, place: NDArray[np.intp]) -> NDArray[np.float32]:
    """Give the colours of some pixels by channel, 3×n."""
    return np.ascontiguousarray(as_float(pixels.take(place, axis=0)).T)


def _cells(
    colours: NDArray[np.float32],
    place: NDArray[np.intp],
    width: int,
    size: float,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give each pixel's cell, and each cell's mean colour and place: m×5."""
    rows, columns = np.divmod(place.astype(np.int32), np.int32(width))
    steps = int(1 / size) + 2
    across = -(-width // POSITION_CELL)
    key = (rows // POSITION_CELL * across + columns // POSITION_CELL).astype(np.int64)
    for channel in colours:
        key *= steps
        key += (channel * np.float32(1 / size)).astype(np.int32)
    _, cell = np.unique(key, return_inverse=True)
    held = np.bincount(cell)
    features = (*colours, rows, columns)
    means = np.stack([np.bincount(cell, feature) / held for feature in features], axis=1)
    means[:, 3:] /= POSITION_SCALE
    return cell, means


def mixed(
    colours: NDArray[np.float32],
    cell: NDArray[np.intp],
    foreground: NDArray[np.float32],
    background: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the share of the foreground in each colour, and the confidence in it.

    The weights w, Σw = 1, minimise |Σ w_i c_i − c|² + r|w|² over both sides' colours c_i (locally
    linear embedding: Saul and Roweis, JMLR 2003). With the differences d_i = c_i − c as the rows
    of D they are proportional to (DDᵀ + rI)⁻¹1, and by Woodbury's identity to
    1 − D (DᵀD + rI)⁻¹ Dᵀ1, which needs nothing larger than 3×3.

    Neither does it need the colours one by one: DᵀD, and all that is asked of the weights, follow
    from the sums of c_i and of c_i c_iᵀ over either side, which are the same for a whole cell.

    Parameters
    ----------
    colours:
        3×n in [0, 1].
    cell:
        n: which of the m cells' neighbours each is mixed of.
    foreground, background:
        3×k×m and 3×l×m in [0, 1].

    Returns
    -------
    share, confidence:
        n each, in [0, 1].
    """
    known = np.concatenate((foreground, background), axis=1)
    # What is made of the sums cancels: double precision, and colours less their mean.
    middle = known.mean(axis=1, dtype=np.float64)
    apart = known - middle[:, None]
    front = apart[:, : foreground.shape[1]]
    sums = np.concatenate(
        [middle, front.sum(axis=1), _square_sums(front), _square_sums(apart)], axis=0
    )
    share, trust = np.empty((2, len(cell)), np.float32)
    for start in range(0, len(cell), CHUNK):
        part = slice(start, start + CHUNK)
        own, of = colours[:, part], cell[part]
        share[part], differ = _explained(
            own - sums[:3].take(of, axis=1),
            sums.take(of, axis=1),
            foreground.shape[1],
            known.shape[1],
        )
        strange = known.take(of, axis=2)
        strange -= own[:, None]
        strange *= strange
        nearest = strange.sum(axis=0).min(axis=0)
        trust[part] = np.minimum(differ / 3, 1) * np.exp(nearest / np.float32(-(FAMILIAR**2)))
    return share, trust


def _explained(
    own: NDArray[np.float64], sums: NDArray[np.float64], front: int, both: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the foreground's share in [0, 1], and |c_F − c_B|².

    Parameters
    ----------
    own:
        3×n, each pixel's colour less the mean c̄ of the colours that it is mixed of.
    sums:
        18×n: c̄, then over x_i = c_i − c̄ the foreground's Σx_i and Σx_i x_iᵀ, and both sides'.
    front, both:
        How many colours the foreground and both sides have.
    """
    # With x = c − c̄ and S = Σx_i x_iᵀ, DᵀD is S + k x xᵀ and Dᵀ1 is −k x, as Σx_i is 0.
    middle, first = sums[:3], sums[3:6]
    f00, f11, f22, f01, f02, f12, b00, b11, b22, b01, b02, b12 = sums[6:]
    x0, x1, x2 = own
    k0, k1, k2 = own * both
    s00, s11, s22 = b00 + k0 * x0, b11 + k1 * x1, b22 + k2 * x2
    s01, s02, s12 = b01 + k0 * x1, b02 + k0 * x2, b12 + k1 * x2
    ridge = np.maximum(s00 + s11 + s22, 1e-6)
    ridge *= RIDGE / both
    s00 += ridge
    s11 += ridge
    s22 += ridge
    # The adjugate of the symmetric 3×3 matrix times Dᵀ1, over its determinant.
    c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
    scale = -1 / (s00 * c00 + s01 * c01 + s02 * c02)
    y0 = (c00 * k0 + c01 * k1 + c02 * k2) * scale
    y1 = (c01 * k0 + c11 * k1 + c12 * k2) * scale
    y2 = (c02 * k0 + c12 * k1 + c22 * k2) * scale
    # Weights are 1 − d_i·y, over their sum.
    along = 1 + x0 * y0 + x1 * y1 + x2 * y2
    total = 1 / (both * along)
    share = front / both - (first[0] * y0 + first[1] * y1 + first[2] * y2) * total
    rest = 1 - share
    y0 *= total
    y1 *= total
    y2 *= total
    first /= both
    share_divisor = np.where(np.abs(share) > SMALLEST_SHARE, share, SMALLEST_SHARE)
    rest_divisor = np.where(np.abs(rest) > SMALLEST_SHARE, rest, SMALLEST_SHARE)
    share_divisor = 1 / share_divisor
    rest_divisor = 1 / rest_divisor
    differ = np.zeros_like(share)
    for channel, (of_front, of_both) in enumerate(
        (
            ((f00, f01, f02), (b00, b01, b02)),
            ((f01, f11, f12), (b01, b11, b12)),
            ((f02, f12, f22), (b02, b12, b22)),
        )
    ):
        # Σ w_i x_i over the foreground and over both sides.
        colour = first[channel] - (of_front[0] * y0 + of_front[1] * y1 + of_front[2] * y2)
        whole = of_both[0] * y0 + of_both[1] * y1 + of_both[2] * y2
        difference = (colour + middle[channel] * share) * share_divisor
        difference += (whole + colour - middle[channel] * rest) * rest_divisor
        difference *= difference
        differ += difference
    return np.clip(share, 0, 1), differ


def _square_sums(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the sums of the squares and products of 3×k×m colours' channels: 6×m."""
    return np.stack(
        [
            np.einsum("km,km->m", colours[i], colours[j])
            for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
        ]
    )
