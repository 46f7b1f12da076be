"""Furred bodies: thousands of short strands over and beyond a body's outline, and whiskers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis import silhouettes, strands
from lsamatting.data.synthesis.coats import coat, roundness
from lsamatting.data.synthesis.cutout import Cutout
from lsamatting.data.synthesis.lens import photograph
from lsamatting.data.synthesis.noise import smooth_field
from lsamatting.data.synthesis.photos import Photos, blur
from lsamatting.data.synthesis.silhouettes import Body
from lsamatting.data.synthesis.tapered import draw_tapered, empty_canvas

Floats = NDArray[np.float32]

_VERTICES = 11
_MOST_STRANDS = 45_000


@dataclass(frozen=True)
class Pelt:
    """Fur at every pixel. All are HxW: length in pixels; heading in radians; colour HxWx3."""

    length: Floats
    heading: Floats
    colour: Floats


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Draw a furred, animal-like body."""
    body = silhouettes.animal(rng, shape)
    width = float(np.exp(rng.uniform(np.log(0.4), np.log(1.7))))
    longest = float(np.exp(rng.uniform(np.log(7), np.log(38)))) * (0.7 + 0.3 * width)
    pelt = grow_pelt(rng, body.distance, photos, longest=longest)
    canvas = empty_canvas(shape)
    paint_skin(rng, canvas, body.distance, pelt)
    draw_fur(rng, canvas, body.distance, pelt, width=width)
    if rng.random() < 0.5:
        draw_whiskers(rng, canvas, body)
    return photograph(rng, canvas)


def grow_pelt(
    rng: np.random.Generator, distance: Floats, photos: Photos, *, longest: float
) -> Pelt:
    """Lengths, headings and colours of fur on a body given by its signed distance (HxW)."""
    shape = (distance.shape[0], distance.shape[1])
    small = min(shape)
    length = longest * np.exp(0.45 * smooth_field(rng, shape, scale=0.16 * small))
    if rng.random() < 0.7:
        # Muzzles, legs and ears: almost nothing stands off the outline.
        bare = smooth_field(rng, shape, scale=0.22 * small) - rng.uniform(-0.1, 0.9)
        length *= 1 - 0.88 / (1 + np.exp(-6 * bare))
    if rng.random() < 0.4:
        # Manes, tails, fringes.
        mane = smooth_field(rng, shape, scale=0.2 * small) - rng.uniform(0.5, 1.2)
        length *= 1 + rng.uniform(1, 3.5) / (1 + np.exp(-8 * mane))
    length = np.clip(length, 2, 110)
    smooth = blur(distance, max(6.0, 0.02 * small))
    out_y, out_x = np.gradient(smooth)
    norm = np.hypot(out_x, out_y) + 1e-3
    comb = rng.uniform(0, 2 * np.pi) + 0.9 * smooth_field(rng, shape, scale=0.3 * small)
    outward = rng.uniform(0.35, 1.6) * np.exp(0.5 * smooth_field(rng, shape, scale=0.2 * small))
    # Deep inside a body nothing says where outward is; the comb alone decides there.
    outward = outward * np.exp(np.minimum(distance, 0) / (0.12 * small))
    x = np.cos(comb) + outward * out_x / norm
    y = np.sin(comb) + outward * out_y / norm
    # Combed against the outline, fur still lies along it and not into the body.
    into = np.minimum(x * out_x / norm + y * out_y / norm - 0.12, 0) * (distance > -longest)
    x, y = x - into * out_x / norm, y - into * out_y / norm
    colour = coat(rng, shape, photos) * roundness(rng, distance, 0.25 * small)[..., None]
    return Pelt(
        np.asarray(length, dtype=np.float32),
        np.asarray(np.arctan2(y, x), dtype=np.float32),
        np.asarray(np.clip(colour, 0, 1), dtype=np.float32),
    )


def paint_skin(rng: np.random.Generator, canvas: Floats, distance: Floats, pelt: Pelt) -> None:
    """Lay the body itself under the fur, in place: opaque inside, ending short of the outline."""
    shape = (distance.shape[0], distance.shape[1])
    # The ramp stands for the undercoat, too fine to draw hair by hair.
    ragged = smooth_field(rng, shape, scale=6) * 0.06 * pelt.length
    soft = 1 + rng.uniform(0.08, 0.55) * pelt.length
    inset = 0.5 * soft + rng.uniform(-0.12, 0.12) * pelt.length + ragged
    alpha = np.clip(0.5 - (distance + inset) / soft, 0, 1)
    canvas[..., :3] = 0.82 * pelt.colour * alpha[..., None]
    canvas[..., 3] = alpha


def draw_fur(
    rng: np.random.Generator, canvas: Floats, distance: Floats, pelt: Pelt, *, width: float
) -> None:
    """Cover the body with strands, outermost first, so that each lies over the next one's root."""
    roots = _roots(rng, distance, pelt, width)
    count = len(roots)
    length = strands.sample_map(pelt.length, roots)
    length = length * np.exp(rng.normal(0, 0.22, count)).astype(np.float32)
    stray = rng.random(count) < rng.uniform(0.01, 0.1)
    length = np.where(stray, length * rng.uniform(1, 1.9, count), length)
    frizz = rng.uniform(0.06, 0.3)
    jitter = rng.normal(0, frizz, count) * np.where(stray, 2.5, 1)
    angle = strands.sample_map(pelt.heading, roots) + jitter.astype(np.float32)
    shape = (distance.shape[0], distance.shape[1])
    wave = smooth_field(rng, shape, scale=0.08 * min(shape)) * rng.uniform(0.1, 0.7)
    # No hair is an arc: each wanders a little, strays more.
    kink = np.exp(rng.uniform(np.log(0.02), np.log(0.2))) * np.where(stray, 2, 1)
    wander = np.cumsum(rng.normal(0, 1, (count, _VERTICES - 1)), axis=1) * kink[:, None]
    headings = angle[:, None] + wander
    if rng.random() < 0.2:
        headings = headings + _wool(rng, shape, roots, length)
    bend = strands.sample_map(wave, roots) + rng.normal(0, frizz * 1.5, count)
    points = strands.curves(
        roots,
        headings.astype(np.float32),
        length.astype(np.float32),
        bend.astype(np.float32),
        _VERTICES,
    )
    # Tufts within tufts: locks of a few strands gather into larger ones.
    typical = float(np.median(length))
    groups = []
    for spacing, strength in ((0.55, 0.75), (0.2, 0.7)):
        labels = strands.tufts(rng, shape, max(2.5, spacing * typical + 2 * width))
        group = np.unique(strands.sample_map(labels, roots), return_inverse=True)[1].astype(
            np.int32
        )
        pull = rng.uniform(0.15, 1) * strength * rng.uniform(0.4, 1, count) * ~stray
        points = strands.gather(points, group, pull.astype(np.float32), rng.uniform(0.8, 1.8))
        groups.append(group)
    colour = _strand_colours(rng, distance, pelt, roots, groups)
    thick = width * np.exp(rng.normal(0, 0.3, count)) * np.clip(length / 12, 0.5, 1.2)
    radius = strands.taper(count, thick.astype(np.float32), _VERTICES, fullest=0.3, tip=0.12)
    opacity = np.linspace(1, rng.uniform(0.5, 0.95), _VERTICES) * rng.uniform(0.75, 1, (count, 1))
    order = np.argsort(-strands.sample_map(distance, roots) + rng.normal(0, 0.4 * typical, count))
    draw_tapered(
        canvas,
        points[order],
        radius=radius[order],
        colour=colour[order],
        opacity=opacity.astype(np.float32)[order],
    )


def _wool(
    rng: np.random.Generator, shape: tuple[int, int], roots: Floats, length: Floats
) -> Floats:
    """Pick turns of the heading (N x steps) that curl neighbouring strands much the same way."""
    pitch = rng.uniform(8, 30)
    phase = 2 * smooth_field(rng, shape, scale=rng.uniform(0.5, 1.5) * pitch)
    start = strands.sample_map(phase, roots)[:, None] + rng.normal(0, 0.3, (len(roots), 1))
    path = np.linspace(0, 1, _VERTICES - 1) * length[:, None] / pitch
    turns = rng.uniform(0.5, 1.3) * np.sin(2 * np.pi * np.minimum(path, 2.5) + start)
    return np.asarray(turns, dtype=np.float32)


def _roots(rng: np.random.Generator, distance: Floats, pelt: Pelt, width: float) -> Floats:
    """Where strands grow (Nx2): enough to cover the body about twice, more along the outline."""
    edge = np.exp(-(((distance + 0.5 * pelt.length) / (pelt.length + 2)) ** 2))
    inside = (distance < 0.5) * (distance > -6 * pelt.length.max() - 30)
    density = inside * (1.0 + 1.6 * edge) / (np.maximum(pelt.length, 4) * width)
    density *= rng.uniform(0.7, 1.5)
    density *= min(1.0, _MOST_STRANDS / max(float(density.sum()), 1.0))
    y, x = np.nonzero(rng.random(distance.shape, dtype=np.float32) < density)
    roots = np.stack([x, y], axis=1) + rng.uniform(-0.5, 0.5, (len(x), 2))
    return np.asarray(roots, dtype=np.float32)


def _strand_colours(
    rng: np.random.Generator,
    distance: Floats,
    pelt: Pelt,
    roots: Floats,
    groups: list[NDArray[np.int32]],
) -> Floats:
    """Colour along every strand, N x vertices x 3: the coat's at the root, the tip a bit apart."""
    count = len(roots)
    t = np.linspace(0, 1, _VERTICES)[None]
    factor = np.exp(rng.normal(0, rng.uniform(0.04, 0.16), (count, 1)))
    for group in groups:
        of_group = np.exp(rng.normal(0, rng.uniform(0.04, 0.22), int(group.max(initial=0)) + 1))
        factor = factor * of_group[group][:, None]
    # Roots lie in the shade of the fur above; tips catch light.
    factor = factor * (rng.uniform(0.78, 1.05) + rng.uniform(0.1, 0.4) * t)
    if rng.random() < 0.5:
        factor = factor + rng.uniform(0.05, 0.25) * np.exp(-(((t - 0.55) / 0.18) ** 2))
    if rng.random() < 0.3:
        # Light from behind: the fringe glows.
        fringe = np.exp(strands.sample_map(distance, roots) / (0.4 * float(pelt.length.max())))
        factor = factor * (1 + rng.uniform(0.1, 0.6) * fringe[:, None] * t)
    base = strands.sample_map(pelt.colour, roots)[:, None]
    return strands.shade(np.repeat(base, _VERTICES, axis=1), factor.astype(np.float32))


def draw_whiskers(rng: np.random.Generator, canvas: Floats, body: Body) -> None:
    """Long thin curves from two places on the head, light or dark, in place."""
    x, y, radius = body.head
    count = int(rng.integers(4, 14))
    vertices = 24
    light = rng.random() < 0.75
    tone = rng.uniform(0.75, 1) if light else rng.uniform(0.02, 0.2)
    facing = rng.uniform(-0.4, 0.4) + 0.3
    for side in (0.0, np.pi):
        angle = facing * np.cos(side) + side + rng.normal(0, 0.28, count)
        start = radius * rng.uniform(0.3, 0.9, count)
        roots = np.stack([x + start * np.cos(angle), y + start * np.sin(angle)], axis=1)
        points = strands.curves(
            roots.astype(np.float32),
            angle.astype(np.float32),
            (radius * rng.uniform(0.7, 2.2, count)).astype(np.float32),
            (rng.normal(0.3 * np.cos(side), 0.25, count)).astype(np.float32),
            vertices,
        )
        thick = radius * rng.uniform(0.006, 0.014) * rng.uniform(0.7, 1.3, count)
        width = np.clip(thick, 0.4, 2.4).astype(np.float32)
        colour = np.clip(tone + rng.normal(0, 0.03, (count, vertices, 3)) * 0.5, 0, 1)
        draw_tapered(
            canvas,
            points,
            radius=strands.taper(count, width, vertices, fullest=0.1, tip=0.15),
            colour=colour.astype(np.float32),
            opacity=np.full((count, vertices), 0.95, dtype=np.float32),
        )
