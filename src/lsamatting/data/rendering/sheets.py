"""Thin sheets along a middle line: blades of grass, leaves, petals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import grid_triangles, unit
from lsamatting.data.rendering.scene import Material, Surface


def sheets(
    middle: NDArray[Any],
    across: NDArray[Any],
    widths: NDArray[Any],
    colour: NDArray[Any],
    material: Material,
    *,
    fold: float = 0.2,
) -> Surface:
    """One mesh of many sheets.

    middle: NxKx3 lines. across: Nx3 or NxKx3, roughly the direction of the width. widths: NxK,
    half the whole width. colour: NxKx3, linear. fold: how far the halves bend to each other, as a
    share of the width.
    """
    count, length = middle.shape[:2]
    forward = unit(np.gradient(middle, axis=1))
    sideways = np.broadcast_to(
        across[:, None] if across.ndim == 2 else across, middle.shape
    ).astype(np.float64)
    sideways = unit(sideways - (sideways * forward).sum(-1, keepdims=True) * forward)
    up = np.cross(sideways, forward)
    edge = widths[..., None]
    lines = [middle - edge * sideways + fold * edge * up, middle]
    lines.append(middle + edge * sideways + fold * edge * up)
    vertices = np.stack(lines, axis=2)
    single = grid_triangles(length, 3)
    triangles = single[None] + (np.arange(count) * length * 3)[:, None, None]
    colours = np.repeat(colour[:, :, None], 3, axis=2)
    return Surface(
        vertices.reshape(-1, 3).astype(np.float32),
        triangles.reshape(-1, 3).astype(np.int32),
        colours.reshape(-1, 3).astype(np.float32),
        material,
    )
