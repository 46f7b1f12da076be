"""Anti-aliased tapered strokes: every strand of hair, fur, feather and twig is one of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lsamatting.compiled import compiled

Floats = NDArray[np.float32]


def empty_canvas(shape: tuple[int, int]) -> Floats:
    """Transparent premultiplied RGBA canvas, HxWx4 float32."""
    return np.zeros((*shape, 4), dtype=np.float32)


def draw_tapered(
    canvas: Floats, points: Floats, *, radius: Floats, colour: Floats, opacity: Floats
) -> None:
    """Draw N strokes of K vertices over a premultiplied RGBA canvas, in order, in place.

    canvas: HxWx4 float32, colour times alpha in the first three channels.
    points: NxKx2, x and y in pixels; the centre of the pixel in row i, column j is (j, i).
    radius: NxK half widths in pixels, may be far below one pixel.
    colour: NxKx3 in [0, 1]. opacity: NxK in [0, 1].
    Between vertices all of these vary linearly. What a pixel receives is its area that the stroke
    covers (exact for a straight stroke) times the opacity. A stroke never covers itself twice, so
    its joints do not show; different strokes accumulate as 1-(1-a)(1-b).
    Raises ValueError if the arrays do not belong together.
    """
    if points.ndim != 3 or points.shape[2] != 2 or points.shape[1] < 2:
        raise ValueError(f"points are N x K x 2 with K at least 2, not {points.shape}")
    outline = points.shape[:2]
    if radius.shape != outline or opacity.shape != outline or colour.shape != (*outline, 3):
        raise ValueError(
            f"radius {radius.shape}, colour {colour.shape} or opacity {opacity.shape} "
            f"does not match {outline[0]} strokes of {outline[1]} vertices"
        )
    height, width = canvas.shape[:2]
    _draw(
        canvas,
        np.ascontiguousarray(points, dtype=np.float32),
        np.ascontiguousarray(radius, dtype=np.float32),
        np.ascontiguousarray(colour, dtype=np.float32),
        np.ascontiguousarray(opacity, dtype=np.float32),
        np.full((height, width), -1, dtype=np.int32),
        np.empty((height, width), dtype=np.float32),
        np.empty((height, width), dtype=np.float32),
        np.empty(height * width, dtype=np.int32),
    )


@compiled(nogil=True)
def _half_plane(x: float, long: float, short: float) -> float:
    """Area of a unit pixel on the inner side of a line at signed distance x from its centre.

    long and short are the larger and the smaller of |cos| and |sin| of the line's direction: the
    pixel's shadow across the line is a trapezoid, and this is its integral.
    """
    reach = (long + short) / 2
    if x >= reach:
        return 1.0
    if x <= -reach:
        return 0.0
    if abs(x) <= (long - short) / 2:
        return 0.5 + x / long
    corner = (reach - abs(x)) ** 2 / (2 * long * short)
    return 1 - corner if x > 0 else corner


@compiled(nogil=True)
def _draw(
    canvas: Floats,
    points: Floats,
    radius: Floats,
    colour: Floats,
    opacity: Floats,
    stamp: NDArray[np.int32],
    cover: Floats,
    place: Floats,
    touched: NDArray[np.int32],
) -> None:
    height, width = canvas.shape[:2]
    strokes, vertices = radius.shape
    for n in range(strokes):
        count = 0
        for k in range(vertices - 1):
            x0, y0 = points[n, k, 0], points[n, k, 1]
            x1, y1 = points[n, k + 1, 0], points[n, k + 1, 1]
            r0, r1 = radius[n, k], radius[n, k + 1]
            dx, dy = x1 - x0, y1 - y0
            length = math.sqrt(dx * dx + dy * dy)
            if not length > 1e-6:  # also skips what is not a number
                continue
            ux, uy = dx / length, dy / length
            long = max(abs(ux), abs(uy))
            short = min(abs(ux), abs(uy))
            margin = max(r0, r1) + 0.75
            left = max(0, math.ceil(min(x0, x1) - margin))
            right = min(width - 1, math.floor(max(x0, x1) + margin))
            top = max(0, math.ceil(min(y0, y1) - margin))
            bottom = min(height - 1, math.floor(max(y0, y1) + margin))
            for i in range(top, bottom + 1):
                for j in range(left, right + 1):
                    px, py = j - x0, i - y0
                    along = px * ux + py * uy
                    across = abs(px * uy - py * ux)
                    if across > margin:
                        continue
                    t = min(max(along / length, 0.0), 1.0)
                    r = r0 + t * (r1 - r0)
                    # Beyond an inner joint the stroke is rounded, beyond its ends it is cut.
                    beyond = along - t * length
                    ending = 1.0
                    if k == 0 and along < 1.0:
                        ending = _half_plane(along, long, short)
                        beyond = max(beyond, 0.0)
                    if k == vertices - 2 and along > length - 1.0:
                        ending *= _half_plane(length - along, long, short)
                        beyond = min(beyond, 0.0)
                    d = across if beyond == 0.0 else math.sqrt(across**2 + beyond**2)
                    area = _half_plane(r - d, long, short) - _half_plane(-r - d, long, short)
                    area *= ending * (opacity[n, k] + t * (opacity[n, k + 1] - opacity[n, k]))
                    if area <= 0.0:
                        continue
                    if stamp[i, j] != n:
                        stamp[i, j] = n
                        cover[i, j] = 0.0
                        touched[count] = i * width + j
                        count += 1
                    if area > cover[i, j]:
                        cover[i, j] = area
                        place[i, j] = k + t
        for m in range(count):
            i, j = touched[m] // width, touched[m] % width
            k = min(int(place[i, j]), vertices - 2)
            t = place[i, j] - k
            a = min(cover[i, j], 1.0)
            for c in range(3):
                value = colour[n, k, c] + t * (colour[n, k + 1, c] - colour[n, k, c])
                canvas[i, j, c] = canvas[i, j, c] * (1 - a) + value * a
            canvas[i, j, 3] = canvas[i, j, 3] * (1 - a) + a
