"""Thin structures like writing: letters, handwriting, wires, chains and scribbles."""

from __future__ import annotations

import math
import string

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.noise import pixel_grid, warp
from lsamatting.data.synthesis.outlines import smooth_path
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.solids import shading, surface, unfocus
from lsamatting.data.synthesis.tapered import draw_tapered

Floats = NDArray[np.float32]

FINE = 3  # letters are drawn at this multiple of the size, then averaged down


def render(rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
    """Render letters or drawn lines, plain, shaded as if raised, or partly out of focus."""
    coverage = letters(rng, shape) if rng.random() < 0.5 else lines(rng, shape)
    first, second = photos.palette(rng, 2)
    x, y = pixel_grid(shape)
    angle = rng.uniform(0, 2 * math.pi)
    ramp = 0.5 + 0.5 * np.tanh(
        2 * ((x / shape[1] - 0.5) * math.cos(angle) + (y / shape[0] - 0.5) * math.sin(angle))
    )
    colour = first + (second - first) * ramp[..., None]
    choice = rng.random()
    if choice < 0.25:
        colour = np.full((*shape, 3), rng.choice([0.03, 0.1, 0.9, 0.98]), dtype=np.float32)
    elif choice < 0.4:
        colour = surface(rng, shape, photos)
    if rng.random() < 0.5:
        colour = colour * shading(rng, coverage)[..., None]
    colour = np.clip(colour, 0, 1).astype(np.float32)
    cutout = from_premultiplied(colour * coverage[..., None], coverage)
    return unfocus(rng, cutout) if rng.random() < 0.25 else cutout


def letters(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Coverage HxW of random words in a few sizes, turned, bent, and outlined or filled."""
    height, width = shape
    page = Image.new("L", (width * FINE, height * FINE), 0)
    draw = ImageDraw.Draw(page)
    outlined = rng.random() < 0.35
    size = min(shape) * float(np.exp(rng.uniform(math.log(0.04), math.log(0.3))))
    font = ImageFont.load_default(size * FINE)
    y = rng.uniform(0, 0.2) * height
    alphabet = np.array(list(string.ascii_letters + string.digits + "&?!@%*#()+=<>{}[]/"))
    while y < height:
        word = "".join(rng.choice(alphabet, size=int(rng.integers(3, 40))))
        stroke = max(1, round(rng.uniform(0.6, 2.0) * FINE)) if outlined else 0
        at = (rng.uniform(0, 0.15) * width * FINE, y * FINE)
        draw.text(at, word, fill=255, font=font, stroke_width=stroke, stroke_fill=255)
        if outlined:
            draw.text(at, word, fill=0, font=font)
        y += size * rng.uniform(1.0, 2.2)
    ink = np.asarray(page, dtype=np.float32) / 255
    map_x, map_y = warp(rng, shape, amplitude=min(shape) * rng.uniform(0, 0.05), scale=min(shape))
    turn, middle = rng.normal(0, 0.3), np.array([width, height]) / 2
    if rng.random() < 0.2:
        turn = rng.uniform(0, 2 * math.pi)
    dx, dy = map_x - middle[0], map_y - middle[1]
    cos, sin = math.cos(turn), math.sin(turn)
    fine = (width * FINE, height * FINE)
    grid = [
        cv2.resize(np.asarray(m, dtype=np.float32) * FINE, fine, interpolation=cv2.INTER_LINEAR)
        for m in (middle[0] + cos * dx - sin * dy, middle[1] + sin * dx + cos * dy)
    ]
    bent = cv2.remap(ink, grid[0], grid[1], cv2.INTER_LINEAR, borderValue=0)
    reduced = cv2.resize(bent, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(reduced, 0, 1), dtype=np.float32)


def lines(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Coverage HxW of handwriting, scribbles, hanging wires, or a chain."""
    canvas = np.zeros((*shape, 4), dtype=np.float32)
    height, width = shape
    choice = rng.random()
    paths: list[Floats] = []
    pen = float(np.exp(rng.uniform(math.log(0.3), math.log(4.0))))
    if choice < 0.4:  # handwriting: a cycloid whose loops vary
        t = np.linspace(0, 1, 1500)
        for row in np.arange(0.15, 0.95, rng.uniform(0.1, 0.3)):
            size = height * rng.uniform(0.015, 0.05)
            letters_in_row = rng.uniform(12, 40)
            pitches = rng.uniform(5, letters_in_row, (3, 1, 5))
            waves = np.sin(2 * math.pi * (pitches * t[:, None] + rng.uniform(0, 1, (3, 1, 5))))
            slow = 0.6 * waves.sum(axis=2)  # three wobbles of about unit variance
            phase = 2 * math.pi * letters_in_row * t + 0.5 * slow[0]
            x = width * (0.08 + 0.84 * t) - size * 0.7 * np.sin(phase)
            y = height * row + size * (1 + 0.5 * slow[1]) * np.cos(phase) + 0.5 * size * slow[2]
            paths.append(np.stack([x, y], axis=1).astype(np.float32))
    elif choice < 0.65:  # a scribble or tangled thread through random points
        knot_count = int(rng.integers(8, 30))
        for _ in range(int(rng.integers(1, 6))):
            knots = rng.uniform(0.05, 0.95, (knot_count, 2)) * [width, height]
            paths.append(smooth_path(knots, rounds=5).astype(np.float32))
    elif choice < 0.85:  # wires: parabolas between the edges
        for _ in range(int(rng.integers(2, 14))):
            t = np.linspace(0, 1, 100)
            left, right = rng.uniform(0, 1, 2) * height
            sag = rng.uniform(0, 0.3) * height * 4 * t * (1 - t)
            y = left + (right - left) * t + sag
            paths.append(np.stack([t * (width + 20) - 10, y], axis=1).astype(np.float32))
    else:  # chains: links seen alternately from the front and from the side
        for _ in range(int(rng.integers(1, 5))):
            ends = rng.uniform(0, 1, (2, 2)) * [width, height]
            link = min(shape) * rng.uniform(0.02, 0.05)
            count = max(2, int(np.linalg.norm(ends[1] - ends[0]) / link))
            along = (ends[1] - ends[0]) / count
            across = np.array([-along[1], along[0]]) * 0.35
            turn = np.linspace(0, 2 * math.pi, 40)[:, None]
            for n in range(count):
                middle = ends[0] + along * (n + 0.5)
                flat = 1.0 if n % 2 else 0.25
                loop = middle + along * 0.68 * np.cos(turn) + across * flat * np.sin(turn)
                paths.append(loop.astype(np.float32))
    points = np.stack(paths)
    pressure = 0.75 + 0.35 * np.sin(np.linspace(0, rng.uniform(5, 90), points.shape[1]))[
        None
    ] * float(choice < 0.65)
    radius = (pen * pressure * np.ones(points.shape[:2])).astype(np.float32)
    draw_tapered(
        canvas,
        points,
        radius=radius,
        colour=np.ones((*points.shape[:2], 3), dtype=np.float32),
        opacity=np.ones_like(radius),
    )
    return np.clip(canvas[..., 3], 0, 1)
