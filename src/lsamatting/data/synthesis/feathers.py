"""Feathers: a curved shaft with hundreds of barbs that cling together and part in places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis import strands
from lsamatting.data.synthesis.coats import colour_pair
from lsamatting.data.synthesis.cutout import Cutout
from lsamatting.data.synthesis.lens import photograph
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.tapered import draw_tapered, empty_canvas

Floats = NDArray[np.float32]

_SHAFT = 60
_BARB = 14


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """One feather, or a fan of several that share their colours."""
    height, width = shape
    small = min(shape)
    canvas = empty_canvas(shape)
    count = 1 if rng.random() < 0.45 else int(rng.integers(2, 9))
    base = np.array([width, height]) * rng.uniform(0.35, 0.65, 2)
    middle = rng.uniform(0, 2 * np.pi)
    fan = rng.uniform(0.25, 1.6)
    colours = np.concatenate([colour_pair(rng, photos), colour_pair(rng, photos)])
    length = small * (rng.uniform(0.7, 1.0) if count == 1 else rng.uniform(0.4, 0.65))
    for k in range(count):
        angle = middle + (0 if count == 1 else fan * (k / (count - 1) - 0.5))
        start = base - (0.5 if count == 1 else 0.1) * length * np.array(
            [np.cos(angle), np.sin(angle)]
        )
        if count > 1:
            start = start + rng.normal(0, 0.02 * small, 2)
        draw_feather(
            rng,
            canvas,
            start=start,
            angle=angle,
            length=length * rng.uniform(0.8, 1.1),
            colours=colours,
        )
    return photograph(rng, canvas)


def draw_feather(
    rng: np.random.Generator,
    canvas: Floats,
    *,
    start: NDArray[np.float64],
    angle: float,
    length: float,
    colours: Floats,
) -> None:
    """Draw one feather from its quill's end `start` (x, y), in place.

    angle: heading in radians. length: pixels. colours: 4x3, two dark-light pairs: vane and bars.
    """
    shaft = strands.curves(
        np.asarray(start, dtype=np.float32)[None],
        np.array([angle], dtype=np.float32),
        np.array([length], dtype=np.float32),
        np.array([rng.normal(0, 0.5)], dtype=np.float32),
        _SHAFT,
    )[0]
    breadth = length * rng.uniform(0.07, 0.2)
    for side in (-1, 1):
        _draw_vane(rng, canvas, shaft, side * breadth * rng.uniform(0.6, 1.2), length, colours)
    tone = colours[1] if rng.random() < 0.7 else colours[0]
    width = np.array([max(1.0, length * rng.uniform(0.006, 0.014))], dtype=np.float32)
    draw_tapered(
        canvas,
        shaft[None],
        radius=strands.taper(1, width, _SHAFT, fullest=0.02, tip=0.1),
        colour=np.broadcast_to(tone, (1, _SHAFT, 3)).astype(np.float32),
        opacity=np.ones((1, _SHAFT), dtype=np.float32),
    )


def _draw_vane(
    rng: np.random.Generator,
    canvas: Floats,
    shaft: Floats,
    breadth: float,
    length: float,
    colours: Floats,
) -> None:
    """Barbs on the side of the shaft that the sign of `breadth` (pixels) tells."""
    count = int(length * rng.uniform(1.0, 1.8))
    quill = rng.uniform(0.06, 0.2)
    t = np.sort(rng.uniform(quill, 1, count)).astype(np.float32)
    place = t * (_SHAFT - 1)
    index = np.minimum(place.astype(np.intp), _SHAFT - 2)
    part = (place - index)[:, None]
    roots = shaft[index] * (1 - part) + shaft[index + 1] * part
    along = shaft[index + 1] - shaft[index]
    heading = np.arctan2(along[:, 1], along[:, 0])
    # Barbs lean towards the tip; where the vane has split, a whole run of them leans differently.
    runs = np.cumsum(rng.random(count) < rng.uniform(0.01, 0.06))
    lean = rng.uniform(0.5, 0.95) - 0.35 * t**3 + rng.normal(0, 0.09, runs[-1] + 1)[runs]
    down = np.exp(-(((t - quill) / rng.uniform(0.05, 0.2)) ** 2))
    loose = rng.normal(0, 0.02, count) + rng.normal(0, 0.35, count) * down
    side = np.sign(breadth)
    outline = np.sqrt(np.clip((t - quill) / 0.15, 0, 1)) * np.clip((1.04 - t) / 0.3, 0, 1) ** 0.6
    reach = abs(breadth) * (0.15 + outline) / np.sin(np.clip(lean, 0.35, 1.4))
    reach = reach * np.exp(rng.normal(0, 0.02, count) + rng.normal(0, 0.25, count) * down)
    bend = -side * rng.uniform(0, 0.7) + rng.normal(0, 0.5, count) * down
    points = strands.curves(
        roots,
        (heading + side * (lean + loose)).astype(np.float32),
        reach.astype(np.float32),
        bend.astype(np.float32),
        _BARB,
    )
    s = np.linspace(0, 1, _BARB)[None]
    level = 0.5 + rng.normal(0, 0.08, runs[-1] + 1)[runs][:, None] + rng.normal(0, 0.06, (count, 1))
    level = level + rng.uniform(-0.4, 0.4) * (s - 0.5) + 0.25 * down[:, None]
    vane = colours[0] + np.clip(level, 0, 1)[..., None] * (colours[1] - colours[0])
    if rng.random() < 0.5:
        bars = np.sin(t[:, None] * rng.uniform(12, 40) + s * rng.uniform(-2, 2))
        other = colours[2] + np.clip(level, 0, 1)[..., None] * (colours[3] - colours[2])
        share = (1 / (1 + np.exp(-5 * (bars - rng.uniform(0, 0.6)))))[..., None]
        vane = vane * (1 - share) + other * share
    width = rng.uniform(0.9, 1.7) * np.exp(rng.normal(0, 0.2, count)) * (1 - 0.55 * down)
    draw_tapered(
        canvas,
        points,
        radius=strands.taper(count, width.astype(np.float32), _BARB, fullest=0.4, tip=0.2),
        colour=np.clip(vane, 0, 1).astype(np.float32),
        opacity=np.full((count, _BARB), rng.uniform(0.7, 1), dtype=np.float32),
    )
