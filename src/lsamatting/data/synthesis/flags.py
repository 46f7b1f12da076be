"""Flags and signs on their poles: plain fields of colour that meet at the edge."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout, over
from lsamatting.data.synthesis.marked import (
    blend,
    filled,
    finish,
    inside_distance,
    label,
    paint,
    rim,
)
from lsamatting.data.synthesis.noise import octaves, smoothstep
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.solids import unfocus

Floats = NDArray[np.float32]


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a flag or a sign with its pole, mostly in focus."""
    made = flag(rng, shape, photos) if rng.random() < 0.6 else sign(rng, shape, photos)
    return made if rng.random() < 0.7 else unfocus(rng, made)


def flag(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a flag that waves beside its pole, or hangs a little."""
    height, width = shape
    across, down = width * rng.uniform(0.45, 0.75), height * rng.uniform(0.25, 0.55)
    left, top = width * rng.uniform(0.05, 0.25), height * rng.uniform(0.08, 0.25)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    s = (x - left) / across
    phase, waves = rng.uniform(0, 2 * math.pi), rng.uniform(0.7, 2.5)
    wave = rng.uniform(0.03, 0.16) * down * np.clip(s, 0, 1) ** 0.7
    folds = 2 * math.pi * waves * s + phase + rng.uniform(-1, 1) * (y - top) / down
    droop = rng.uniform(-0.05, 0.5) * down * np.clip(s, 0, 1) ** 1.5
    t = (y - top - wave * np.sin(folds) - droop) / down
    # Distance, in px, to the nearest of four edges; a pennant narrows towards its end.
    half = 0.5 * (1 - np.clip(s, 0, 1) * (rng.uniform(0.3, 1) if rng.random() < 0.25 else 0))
    fray = rng.uniform(0, 0.004) * width * octaves(rng, shape, scale=6, count=2)
    reach = np.minimum(
        np.minimum(s * across, (1 - s) * across + fray), (half - abs(t - 0.5)) * down
    )
    coverage = np.clip(reach + 0.5, 0, 1).astype(np.float32)
    colour = fields(rng, s, t, across / down, photos)
    weave = 1 + rng.uniform(0, 0.05) * octaves(rng, shape, scale=rng.uniform(1.5, 3), count=2)
    light = 1 + rng.uniform(0.05, 0.35) * np.cos(folds + rng.uniform(-1, 1)) * np.clip(3 * s, 0, 1)
    cloth = np.clip(colour * (weave * light)[..., None], 0, 1).astype(np.float32)
    if rng.random() < 0.2:  # thin cloth lets light through
        coverage = coverage * np.float32(rng.uniform(0.6, 0.95))
    layer = Cutout(cloth, coverage)
    foot = height * rng.uniform(0.8, 1.1)
    return over(pole(rng, shape, (left, top - 0.05 * height, foot), photos), layer)


def fields(
    rng: np.random.Generator, s: Floats, t: Floats, proportion: float, photos: Photos
) -> Floats:
    """Colours HxWx3 of a flag at (s, t), which run from 0 to 1 along and down it."""
    colours = [paint(rng, photos) for _ in range(4)]
    choice = rng.random()
    if choice < 0.55:
        place = t if rng.random() < 0.5 else s
        count = int(rng.choice([2, 3, 3, 3, 5, 9]))
        band = np.clip((place * count).astype(int), 0, count - 1)
        chosen = band % 2 if count > 3 else band
        picture = np.stack(colours)[chosen]
    else:
        middle = rng.choice([0.36, 0.5])
        if choice < 0.8:
            arm = np.minimum(abs(s - middle) * proportion, abs(t - 0.5))
        else:
            arm = abs(abs(s - 0.5) - abs(t - 0.5)) * proportion
        width = rng.uniform(0.04, 0.14)
        picture = blend(np.broadcast_to(colours[0], (*s.shape, 3)), colours[1], arm < width)
        if rng.random() < 0.4:
            picture = blend(picture, colours[2], arm < 0.5 * width)
    if rng.random() < 0.4:
        size = rng.uniform(0.1, 0.32)
        disc = np.hypot((s - rng.choice([0.25, 0.5])) * proportion, t - 0.5) < size
        picture = blend(picture, colours[3], disc)
    # Woven borders are not sharper than a pixel or two.
    return np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.8), np.float32)


def sign(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a board of regular outline with a rim and an emblem, on a post."""
    height, width = shape
    radius = min(shape) * rng.uniform(0.22, 0.4)
    centre = np.array([width * rng.uniform(0.35, 0.65), height * rng.uniform(0.3, 0.5)])
    outline = label(rng) * radius + centre
    coverage = filled(shape, outline)
    colour = np.broadcast_to(paint(rng, photos), (*shape, 3)).astype(np.float32)
    depth = inside_distance(coverage)
    for _ in range(int(rng.integers(0, 4))):
        emblem = label(rng) * radius * rng.uniform(0.1, 0.45) + centre
        emblem += rng.normal(0, 0.2, 2) * radius
        colour = blend(colour, paint(rng, photos), filled(shape, emblem))
    if rng.random() < 0.6:
        text = np.zeros(shape, np.uint8)
        written = "".join(rng.choice(list("ABEHKLMNORSTX0123456789"), int(rng.integers(1, 6))))
        scale = radius / 30 / max(1.5, len(written) * 0.6)
        at = (round(centre[0] - 0.6 * radius), round(centre[1] + 0.3 * radius))
        cv2.putText(text, written, at, 0, scale, 255, max(1, round(scale * 3)), cv2.LINE_AA)
        colour = blend(colour, paint(rng, photos), np.asarray(text / np.float32(255), np.float32))
    if rng.random() < 0.85:
        colour = rim(rng, colour, coverage, photos)
    # Bevelled or flat: boards have no rounded body.
    bevel = 1 + rng.uniform(-0.2, 0.2) * (1 - smoothstep(0, 6, depth))
    board = finish(rng, np.clip(colour * bevel[..., None], 0, 1).astype(np.float32), coverage)
    foot = height * rng.uniform(0.85, 1.1)
    return over(board, pole(rng, shape, (centre[0], centre[1], foot), photos))


def pole(
    rng: np.random.Generator,
    shape: tuple[int, int],
    place: tuple[float, float, float],
    photos: Photos,
) -> Cutout:
    """Draw a round pole at `place`, that is x, top and foot in px, slightly leaning."""
    x, top, foot = place
    radius = min(shape) * math.exp(rng.uniform(math.log(0.004), math.log(0.02)))
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    aside = columns - x + (rows - top) * rng.normal(0, 0.015)
    reach = np.minimum(radius - abs(aside), np.minimum(rows - top, foot - rows))
    coverage = np.clip(reach + 0.5, 0, 1).astype(np.float32)
    towards = np.clip(aside / radius, -1, 1) - rng.uniform(-0.6, 0.6)
    light = np.asarray(0.75 + 0.35 * np.cos(1.2 * towards), np.float32)
    colour = np.clip(paint(rng, photos) * light[..., None], 0, 1)
    return Cutout(colour.astype(np.float32), coverage)
