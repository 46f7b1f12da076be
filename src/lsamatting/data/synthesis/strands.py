"""Growing many strands at once: curving, gathering into tufts, tapering, shading."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def curves(roots: Floats, angle: Floats, length: Floats, bend: Floats, vertices: int) -> Floats:
    """N strands of evenly spaced vertices, N x vertices x 2.

    roots: Nx2 (x, y). angle: N or N x (vertices - 1), heading in radians at the root or at every
    step. length: N, pixels. bend: N, radians by which the heading has turned at the tip.
    """
    steps = vertices - 1
    headings = angle[:, None] if angle.ndim == 1 else angle
    turned = headings + bend[:, None] * np.linspace(0, 1, steps, dtype=np.float32)
    stride = (length / steps)[:, None]
    points = np.empty((len(roots), vertices, 2), dtype=np.float32)
    points[:, 0] = roots
    points[:, 1:, 0] = roots[:, :1] + np.cumsum(np.cos(turned) * stride, axis=1)
    points[:, 1:, 1] = roots[:, 1:] + np.cumsum(np.sin(turned) * stride, axis=1)
    return points


def tufts(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> NDArray[np.int32]:
    """Label map, HxW: each pixel the number of its nearest tuft centre, about `spacing` apart."""
    height, width = shape
    seeds = np.ones(shape, dtype=np.uint8)
    count = max(1, round(height * width / spacing**2))
    seeds[rng.integers(height, size=count), rng.integers(width, size=count)] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.asarray(labels, dtype=np.int32)


def gather(points: Floats, group: NDArray[np.int32], strength: Floats, power: float) -> Floats:
    """Pull strands towards the mean strand of their group, the more so the nearer the tip.

    points: NxKx2. group: N labels from 0. strength: N, 1 brings the tips of a group together.
    power: how late along the strand the pull sets in.
    """
    vertices = points.shape[1]
    groups = int(group.max()) + 1 if len(group) else 0
    members = np.maximum(np.bincount(group, minlength=groups), 1).astype(np.float32)
    mean = np.empty((groups, vertices, 2), dtype=np.float32)
    for k in range(vertices):
        for axis in range(2):
            total = np.bincount(group, weights=points[:, k, axis], minlength=groups)
            mean[:, k, axis] = total / members
    pull = strength[:, None] * np.linspace(0, 1, vertices, dtype=np.float32) ** power
    return np.asarray(points + pull[..., None] * (mean[group] - points), dtype=np.float32)


def taper(count: int, width: Floats, vertices: int, *, fullest: float, tip: float = 0.1) -> Floats:
    """Half widths, count x vertices: thickest at `fullest` of the length, thin at the tip.

    width: count, pixels across at the thickest point. tip: share of it left at the very end.
    """
    t = np.linspace(0, 1, vertices, dtype=np.float32)
    rise = 0.75 + 0.25 * np.clip(t / max(fullest, 1e-3), 0, 1)
    fall = tip + (1 - tip) * np.sqrt(np.clip((1 - t) / (1 - fullest), 0, 1))
    profile = np.broadcast_to(rise * fall, (count, vertices))
    return np.asarray(0.5 * width[:, None] * profile, dtype=np.float32)


def shade(colour: Floats, factor: Floats) -> Floats:
    """Lighter (factor > 1) or darker strands without leaving [0, 1].

    colour: NxKx3. factor: NxK or Nx1. Lightening goes towards white as it saturates, so that
    light fur does not turn into flat clipped colour.
    """
    scaled = colour * factor[..., None]
    rounded = np.where(scaled > 0.8, 0.8 + 0.2 * np.tanh((scaled - 0.8) / 0.2), scaled)
    return np.asarray(np.clip(rounded, 0, 1), dtype=np.float32)


def sample_map(picture: NDArray[Any], points: Floats) -> NDArray[Any]:
    """Values of a picture (HxW or HxWxC) at the nearest pixels of points (Nx2, x and y)."""
    height, width = picture.shape[:2]
    x = np.clip(np.rint(points[:, 0]), 0, width - 1).astype(np.intp)
    y = np.clip(np.rint(points[:, 1]), 0, height - 1).astype(np.intp)
    return np.asarray(picture[y, x])
