"""What a sample shows of its pictures: rotation, crop, resize and flips, as one warp.

They are decided together and carried out on just the region that is seen, on 8-bit pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.augment_config import AugmentConfig
from lsamatting.data.cache import Bytes, DecodedCutout

_MOST_BILINEAR_SHRINK = 1.3


@dataclass(frozen=True)
class View:
    """A square region of a picture: centre (x, y) and side in px, angle in radians, and flips."""

    centre: tuple[float, float]
    side: float
    angle: float = 0.0
    flip: tuple[bool, bool] = (False, False)

    def matrix(self, size: int) -> NDArray[np.float64]:
        """Give the 2x3 matrix from pixels of the `size`×`size` view to pixels of the picture."""
        scale = self.side / size
        cosine, sine = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        turn = np.array([[cosine, -sine], [sine, cosine]])
        turn = turn * np.where(self.flip, -1.0, 1.0)
        middle = np.full(2, (size - 1) / 2)
        shift = np.asarray(self.centre) - turn @ middle
        return np.concatenate([turn, shift[:, None]], axis=1)


def warp(picture: Bytes, view: View, size: int, *, border: int) -> Bytes:
    """Sample a view of `picture` at `size`×`size` px.

    Bilinear; a view that shrinks by more than 1.3 is area-averaged down to that first. Only the
    part of the picture that the view covers is touched. `border` is one of OpenCV's border modes.
    """
    matrix = view.matrix(size)
    shrink = view.side / size
    corners = matrix @ np.array([[0, 0, size, size], [0, size, 0, size], [1, 1, 1, 1]])
    height, width = picture.shape[:2]
    margin = math.ceil(2 * shrink) + 1
    left, top = np.maximum(np.floor(corners.min(axis=1)).astype(int) - margin, 0)
    right, bottom = np.minimum(
        np.ceil(corners.max(axis=1)).astype(int) + margin + 1, (width, height)
    )
    # A view beside the picture still needs a row and a column to extend.
    left, top = min(left, width - 1), min(top, height - 1)
    region = picture[top : max(bottom, top + 1), left : max(right, left + 1)]
    matrix[:, 2] -= (left, top)
    if shrink > _MOST_BILINEAR_SHRINK:
        factor = shrink / _MOST_BILINEAR_SHRINK
        reduced = [max(1, round(side / factor)) for side in region.shape[1::-1]]
        ratio = np.array(reduced) / region.shape[1::-1]
        region = np.asarray(cv2.resize(region, reduced, interpolation=cv2.INTER_AREA), np.uint8)
        matrix *= ratio[:, None]
        matrix[:, 2] += 0.5 * ratio - 0.5
    return np.asarray(
        cv2.warpAffine(
            region,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        ),
        dtype=np.uint8,
    )


def foreground_view(
    rng: np.random.Generator,
    cutout: DecodedCutout,
    size: int,
    config: AugmentConfig,
    *,
    crop_side: tuple[float, float] | None = None,
) -> View:
    """Draw the view of (F, α): angle, centre on a visible pixel, side and flips.

    `crop_side` takes the place of the configuration's; such a crop is no larger than the picture,
    at whose border the subject may be cut off.
    """
    angle = rng.uniform(0, 2 * math.pi) if rng.random() < config.rotate else 0.0
    side = size * rng.uniform(*(crop_side or config.crop_side))
    if crop_side:
        side = min(side, *cutout.alpha.shape)
    on_edge = rng.random() < config.realism.edge_centre and len(cutout.edge)
    points = cutout.edge if on_edge else cutout.visible
    x, y = points[rng.integers(len(points))]
    if rng.random() < config.realism.keep_inside:
        reach = side / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))
        height, width = cutout.alpha.shape
        x, y = _inside(x, width, reach), _inside(y, height, reach)
    return View((float(x), float(y)), side, angle, _flips(rng, config))


def background_view(
    rng: np.random.Generator, picture: Bytes, size: int, config: AugmentConfig
) -> View:
    """Draw the view of B: it lies inside the photograph, but for corners that rotation turns out.

    The side is bounded by the photograph's shorter one.
    """
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * math.pi) if rng.random() < config.rotate else 0.0
    side = size * rng.uniform(*(config.realism.background_side or config.crop_side))
    side = min(side, height, width)
    x = rng.uniform(side / 2, width - side / 2) - 0.5
    y = rng.uniform(side / 2, height - side / 2) - 0.5
    return View((x, y), side, angle, _flips(rng, config))


def _flips(rng: np.random.Generator, config: AugmentConfig) -> tuple[bool, bool]:
    return rng.random() < config.flip, rng.random() < config.flip


def _inside(position: float, length: int, reach: float) -> float:
    if 2 * reach >= length:
        return (length - 1) / 2
    return min(max(position, reach - 0.5), length - 0.5 - reach)
