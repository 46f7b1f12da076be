"""Glass and liquids: a translucent body with a bright rim, reflections and highlights."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.noise import (
    octaves,
    pixel_grid,
    sample,
    slopes,
    smooth_field,
    smoothstep,
)
from lsamatting.data.synthesis.photos import Photos

Floats = NDArray[np.float32]
Reals = NDArray[np.floating[Any]]

FINE = 2  # drawn at this multiple of the size, then averaged down


class Layers:
    """Premultiplied colour and opacity, HxWx4, to which translucent layers are added on top."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.pixels = np.zeros((*shape, 4), dtype=np.float32)

    def add(self, colour: Reals, alpha: Reals) -> None:
        """Lay `colour` (HxWx3 or one colour) with `alpha` (HxW) over what is there."""
        cover = np.clip(alpha, 0, 1).astype(np.float32)[..., None]
        self.pixels *= 1 - cover
        self.pixels[..., :3] += np.asarray(colour, dtype=np.float32) * cover
        self.pixels[..., 3:] += cover

    def cutout(self, shape: tuple[int, int]) -> Cutout:
        """Average down to `shape`."""
        small = np.asarray(
            cv2.resize(self.pixels, shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32
        )
        return from_premultiplied(small[..., :3], small[..., 3])


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render a vessel, bubbles, a spill or splash, or a crumpled transparent sheet."""
    layers = Layers((shape[0] * FINE, shape[1] * FINE))
    choice = rng.random()
    if choice < 0.45:
        vessel(rng, layers, photos)
    elif choice < 0.65:
        bubbles(rng, layers, photos)
    elif choice < 0.85:
        liquid(rng, layers, photos)
    else:
        sheet(rng, layers, photos)
    return layers.cutout(shape)


def reflect(
    rng: np.random.Generator, photos: Photos, normal_x: Reals, normal_y: Reals
) -> tuple[Floats, Floats]:
    """Look up what a glossy surface mirrors: colours HxWx3, and how bright they are, HxW in [0, 1].

    The surroundings are a photograph out of focus with a window or two, looked up by the normal.
    """
    side = 256
    around = photos.patch(rng, side, side, smooth=float(rng.uniform(2, 8)))
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0.1, 0.9, 2) * side
        w, h = rng.uniform(0.02, 0.14, 2) * side
        cv2.rectangle(
            around, (int(x - w), int(y - h)), (int(x + w), int(y + h)), (1.0, 1.0, 0.98), -1
        )
    soft = np.asarray(cv2.GaussianBlur(around, (0, 0), rng.uniform(1.0, 4.0)), dtype=np.float32)
    seen = sample(soft, (normal_x * 0.48 + 0.5) * side, (normal_y * 0.48 + 0.5) * side)
    bright = smoothstep(0.55, 1.0, np.asarray(seen.mean(axis=2), dtype=np.float32))
    return seen, bright


def glaze(
    rng: np.random.Generator,
    layers: Layers,
    photos: Photos,
    coverage: Reals,
    normal_x: Reals,
    normal_y: Reals,
) -> None:
    """Add a glossy translucent surface: tinted body, rim by Fresnel's law, mirrored lights.

    coverage, normal_x, normal_y: HxW; the normal's part towards the camera follows from the two.
    """
    facing = np.sqrt(np.clip(1 - normal_x**2 - normal_y**2, 0, 1))
    body = rng.uniform(0.02, 0.3)
    rim = rng.uniform(0.4, 0.95)
    alpha = body + (rim - body) * (1 - facing) ** rng.uniform(1.8, 4.0)
    mirrored, bright = reflect(rng, photos, normal_x, normal_y)
    tint = photos.palette(rng, 1)[0] if rng.random() < 0.5 else np.full(3, rng.uniform(0.5, 0.95))
    # Glass against light has dark rims, against dark ones bright rims.
    edge = np.clip(tint * rng.choice([0.25, 1.3]), 0, 1)
    share = smoothstep(0.9, 0.2, facing)[..., None]
    colour = tint + (edge - tint) * share
    colour = colour + (mirrored - colour) * np.float32(rng.uniform(0.15, 0.5))
    layers.add(colour, coverage * alpha)
    layers.add(mirrored, coverage * bright * np.float32(rng.uniform(0.5, 0.95)))


def vessel(rng: np.random.Generator, layers: Layers, photos: Photos) -> None:
    """Draw a bottle, tumbler, goblet or vase: a revolved profile, perhaps with liquid in it."""
    height, width = layers.pixels.shape[:2]
    x, y = pixel_grid((height, width))
    tilt = rng.normal(0, 0.12)
    cx, cy = width * rng.uniform(0.4, 0.6), height * 0.5
    across = (x - cx) * math.cos(tilt) + (y - cy) * math.sin(tilt)
    up = (y - cy) * math.cos(tilt) - (x - cx) * math.sin(tilt)
    tall = height * rng.uniform(0.3, 0.45)
    level = up / tall  # −1 at the mouth, 1 at the foot
    wide = min(width * 0.4, tall * rng.uniform(0.35, 0.8))
    profiles = {
        "tumbler": [1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82],
        "bottle": [0.3, 0.3, 0.33, 0.75, 0.98, 1.0, 0.96],
        "goblet": [0.85, 1.0, 0.9, 0.3, 0.09, 0.08, 0.65],
        "vase": [0.7, 0.5, 0.45, 0.8, 1.0, 0.9, 0.6],
    }
    shape_of = profiles[str(rng.choice(list(profiles)))]
    knots = np.array(shape_of) * rng.uniform(0.9, 1.1, len(shape_of))
    heights = np.linspace(-1, 1, 400)
    radii = np.interp(heights, np.linspace(-1, 1, len(knots)), knots)
    radii = np.convolve(np.pad(radii, 30, mode="edge"), np.hanning(61) / np.hanning(61).sum())
    radii = radii[60:-60]
    radius = np.interp(level, heights, radii).astype(np.float32) * np.float32(wide)
    rates = np.gradient(radii, heights) * wide / tall
    slope = np.interp(level, heights, rates).astype(np.float32)
    oval = rng.uniform(0.08, 0.28)  # how much of the mouth one looks into
    t = np.clip(across / radius, -1, 1)
    bow = np.sqrt(np.clip(1 - t * t, 0, 1)) * oval
    mouth = float(np.interp(-1, heights, radii)) * wide
    foot = float(np.interp(1, heights, radii)) * wide
    # The mouth's far edge and the foot's near edge are half ellipses.
    top = up + tall + np.clip(bow, 0, 1) * mouth
    bottom = tall + bow * foot * 0.7 - up
    lean = 1 / np.sqrt(1 + slope**2)
    inside = np.clip((radius - np.abs(across)) * lean + 0.5, 0, 1)
    coverage = np.minimum(inside, np.clip(np.minimum(top, bottom) + 0.5, 0, 1)).astype(np.float32)
    nx = np.clip(t, -0.999, 0.999).astype(np.float32)
    ny = np.clip(-slope * np.sqrt(np.clip(1 - t * t, 0, 1)) * 0.8, -0.6, 0.6).astype(np.float32)
    norm = np.sqrt(np.maximum(nx**2 + ny**2, 1))
    if rng.random() < 0.6:  # liquid
        wall = rng.uniform(0.85, 0.95)
        fill = rng.uniform(-0.7, 0.6)
        surface_y = (level - fill) * tall
        surface = float(np.interp(fill, heights, radii)) * wide * wall
        dip = np.sqrt(np.clip(1 - (across / surface) ** 2, 0, 1)) * oval * surface
        inner = np.clip((radius * wall - np.abs(across)) * lean + 0.5, 0, 1)
        filled = inner * np.clip(surface_y + dip + 0.5, 0, 1) * np.clip(bottom - 4, 0, 1)
        colour = photos.palette(rng, 1)[0]
        depth = np.sqrt(np.clip(1 - (t / wall) ** 2, 0, 1))
        density = float(np.exp(rng.uniform(math.log(0.15), math.log(4))))
        shade = 0.7 + 0.4 * (1 - depth) + 0.1 * t
        layers.add(
            np.clip(colour * shade[..., None], 0, 1), filled * (1 - np.exp(-density * depth))
        )
        top_face = np.clip(dip - np.abs(surface_y) + 0.5, 0, 1) * inner
        layers.add(np.clip(colour * 1.3 + 0.1, 0, 1), top_face * rng.uniform(0.1, 0.6))
    glaze(rng, layers, photos, coverage, nx / norm, ny / norm)
    line = rng.uniform(1.0, 4.0)
    white = np.full(3, rng.uniform(0.75, 1.0))
    for centre, half, flat in ((-tall, mouth, 1.0), (tall, foot, 0.7)):
        ellipse = np.hypot(across / half, (up - centre) / (half * oval * flat))
        ring = np.clip(line / 2 - np.abs(ellipse - 1) * half * oval * 1.3 + 0.5, 0, 1)
        layers.add(white, ring * rng.uniform(0.3, 0.8))
    for _ in range(int(rng.integers(1, 4))):  # streaks of light down the side
        at, half = rng.uniform(-0.85, 0.85), rng.uniform(0.01, 0.06)
        ends = np.sort(rng.uniform(-0.9, 0.9, 2))
        streak = np.exp(-(((t - at) / half) ** 2)) * smoothstep(0, 0.1, level - ends[0])
        streak = streak * smoothstep(0, 0.1, ends[1] - level)
        layers.add(np.ones(3), streak * coverage * rng.uniform(0.4, 1.0))


def bubbles(rng: np.random.Generator, layers: Layers, photos: Photos) -> None:
    """Soap bubbles or glass balls, one large or many small."""
    height, width = layers.pixels.shape[:2]
    count = int(rng.choice([1, 3, 12, 40]))
    largest = min(height, width) * (0.4 if count == 1 else 0.28 / math.sqrt(count / 3))
    soap = rng.random() < 0.6
    for _ in range(count):
        radius = largest * rng.uniform(0.3 if count > 1 else 0.7, 1.0)
        cx = rng.uniform(0.12 * width, 0.88 * width) if count > 1 else width / 2
        cy = rng.uniform(0.12 * height, 0.88 * height) if count > 1 else height / 2
        left, top = max(0, int(cx - radius - 2)), max(0, int(cy - radius - 2))
        right, bottom = min(width, int(cx + radius + 3)), min(height, int(cy + radius + 3))
        part = Layers((bottom - top, right - left))
        x, y = pixel_grid((bottom - top, right - left))
        nx, ny = (x + left - cx) / radius, (y + top - cy) / radius
        far = np.hypot(nx, ny)
        coverage = np.clip((1 - far) * radius + 0.5, 0, 1).astype(np.float32)
        outside = np.maximum(far, 1e-6) / np.minimum(far, 0.999).clip(1e-6)
        nx, ny = nx / outside, ny / outside
        part.pixels[:] = layers.pixels[top:bottom, left:right]
        glaze(rng, part, photos, coverage, nx, ny)
        if soap:
            hue = 6 * far + rng.uniform(0, 3) + 1.5 * ny
            film = 0.5 + 0.5 * np.cos(hue[..., None] * 2 + np.array([0.0, 2.1, 4.2]))
            layer = coverage * rng.uniform(0.1, 0.35) * smoothstep(0.3, 1.0, far)
            part.add(film.astype(np.float32), layer)
        layers.pixels[top:bottom, left:right] = part.pixels


def liquid(rng: np.random.Generator, layers: Layers, photos: Photos) -> None:
    """Draw a spill or splash: drops that merge, rounded at the rim by surface tension."""
    height, width = layers.pixels.shape[:2]
    shape = (height, width)
    scale = min(shape) * rng.uniform(0.06, 0.3)
    field = octaves(rng, shape, scale=scale, count=3, gain=rng.uniform(0.25, 0.5))
    where = smooth_field(rng, shape, scale=min(shape) / 2.5)
    level = field + 0.9 * where - rng.uniform(0.1, 0.9)
    gy, gx = slopes(level)
    steep = np.sqrt(gx**2 + gy**2) + 1e-4
    inside = level / np.sqrt(steep**2 + np.float32((0.3 / scale) ** 2))  # about the distance
    coverage = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    thick = max(6.0, scale * rng.uniform(0.15, 0.5))
    rise = np.clip(1 - inside / thick, 0, 0.999)  # 1 at the rim, 0 where the liquid lies flat
    relief = octaves(rng, shape, scale=scale, count=2, gain=0.3)
    ry, rx = slopes(relief)
    nx = -gx / steep * rise + rx * scale * rng.uniform(0.0, 0.25)
    ny = -gy / steep * rise + ry * scale * rng.uniform(0.0, 0.25)
    norm = np.sqrt(np.maximum(nx**2 + ny**2, 1)) * 1.001
    glaze(rng, layers, photos, coverage, nx / norm, ny / norm)


def sheet(rng: np.random.Generator, layers: Layers, photos: Photos) -> None:
    """Cellophane or a plastic bag: a thin film with creases that catch the light."""
    height, width = layers.pixels.shape[:2]
    shape = (height, width)
    x, y = pixel_grid(shape)
    crease = octaves(
        rng, shape, scale=min(shape) * rng.uniform(0.15, 0.45), count=3, gain=0.4, ridged=True
    )
    gy, gx = slopes(crease)
    strength = min(shape) * rng.uniform(0.01, 0.03)
    nx, ny = np.tanh(gx * strength) * 0.69, np.tanh(gy * strength) * 0.69
    far = np.maximum(np.abs(x / width - 0.5), np.abs(y / height - 0.5)) * 2
    bound = 0.85 + 0.05 * octaves(rng, shape, scale=min(shape) / 4, count=4)
    edge = (bound - far) * min(shape) / 2
    coverage = np.clip(edge + 0.5, 0, 1).astype(np.float32)
    glaze(rng, layers, photos, coverage, nx.astype(np.float32), ny.astype(np.float32))
    hem = np.exp(-(((edge - 3) / 2.5) ** 2))
    layers.add(np.full(3, 0.9), (hem * rng.uniform(0.1, 0.6)).astype(np.float32))
