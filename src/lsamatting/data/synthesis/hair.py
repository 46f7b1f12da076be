"""People's hair: locks of long, tapered, waving strands from part of a head's outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis import silhouettes, strands
from lsamatting.data.synthesis.coats import colour_pair, roundness
from lsamatting.data.synthesis.cutout import Cutout
from lsamatting.data.synthesis.lens import photograph
from lsamatting.data.synthesis.noise import smooth_field
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.silhouettes import Body
from lsamatting.data.synthesis.tapered import draw_tapered, empty_canvas

Floats = NDArray[np.float32]

# Vertices are this many pixels apart, within limits: curls must not turn into polygons.
_STEP, _FEWEST, _MOST = 6.0, 20, 90

# Dark and light ends of human skin, gamma-encoded sRGB; colours between them all occur.
_SKIN = np.array([[0.24, 0.15, 0.11], [0.95, 0.8, 0.71]], dtype=np.float32)


@dataclass(frozen=True)
class Style:
    """A hairdo. Lengths in head radii, angles in radians, y points down.

    length: how long. lift: how far strands start outwards before they fall. gravity: how strongly
    they turn down (or to `wind`). wave, curl: amplitude of the slow and the fast bends. frizz:
    spread between neighbouring strands. flyaways: share of strands that leave their lock.
    """

    length: float
    lift: float
    gravity: float
    wind: float
    wave: float
    curl: float
    frizz: float
    flyaways: float


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Draw a person's head and shoulders with hair."""
    body = silhouettes.person(rng, shape)
    style = draw_style(rng)
    colours = colour_pair(rng, photos)
    canvas = empty_canvas(shape)
    behind = rng.random() < 0.8
    from_back = rng.random() < 0.3
    if behind:
        draw_hair(rng, canvas, body, style, colours * np.float32(0.8), arc=(-3.5, 0.36), share=0.5)
    _paint_person(rng, canvas, body, photos)
    _paint_scalp(rng, canvas, body, colours, hairline=1.1 if from_back else rng.uniform(-0.6, -0.1))
    draw_hair(rng, canvas, body, style, colours, arc=_fringe(rng), share=0.5 if behind else 0.8)
    return photograph(rng, canvas)


def draw_style(rng: np.random.Generator) -> Style:
    """Pick a random hairdo, from cropped to long, from straight to frizzy."""
    long = rng.random() < 0.65
    loose = rng.random() < 0.3
    return Style(
        length=rng.uniform(1.6, 4.5) if long else rng.uniform(0.35, 1.4),
        lift=rng.uniform(0.1, 0.8),
        gravity=rng.uniform(1.0, 5) if long else rng.uniform(0, 1.5),
        wind=np.pi / 2 + (rng.normal(0, 0.8) if loose else rng.normal(0, 0.15)),
        wave=rng.uniform(0.05, 0.5),
        curl=rng.choice([0, rng.uniform(0.2, 0.7), rng.uniform(0.7, 1.6)], p=[0.5, 0.35, 0.15]),
        frizz=rng.uniform(0.02, 0.16),
        flyaways=rng.uniform(0.01, 0.1),
    )


def draw_hair(
    rng: np.random.Generator,
    canvas: Floats,
    body: Body,
    style: Style,
    colours: Floats,
    *,
    arc: tuple[float, float],
    share: float,
) -> None:
    """Draw locks that grow from the angles `arc` (radians) of the head, in place.

    colours: 2x3, the dark and light ends. share: of the full number of strands.
    """
    x, y, radius = body.head
    vertices = int(np.clip(style.length * radius * (1 + style.curl) / _STEP, _FEWEST, _MOST))
    locks = int(rng.integers(60, 220) * share)
    each = int(rng.integers(25, 80))
    count = locks * each
    lock = np.repeat(np.arange(locks), each)
    # One scalp position and one set of waves per lock; its strands differ slightly from it.
    place = np.sort(rng.uniform(*arc, locks))
    rise = np.sqrt(rng.uniform(0.1, 1.0, locks))
    spread = 2.2 * (arc[1] - arc[0]) / locks
    polar = place[lock] + rng.normal(0, spread / 2, count)
    reach = radius * np.clip(rise[lock] + rng.normal(0, 0.05, count), 0.3, 1.02)
    roots = np.stack([x + reach * np.cos(polar), y + reach * np.sin(polar)], axis=1)
    length = radius * style.length * rng.uniform(0.65, 1.1, locks)[lock]
    length = length * np.exp(rng.normal(0, 0.12, count))
    fly = rng.random(count) < style.flyaways
    length = length * np.where(fly, rng.uniform(0.1, 1, count), 1)
    heading = _headings(rng, style, polar, lock, fly, steps=vertices - 1)
    points = strands.curves(
        roots.astype(np.float32),
        heading,
        length.astype(np.float32),
        rng.normal(0, style.frizz, count).astype(np.float32),
        vertices,
    )
    pull = (rng.uniform(0.2, 0.95, locks)[lock] * ~fly).astype(np.float32)
    points = strands.gather(points, lock.astype(np.int32), pull, rng.uniform(0.5, 1.4))
    width = np.clip(radius * np.exp(rng.uniform(np.log(0.0022), np.log(0.008))), 0.25, 1.5)
    thick = width * np.exp(rng.normal(0, 0.25, count)) * np.where(fly, 0.7, 1)
    order = np.argsort(rng.permutation(locks)[lock] + rng.normal(0, 6, count))
    draw_tapered(
        canvas,
        points[order],
        radius=strands.taper(count, thick.astype(np.float32), vertices, fullest=0.5, tip=0.3)[
            order
        ],
        colour=_hair_colours(rng, colours, points, lock, radius)[order],
        opacity=np.full((count, vertices), rng.uniform(0.75, 1), dtype=np.float32),
    )


def _headings(
    rng: np.random.Generator,
    style: Style,
    polar: NDArray[np.float64],
    lock: NDArray[np.intp],
    fly: NDArray[np.bool_],
    *,
    steps: int,
) -> Floats:
    """Heading at every step (N x steps): out of the scalp, then falling, waving and curling."""
    locks = int(lock.max()) + 1
    t = np.linspace(0, 1, steps)[None]
    fall = 1 - np.exp(-style.gravity * (t + (1 - style.lift) * 0.35) * style.length)
    out_x, out_y = np.cos(polar)[:, None], np.sin(polar)[:, None]
    down_x, down_y = np.cos(style.wind), np.sin(style.wind)
    # Hair parts at the crown and runs along the head before it hangs.
    side = np.sign(out_x) * (1 - style.lift)
    x = (out_x * style.lift + side * np.abs(out_y)) * (1 - fall) + down_x * fall
    y = (out_y * style.lift + np.abs(out_x) * (1 - style.lift)) * (1 - fall) + down_y * fall
    heading = np.arctan2(y, x)
    # Frequencies are per head radius of length, so that long hair waves more often.
    path = t * style.length
    phase = rng.uniform(0, 2 * np.pi, (locks, 2))[lock]
    phase = phase + rng.normal(0, 0.25, (len(lock), 1)) * (1 + 4 * fly[:, None])
    pitch = rng.uniform(0.6, 1.4, (locks, 2))[lock] * [2.2, 8]
    heading += style.wave * np.sin(phase[:, :1] + pitch[:, :1] * path)
    heading += style.curl * np.sin(phase[:, 1:] + pitch[:, 1:] * path) * np.minimum(2 * t, 1)
    heading += rng.normal(0, 0.12, locks)[lock][:, None]
    wander = np.cumsum(rng.normal(0, 1, heading.shape), axis=1) * (1.5 * style.frizz / steps**0.5)
    heading += wander * np.where(fly, 4, 1)[:, None]
    heading += (rng.normal(0, 0.35, len(lock)) * fly)[:, None]
    return np.asarray(heading, dtype=np.float32)


def _hair_colours(
    rng: np.random.Generator,
    colours: Floats,
    points: Floats,
    lock: NDArray[np.intp],
    radius: float,
) -> Floats:
    """N x K x 3: lock and strand shades, lighter tips, and a shine band where hair bends away."""
    count, vertices = points.shape[:2]
    t = np.linspace(0, 1, vertices)[None]
    level = rng.uniform(0.2, 0.6) + rng.normal(0, 0.12, int(lock.max()) + 1)[lock][:, None]
    level = level + rng.normal(0, 0.1, (count, 1)) + rng.uniform(-0.05, 0.35) * (t - 0.4)
    base = colours[0] + np.clip(level, 0, 1)[..., None] * (colours[1] - colours[0])
    # Shine lies where a strand runs across the light, at much the same height for all of them.
    step = np.gradient(points, axis=1)
    slope = np.arctan2(step[..., 1], step[..., 0])
    toward = rng.uniform(0, np.pi)
    shine = np.exp(-((np.sin(slope - toward) / 0.35) ** 2)) * rng.uniform(0, 0.45)
    phase = points[..., 1] / radius * 2.5 + rng.uniform(0, 6)
    shine = shine * (0.6 + 0.4 * np.sin(phase)) * rng.uniform(0.5, 1.5, (count, 1))
    return strands.shade(base.astype(np.float32), (1 + shine - 0.08).astype(np.float32))


def _fringe(rng: np.random.Generator) -> tuple[float, float]:
    """Part of the head, as polar angles, from which the hair in front of the face grows."""
    return -np.pi - rng.uniform(-0.1, 0.3), rng.uniform(-0.1, 0.3)


def _paint_person(rng: np.random.Generator, canvas: Floats, body: Body, photos: Photos) -> None:
    """Skin of one colour on the head, cloth out of a photograph below the neck, in place."""
    shape = (canvas.shape[0], canvas.shape[1])
    _, y, radius = body.head
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    collar = y + radius * rng.uniform(1.4, 2.0)
    wave = radius * 0.15 * smooth_field(rng, shape, scale=radius)
    cloth = np.clip((rows + wave - collar) / 2 + 0.5, 0, 1)[..., None]
    tone = _SKIN[0] + np.float32(rng.uniform()) * (_SKIN[1] - _SKIN[0])
    mottled = 1 + 0.05 * smooth_field(rng, shape, scale=0.4 * radius)
    texture = photos.patch(rng, *shape, smooth=rng.uniform(0.8, 8))
    colour = cloth * texture + (1 - cloth) * tone * mottled[..., None]
    colour = np.clip(colour * roundness(rng, body.distance, 0.8 * radius)[..., None], 0, 1)
    alpha = np.clip(0.5 - body.distance, 0, 1)[..., None]
    canvas[..., :3] = canvas[..., :3] * (1 - alpha) + colour * alpha
    canvas[..., 3:] = canvas[..., 3:] * (1 - alpha) + alpha


def _paint_scalp(
    rng: np.random.Generator, canvas: Floats, body: Body, colours: Floats, *, hairline: float
) -> None:
    """Dark roots on the head above the hairline (in head radii below its centre), in place."""
    shape = (canvas.shape[0], canvas.shape[1])
    x, y, radius = body.head
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    ragged = 0.06 * radius * smooth_field(rng, shape, scale=0.15 * radius)
    # The hairline comes down at the temples.
    line = y + hairline * radius + 0.9 * (columns - x) ** 2 / radius
    above = np.clip((line + ragged - rows) / (0.08 * radius) + 0.5, 0, 1)
    near = np.clip((1.25 * radius - np.hypot(columns - x, rows - y)) / (0.1 * radius), 0, 1)
    share = (above * near * np.clip(0.5 - body.distance, 0, 1))[..., None]
    tone = colours[0] * 0.75 + colours[1] * 0.15
    canvas[..., :3] = canvas[..., :3] * (1 - share) + tone * canvas[..., 3:] * share
