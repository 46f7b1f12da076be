"""Leaves and twigs: branches, ferns, grass, conifers, flowers and bare twigs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.compiled import compiled
from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.solids import unfocus
from lsamatting.data.synthesis.tapered import draw_tapered

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FINE = 2  # drawn at this multiple of the size, then averaged down


@dataclass(frozen=True)
class Blade:
    """The form of one kind of leaf; lengths are shares of the leaf's own length.

    belly: position of the widest point, 0 at the stalk, 1 at the tip. point: how drawn out the
    ends are (1: round … 3: pointed). lobes, lobe_depth: large scallops along the edge. teeth,
    tooth_depth: fine ones. veins: side veins on each side.
    """

    slim: float
    belly: float
    point: float
    lobes: int
    lobe_depth: float
    teeth: int
    tooth_depth: float
    veins: int
    contrast: float


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render one plant, in focus or partly out of it."""
    fine = (shape[0] * FINE, shape[1] * FINE)
    canvas = np.zeros((*fine, 4), dtype=np.float32)
    plants = (branch, fern, grass, conifer, flower, bare)
    plant = plants[int(rng.choice(6, p=[0.35, 0.12, 0.13, 0.12, 0.1, 0.18]))]
    often = plant in (branch, conifer, bare)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])) if often else 1):
        plant(rng, canvas, photos)
    small = np.clip(cv2.resize(canvas, shape[::-1], interpolation=cv2.INTER_AREA), 0, 1)
    cutout = from_premultiplied(
        np.asarray(small[..., :3], dtype=np.float32), np.asarray(small[..., 3], dtype=np.float32)
    )
    return unfocus(rng, cutout) if rng.random() < 0.3 else cutout


def branch(rng: np.random.Generator, canvas: Floats, photos: Photos) -> None:
    """Draw a branch that forks, with leaves along its twigs."""
    side = min(canvas.shape[:2])
    blade = random_blade(rng)
    greens, bark = foliage(rng, photos, 6), wood(rng, photos)
    leaf = side * rng.uniform(0.06, 0.2)
    leaves: list[tuple[float, Doubles, float, float]] = []
    for path, radii in grow(rng, canvas.shape[:2], forks=int(rng.integers(2, 8)), depth=2):
        twig(rng, canvas, path, radii, bark)
        spacing = leaf * rng.uniform(0.25, 0.6)
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        for n, along in enumerate(np.arange(0.15 * length, length, spacing) / length):
            at = along * (len(path) - 1)
            k = min(int(at), len(path) - 2)
            point = path[k] + (path[k + 1] - path[k]) * (at - k)
            heading = math.atan2(*(path[k + 1] - path[k])[::-1])
            turn = (1 if n % 2 else -1) * rng.normal(0.9, 0.35)
            leaves.append(
                (rng.uniform(), point, heading + turn, leaf * float(np.exp(rng.normal(0, 0.25))))
            )
        end = math.atan2(*(path[-1] - path[-2])[::-1])
        leaves.append((rng.uniform(), path[-1], end, leaf))
    for depth, point, heading, size in sorted(leaves, key=lambda item: item[0]):
        shade = 0.6 + 0.45 * depth
        paint(rng, canvas, blade, point, heading, size, tone(rng, greens) * shade, bark[0])


def fern(rng: np.random.Generator, canvas: Floats, photos: Photos) -> None:
    """Fronds: leaflets in pairs along a curved rib, shorter towards the tip."""
    height, width = canvas.shape[:2]
    side = min(height, width)
    greens = foliage(rng, photos, 4)
    blade = Blade(rng.uniform(0.1, 0.3), 0.3, rng.uniform(1.5, 3), 0, 0, 20, 0.08, 8, 0.15)
    for _ in range(int(rng.integers(1, 6))):
        start = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.8, 1.05) * height])
        rib = curve(rng, start, -math.pi / 2 + rng.normal(0, 0.6), side * rng.uniform(0.5, 0.9))
        pairs = int(rng.integers(12, 40))
        longest = side * rng.uniform(0.08, 0.22)
        colour = tone(rng, greens)
        twig(rng, canvas, rib, np.linspace(3.0, 0.8, len(rib)), np.stack([colour * 0.7] * 2))
        for along in np.linspace(0.08, 0.99, pairs):
            at = along * (len(rib) - 1)
            k = min(int(at), len(rib) - 2)
            point = rib[k] + (rib[k + 1] - rib[k]) * (at - k)
            heading = math.atan2(*(rib[k + 1] - rib[k])[::-1])
            size = longest * math.sin(math.pi * min(1.0, 0.25 + 0.75 * along)) + 4
            for turn in (-1.1, 1.1):
                angle = heading + turn + rng.normal(0, 0.08)
                shade = rng.uniform(0.85, 1.1)
                paint(rng, canvas, blade, point, angle, size, colour * shade, colour * 0.7)


def grass(rng: np.random.Generator, canvas: Floats, photos: Photos) -> None:
    """Draw a tuft or a meadow's edge: long blades that bend over, a few with seed heads."""
    height, width = canvas.shape[:2]
    greens = foliage(rng, photos, 8)
    if rng.random() < 0.3:
        greens = np.stack([wood(rng, photos)[1] * 1.6 + 0.1] * 3)  # hay
    tuft = rng.random() < 0.5
    count = int(rng.integers(40, 260))
    tall = height * rng.uniform(0.35, 0.8)
    thin = rng.uniform(0.8, 5.0)
    points, radii, colours = [], [], []
    for n in range(count):
        x = rng.normal(0.5, 0.06) if tuft else rng.uniform(-0.05, 1.05)
        start = np.array([x * width, height * rng.uniform(0.92, 1.02)])
        lean = rng.normal(0, 0.5 if tuft else 0.25)
        path = curve(rng, start, -math.pi / 2 + lean, tall * rng.uniform(0.3, 1.1), droop=lean * 2)
        t = np.linspace(0, 1, len(path))
        colour = tone(rng, greens) * (0.55 + 0.5 * n / count)
        points.append(path)
        radii.append(thin * rng.uniform(0.5, 1.2) * (1 - t**2) + 0.15)
        colours.append(colour * (0.7 + 0.45 * t[:, None]))
        if rng.random() < 0.08:
            for along in np.linspace(0.75, 1, 12):
                at = path[int(along * (len(path) - 1))]
                blade = Blade(0.35, 0.5, 1.2, 0, 0, 0, 0, 0, 0)
                angle = -math.pi / 2 + rng.normal(0, 0.6)
                paint(rng, canvas, blade, at, angle, thin * 5, colour * 1.1, colour)
    strokes(canvas, points, radii, colours)


def conifer(rng: np.random.Generator, canvas: Floats, photos: Photos) -> None:
    """Twigs covered with needles."""
    side = min(canvas.shape[:2])
    greens, bark = foliage(rng, photos, 5) * np.float32(0.75), wood(rng, photos)
    needle = side * rng.uniform(0.02, 0.08)
    thin = rng.uniform(0.6, 2.0)
    for path, radii in grow(rng, canvas.shape[:2], forks=int(rng.integers(3, 9)), depth=2):
        twig(rng, canvas, path, radii * 0.7, bark)
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        count = int(length / rng.uniform(2.0, 5.0))
        points, widths, colours = [], [], []
        for along in rng.uniform(0.05, 1, count):
            at = along * (len(path) - 1)
            k = min(int(at), len(path) - 2)
            heading = math.atan2(*(path[k + 1] - path[k])[::-1])
            angle = heading + rng.choice([-1, 1]) * rng.uniform(0.2, 1.1)
            reach = needle * rng.uniform(0.6, 1.1)
            tip = np.array([math.cos(angle), math.sin(angle)]) * reach
            base = path[k] + (path[k + 1] - path[k]) * (at - k)
            bow = np.array([-tip[1], tip[0]]) * rng.normal(0, 0.08)
            points.append(np.stack([base, base + tip / 2 + bow, base + tip]))
            widths.append(thin * np.array([1.0, 0.9, 0.25]))
            colour = tone(rng, greens)
            colours.append(colour * np.array([[0.7], [1.0], [1.15]]))
        strokes(canvas, points, widths, colours)


def flower(rng: np.random.Generator, canvas: Floats, photos: Photos) -> None:
    """One or a few flowers on stalks: petals around a heart, leaves below."""
    height, width = canvas.shape[:2]
    side = min(height, width)
    greens = foliage(rng, photos, 4)
    petals_colour = photos.palette(rng, 3).astype(np.float64)
    brightest = petals_colour.max()
    petals_colour = petals_colour / max(brightest, 0.3) * rng.uniform(0.75, 1.0)
    petal = Blade(rng.uniform(0.15, 0.7), rng.uniform(0.5, 0.75), 1.0, 0, 0, 0, 0, 5, 0.08)
    count = int(rng.integers(1, 8))
    for _ in range(count):
        size = side * rng.uniform(0.1, 0.3) / math.sqrt(count)
        head = np.array([rng.uniform(0.15, 0.85) * width, rng.uniform(0.12, 0.6) * height])
        stalk = curve(rng, head, math.pi / 2 + rng.normal(0, 0.2), height * 0.9)
        green = tone(rng, greens)
        twig(rng, canvas, stalk, np.full(len(stalk), side * 0.004), np.stack([green, green * 0.7]))
        for _ in range(int(rng.integers(0, 5))):
            at = stalk[int(rng.integers(6, len(stalk)))]
            angle = -math.pi / 2 + rng.normal(0, 1.0)
            leaf = random_blade(rng)
            paint(rng, canvas, leaf, at, angle, size * 1.5, tone(rng, greens), green)
        number = int(rng.integers(5, 26))
        squash = rng.uniform(0.4, 1.0)
        for ring in range(int(rng.integers(1, 3))):
            for angle in np.arange(number) * 2 * math.pi / number + 0.3 * ring + rng.uniform(0, 7):
                angle = float(angle + rng.normal(0, 0.06))
                reach = math.hypot(math.cos(angle), squash * math.sin(angle))
                seen = math.atan2(squash * math.sin(angle), math.cos(angle))
                long = size * (1 - 0.3 * ring) * reach
                colour = tone(rng, petals_colour) * rng.uniform(0.85, 1.05)
                paint(rng, canvas, petal, head, seen, long, colour, colour * 0.8)
        heart = Blade(1.0, 0.5, 1.0, 0, 0, 0, 0, 0, 0)
        dot = petals_colour[0] * 0.3 + np.array([0.5, 0.35, 0.05])
        start = head - np.array([size * 0.18, 0])
        paint(rng, canvas, heart, start, 0.0, size * 0.36, dot, dot)


def bare(rng: np.random.Generator, canvas: Floats, photos: Photos) -> None:
    """Draw a tree or shrub without leaves, forking down to hair-thin twigs."""
    bark = wood(rng, photos)
    forks = int(rng.integers(4, 8))
    for path, radii in grow(rng, canvas.shape[:2], forks=forks, depth=4):
        twig(rng, canvas, path, radii, bark)


def grow(
    rng: np.random.Generator, shape: tuple[int, ...], *, forks: int, depth: int
) -> list[tuple[Doubles, Doubles]]:
    """Paths (N x 2) and radii (N) of a forking branch that enters the frame from outside."""
    height, width = shape[:2]
    heading = rng.uniform(0, 2 * math.pi)
    middle = np.array([width, height]) / 2
    start = middle - np.array([math.cos(heading), math.sin(heading)]) * max(shape[:2]) * 0.55
    trunk = curve(rng, start, heading + rng.normal(0, 0.2), min(height, width) * 0.95)
    thick = min(height, width) * rng.uniform(0.004, 0.016)
    grown = [(trunk, np.linspace(thick, thick * 0.3, len(trunk)))]
    latest = grown[:]
    for _ in range(depth - 1):
        fresh = []
        for path, radii in latest:
            length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
            for n in range(forks):
                k = int(rng.uniform(0.2, 0.95) * (len(path) - 1))
                along = math.atan2(*(path[k + 1] - path[k])[::-1])
                turn = (1 if n % 2 else -1) * rng.uniform(0.3, 1.1)
                reach = length * rng.uniform(0.25, 0.6) * (1.1 - k / len(path))
                twig_path = curve(rng, path[k], along + turn, reach)
                base = radii[k] * rng.uniform(0.4, 0.8)
                fresh.append((twig_path, np.maximum(np.linspace(base, base * 0.3, 24), 0.4)))
        grown += fresh
        latest = fresh
    return grown


def curve(
    rng: np.random.Generator, start: Doubles, heading: float, length: float, *, droop: float = 0.0
) -> Doubles:
    """Trace a path of 24 points that wanders a little and turns by `droop` radians in all."""
    count = 24
    turning = rng.normal(0, 0.5) + droop + rng.normal(0, 0.8) * np.linspace(-1, 1, count)
    angles = heading + np.cumsum(turning) / count + np.cumsum(rng.normal(0, 0.06, count))
    steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (length / (count - 1))
    return np.asarray(start + np.vstack([np.zeros(2), np.cumsum(steps[1:], axis=0)]))


def twig(
    rng: np.random.Generator, canvas: Floats, path: Doubles, radii: Doubles, bark: Doubles
) -> None:
    """Draw a twig: dark underneath, lit along its upper side, brown fading from bark to young."""
    t = np.linspace(0, 1, len(path))[:, None]
    colour = bark[0] * (1 - t) + bark[1] * t
    colour = colour * (1 + rng.normal(0, 0.08, (len(path), 1)))
    lit = path + np.array([-0.35, -0.35]) * radii[:, None]
    strokes(
        canvas,
        [path, lit],
        [radii, radii * 0.5],
        [colour * 0.7, np.clip(colour * 1.35, 0, 1)],
    )


def strokes(
    canvas: Floats, points: list[Doubles], radii: list[Doubles], colours: list[Doubles]
) -> None:
    """Draw opaque strokes of equally many vertices."""
    if not points:
        return
    widths = np.asarray(radii, dtype=np.float32)
    draw_tapered(
        canvas,
        np.asarray(points, dtype=np.float32),
        radius=widths,
        colour=np.clip(colours, 0, 1).astype(np.float32),
        opacity=np.ones_like(widths),
    )


def random_blade(rng: np.random.Generator) -> Blade:
    """One of: plain, toothed, lobed or needle-shaped leaves."""
    lobed, toothed = rng.random() < 0.25, rng.random() < 0.5
    return Blade(
        slim=float(np.exp(rng.uniform(math.log(0.08), math.log(0.45)))),
        belly=rng.uniform(0.3, 0.6),
        point=rng.uniform(1.0, 2.0),
        lobes=int(rng.integers(3, 7)) if lobed else 0,
        lobe_depth=rng.uniform(0.2, 0.6) if lobed else 0.0,
        teeth=int(rng.integers(10, 40)) if toothed else 0,
        tooth_depth=rng.uniform(0.04, 0.15) if toothed else 0.0,
        veins=int(rng.integers(4, 12)),
        contrast=rng.uniform(0.08, 0.3),
    )


def foliage(rng: np.random.Generator, photos: Photos, count: int) -> Doubles:
    """Leaf colours: the greenest of a photograph's, pulled towards a green if it has none."""
    found = photos.palette(rng, 40).astype(np.float64)
    if rng.random() < 0.15:  # autumn, red cabbage, dry leaves: whatever the photograph has
        return found[:count]
    green = found[:, 1] - 0.5 * (found[:, 0] + found[:, 2])
    best = found[np.argsort(-green)[:count]]
    typical = np.array([0.35, 0.5, 0.15]) * rng.uniform(0.5, 1.5) + rng.normal(0, 0.04, 3)
    pull = np.clip((0.08 - np.sort(-green)[:count] * -1) / 0.08, 0, 1)[:, None] * 0.9
    return np.asarray(np.clip(best + (typical - best) * pull, 0.02, 0.95))


def wood(rng: np.random.Generator, photos: Photos) -> Doubles:
    """Two colours, 2 x 3: old bark and young twig, brown or grey with a photograph's tint."""
    tint = photos.palette(rng, 1)[0].astype(np.float64)
    brown = np.array([0.36, 0.26, 0.18]) * rng.uniform(0.4, 1.6)
    grey = np.full(3, rng.uniform(0.2, 0.6))
    old = brown + (grey - brown) * rng.uniform(0, 0.8)
    old = old + (tint - old) * rng.uniform(0, 0.3)
    return np.stack([old, np.clip(old * rng.uniform(0.8, 1.4) + [0.03, 0.03, 0.0], 0, 1)])


def tone(rng: np.random.Generator, colours: Doubles) -> Doubles:
    """One of the colours, a little lighter or darker, yellower or bluer."""
    colour = colours[int(rng.integers(len(colours)))]
    return np.asarray(np.clip(colour * np.exp(rng.normal(0, 0.12)) + rng.normal(0, 0.015, 3), 0, 1))


def paint(
    rng: np.random.Generator,
    canvas: Floats,
    blade: Blade,
    base: Doubles,
    heading: float,
    length: float,
    colour: Doubles,
    vein: Doubles,
) -> None:
    """Draw one leaf over the canvas, from its stalk at `base` (x, y) towards `heading`."""
    foreshortened = blade.slim * rng.uniform(0.5, 1.1)
    light = 0.5 + 0.5 * math.sin(heading + 0.7)
    _paint(
        canvas,
        float(base[0]),
        float(base[1]),
        float(heading),
        max(float(length), 2.0),
        float(foreshortened),
        blade.belly,
        blade.point,
        blade.lobes,
        blade.lobe_depth,
        blade.teeth,
        blade.tooth_depth,
        blade.veins,
        blade.contrast,
        float(rng.normal(0, 0.2)),
        float(rng.uniform(0.0, 0.3)),
        np.clip(colour * (0.85 + 0.25 * light), 0, 1).astype(np.float32),
        np.clip(0.5 * (vein + colour) + 0.1, 0, 1).astype(np.float32),
    )


@compiled(nogil=True)
def _paint(
    canvas: Floats,
    x0: float,
    y0: float,
    heading: float,
    length: float,
    slim: float,
    belly: float,
    point: float,
    lobes: int,
    lobe_depth: float,
    teeth: int,
    tooth_depth: float,
    veins: int,
    contrast: float,
    bend: float,
    halves: float,
    colour: Floats,
    vein: Floats,
) -> None:
    height, width = canvas.shape[:2]
    cos, sin = math.cos(heading), math.sin(heading)
    reach = length * (1.05 + abs(bend))
    half = length * (slim + abs(bend)) * 1.2 + 2
    ax, ay = x0 + cos * reach, y0 + sin * reach
    left = max(0, math.floor(min(x0, ax) - half))
    right = min(width - 1, math.ceil(max(x0, ax) + half))
    top = max(0, math.floor(min(y0, ay) - half))
    bottom = min(height - 1, math.ceil(max(y0, ay) + half))
    # Width along the leaf: s^a (1−s)^b, which is 1 at the belly.
    b = point * 0.7
    a = b * belly / (1 - belly)
    peak = belly**a * (1 - belly) ** b
    for i in range(top, bottom + 1):
        for j in range(left, right + 1):
            dx, dy = j - x0, i - y0
            s = (dx * cos + dy * sin) / length
            if s <= 0.0 or s >= 1.0:
                continue
            t = (-dx * sin + dy * cos) / length - bend * s * s
            side = 1.0 if t >= 0 else -1.0
            w = slim * s**a * (1 - s) ** b / peak
            if lobes > 0:
                w *= 1 - lobe_depth * (0.5 + 0.5 * math.cos(6.2832 * lobes * (s + 0.3 * abs(t))))
            if teeth > 0:
                w *= 1 - tooth_depth * ((s * teeth) % 1.0)
            distance = (w - abs(t)) * length
            if distance <= -0.5:
                continue
            cover = min(1.0, distance + 0.5)
            # Along the midrib and the slanting side veins.
            middle = abs(t) * length / (1.0 + 0.006 * length)
            line = math.exp(-middle * middle)
            if veins > 0:
                phase = (s - 0.6 * abs(t)) * veins
                off = abs(phase - round(phase)) / veins * length / (0.8 + 0.004 * length)
                line = max(line, 0.6 * math.exp(-off * off))
            line *= min(1.0, contrast * 3.0)
            inner = abs(t) / max(w, 1e-4)
            shade = 1.0 + halves * side * 0.5 - 0.25 * contrast * inner * inner + 0.12 * (s - 0.5)
            for c in range(3):
                value = (colour[c] + (vein[c] - colour[c]) * line) * shade
                value = min(max(value, 0.0), 1.0)
                canvas[i, j, c] = canvas[i, j, c] * (1 - cover) + value * cover
            canvas[i, j, 3] = canvas[i, j, 3] * (1 - cover) + cover
