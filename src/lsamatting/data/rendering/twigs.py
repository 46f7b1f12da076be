"""Branches that fork into twigs, with leaves, needles, blossoms or bare."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import unit
from lsamatting.data.rendering.scene import Matter, Scene, Strands, Surface, as_strands
from lsamatting.data.rendering.sheets import sheets
from lsamatting.data.rendering.strands import Bending, frizz, grow_guides
from lsamatting.data.rendering.subject import Subject

Doubles = NDArray[np.float64]
_POINTS = 9

_LEAVES = np.array(
    [
        (0.05, 0.16, 0.02),
        (0.11, 0.24, 0.03),
        (0.22, 0.3, 0.06),
        (0.5, 0.28, 0.03),
        (0.45, 0.09, 0.03),
        (0.06, 0.13, 0.07),
    ]
)


def build(rng: np.random.Generator) -> Subject:
    """Build a few branches from one place."""
    branches, thickness = _branches(rng)
    bark = np.array([0.13, 0.09, 0.06]) * np.exp(rng.normal(0, 0.5)) * rng.uniform(0.8, 1.2, 3)
    shade = np.exp(rng.normal(0, 0.2, (len(branches), 1, 1)))
    scene = Scene([as_strands(branches, thickness, bark * shade, Matter(0.85, 0.2))])
    dressed = str(rng.choice(["leaves", "needles", "blossom", "bare"], p=[0.5, 0.25, 0.13, 0.12]))
    # Only what is thin bears leaves.
    bearing = branches[thickness[:, 0] < np.quantile(thickness[:, 0], 0.93)]
    if dressed == "leaves":
        scene.surfaces.append(_leaves(rng, bearing, _LEAVES[rng.integers(len(_LEAVES))]))
    elif dressed == "needles":
        scene.strands.append(_needles(rng, bearing))
    elif dressed == "blossom":
        pale = np.array([0.85, rng.uniform(0.35, 0.85), rng.uniform(0.45, 0.85)])
        scene.surfaces.append(_blossom(rng, bearing, pale))
        if rng.random() < 0.5:
            scene.surfaces.append(_leaves(rng, bearing[::3], _LEAVES[rng.integers(3)]))
    return Subject(scene, closest=0.25, elevations=(-30, 35))


def _branches(rng: np.random.Generator) -> tuple[Doubles, Doubles]:
    """Draw branches NxKx3 and radii NxK, each generation thinner and off the one before."""
    count = int(rng.integers(1, 5))
    lean = unit(rng.normal(0, 1, 3) * [1, 1, 0.5] + [0, 0, 0.4])
    roots = rng.normal(0, 0.06, (count, 3))
    directions = lean + rng.normal(0, 0.4, (count, 3))
    lengths = rng.uniform(1.2, 2, count)
    radii = np.full(count, rng.uniform(0.015, 0.04))
    bending = Bending((0, 0, rng.uniform(-0.6, 0.4)), rng.uniform(0.15, 0.6))
    found, thick = [], []
    per_branch = int(rng.integers(4, 9))
    for generation in range(3):
        grown = grow_guides(rng, roots, directions, lengths, points=_POINTS, bending=bending)
        found.append(grown)
        taper = np.linspace(1, 0.35, _POINTS)
        thick.append(radii[:, None] * taper)
        owner = np.repeat(np.arange(len(grown)), per_branch)
        if generation == 2:
            break
        at = rng.uniform(0.15, 0.98, len(owner)) * (_POINTS - 1)
        before = np.minimum(at.astype(np.intp), _POINTS - 2)
        part = (at - before)[:, None]
        start, end = grown[owner, before], grown[owner, before + 1]
        roots = start * (1 - part) + end * part
        away = unit(np.cross(unit(end - start), rng.normal(size=start.shape)))
        directions = unit(end - start) + away * rng.uniform(0.4, 1.3, (len(owner), 1))
        lengths = lengths[owner] * rng.uniform(0.2, 0.6, len(owner)) * (1.1 - at / _POINTS)
        radii = np.maximum(thick[-1][owner, before] * rng.uniform(0.4, 0.6, len(owner)), 0.003)
    return np.concatenate(found), np.concatenate(thick)


def _along(
    rng: np.random.Generator, branches: Doubles, count: int
) -> tuple[Doubles, Doubles, Doubles]:
    """Draw places on branches, their directions there and directions off them, each Nx3."""
    length = np.linalg.norm(np.diff(branches, axis=1), axis=2).sum(axis=1)
    owner = rng.choice(len(branches), size=count, p=length / length.sum())
    at = rng.integers(1, _POINTS, count)
    part = rng.random((count, 1))
    start, end = branches[owner, at - 1], branches[owner, at]
    forward = unit(end - start)
    away = unit(np.cross(forward, rng.normal(size=forward.shape)))
    return start * (1 - part) + end * part, forward, away


def _leaves(rng: np.random.Generator, branches: Doubles, green: Doubles) -> Surface:
    count = int(np.exp(rng.uniform(np.log(60), np.log(900))))
    root, forward, away = _along(rng, branches, count)
    size = np.exp(rng.uniform(np.log(0.07), np.log(0.3))) * (200 / count) ** 0.25
    middle = grow_guides(
        rng,
        root,
        forward + away * rng.uniform(0.5, 1.5),
        size * rng.uniform(0.5, 1.1, count),
        points=_POINTS,
        bending=Bending((0, 0, -rng.uniform(0, 4)), 0.4),
    )
    along = np.linspace(0, 1, _POINTS)
    stalk = np.clip((along - 0.12) * 8, 0.05, 1)
    outline = stalk * np.sin(np.pi * along ** rng.uniform(0.6, 1.1)) ** rng.uniform(0.5, 1.1)
    widths = size * rng.uniform(0.14, 0.45) * rng.uniform(0.8, 1.2, (count, 1)) * outline
    across = np.cross(forward, away) + rng.normal(0, 0.5, away.shape)
    other = _LEAVES[rng.integers(len(_LEAVES))]
    share = np.clip(rng.normal(0, 0.4, (count, 1, 1)), 0, 1) * rng.uniform(0, 1)
    colour = green + share * (other - green)
    colour = colour * np.exp(rng.normal(0, 0.25, (count, 1, 1))) * np.ones((1, _POINTS, 1))
    return sheets(
        middle,
        across,
        np.maximum(widths, size * 0.012),
        np.clip(colour, 0.003, 0.9),
        Matter(rng.uniform(0.3, 0.7), 0.4, translucency=rng.uniform(0.25, 0.5)),
        fold=rng.uniform(0, 0.5),
    )


def _needles(rng: np.random.Generator, branches: Doubles) -> Strands:
    count = int(rng.uniform(4000, 11000))
    root, forward, away = _along(rng, branches, count)
    reach = rng.uniform(0.06, 0.2) * rng.uniform(0.7, 1.1, (count, 1, 1))
    heading = unit(forward * rng.uniform(0.3, 1.2) + away)
    step = np.linspace(0, 1, 5)[None, :, None]
    points = frizz(rng, root[:, None] + heading[:, None] * step * reach, 0.03)
    green = np.array([0.03, 0.1, 0.035]) * np.exp(rng.normal(0, 0.3, 3))
    colour = green * np.exp(rng.normal(0, 0.3, (count, 1, 1)))
    dry = rng.random(count) < 0.06
    colour = np.where(dry[:, None, None], [0.3, 0.17, 0.06], colour)
    radius = rng.uniform(0.002, 0.0035) * np.array([1, 1, 1, 0.8, 0.3])
    return as_strands(points, radius, colour, Matter(0.4, 0.4))


def _blossom(rng: np.random.Generator, branches: Doubles, pale: Doubles) -> Surface:
    """Draw flowers of five petals, in place of leaves."""
    count = int(rng.uniform(60, 250))
    root, forward, away = _along(rng, branches, count)
    facing = unit(forward * 0.3 + away)
    side = unit(np.cross(facing, rng.normal(size=facing.shape)))
    up = np.cross(facing, side)
    turn = np.arange(5) * 2 * np.pi / 5
    petal = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * up[:, None]
    size = rng.uniform(0.05, 0.1)
    opening = rng.uniform(0.1, 0.8)
    step = np.linspace(0, 1, 6)[None, None, :, None]
    middle = (root + facing * 0.02)[:, None, None] + size * step * (
        petal[:, :, None] + opening * facing[:, None, None] * (1 - 0.3 * step)
    )
    middle = middle.reshape(-1, 6, 3)
    across = np.cross(np.repeat(facing, 5, axis=0), petal.reshape(-1, 3))
    outline = np.array([0.12, 0.32, 0.48, 0.52, 0.42, 0.12]) * size
    widths = np.broadcast_to(outline, middle.shape[:2])
    colour = pale * np.exp(rng.normal(0, 0.06, (len(middle), 1, 1))) * np.ones((1, 6, 1))
    return sheets(
        middle, across, widths, np.clip(colour, 0, 0.95), Matter(0.6, 0.2, translucency=0.45)
    )
