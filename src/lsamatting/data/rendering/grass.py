"""Tufts of grass, ears with awns, plumes and the clocks of dandelions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import unit
from lsamatting.data.rendering.scene import Matter, Scene, Strands, Surface, as_strands
from lsamatting.data.rendering.sheets import sheets
from lsamatting.data.rendering.strands import Bending, frizz, grow_guides
from lsamatting.data.rendering.subject import Subject

Doubles = NDArray[np.float64]
_POINTS = 10
_LEAF = Matter(0.5, 0.3, translucency=0.4)
_DRY = Matter(0.8, 0.15, translucency=0.25)


def build(rng: np.random.Generator) -> Subject:
    """Build a tuft of blades with stalks that carry ears, plumes or clocks."""
    wind = rng.normal(0, 0.5, 2)
    fresh = _fresh(rng)
    scene = Scene()
    heads = str(rng.choice(["none", "ears", "plumes", "clocks"], p=[0.25, 0.3, 0.25, 0.2]))
    if heads != "clocks" or rng.random() < 0.6:
        scene.surfaces.append(_blades(rng, wind, fresh, dense=heads == "none"))
    if heads != "none":
        stalks = _stalks(rng, wind)
        green = fresh * 0.6 + np.array([0.25, 0.2, 0.08]) * rng.uniform(0.2, 0.8)
        radius = np.linspace(0.011, 0.005, _POINTS) * rng.uniform(0.8, 1.8)
        scene.strands.append(as_strands(stalks, radius[None], green, Matter(0.6, 0.3)))
        draw = {"ears": _ears, "plumes": _plumes, "clocks": _clocks}[heads]
        scene.strands += draw(rng, stalks)
    return Subject(scene, closest=0.22, elevations=(-20, 25))


def _fresh(rng: np.random.Generator) -> Doubles:
    greens = np.array(
        [[0.07, 0.2, 0.02], [0.16, 0.26, 0.05], [0.42, 0.32, 0.13], [0.05, 0.12, 0.04]]
    )
    return np.asarray(greens[rng.integers(4)] * np.exp(rng.normal(0, 0.2, 3)))


def _blades(rng: np.random.Generator, wind: Doubles, fresh: Doubles, *, dense: bool) -> Surface:
    count = int(rng.uniform(150, 500) if dense else rng.uniform(40, 150))
    spread = rng.uniform(0.1, 0.5)
    roots = np.concatenate([rng.normal(0, spread, (count, 2)), np.zeros((count, 1))], axis=1)
    aside = rng.normal(0, rng.uniform(0.15, 0.5), (count, 2))
    middle = grow_guides(
        rng,
        roots,
        np.concatenate([aside, np.ones((count, 1))], axis=1),
        rng.uniform(0.6, 2.0) * rng.uniform(0.35, 1, count),
        points=_POINTS,
        bending=Bending((wind[0], wind[1], -rng.uniform(0.1, 1.2)), rng.uniform(0.1, 0.4)),
    )
    along = np.linspace(0, 1, _POINTS)
    profile = np.minimum(1, 3 * (1 - along)) * (0.6 + 0.4 * np.sin(np.pi * along))
    widths = rng.uniform(0.006, 0.025) * rng.uniform(0.6, 1.3, (count, 1)) * profile
    turn = rng.uniform(0, 2 * np.pi, count)
    across = np.stack([np.cos(turn), np.sin(turn), np.zeros(count)], axis=1)
    dry = np.array([0.45, 0.33, 0.15])
    share = np.clip(rng.normal(0.1, 0.25, (count, 1)) + along**4 * rng.uniform(0, 0.8), 0, 1)
    colour = fresh + share[..., None] * (dry - fresh)
    colour = colour * np.exp(rng.normal(0, 0.15, (count, 1, 1)))
    return sheets(middle, across, widths, colour, _LEAF, fold=rng.uniform(0.1, 0.6))


def _stalks(rng: np.random.Generator, wind: Doubles) -> Doubles:
    count = int(rng.integers(2, 14))
    spread = rng.uniform(0.1, 0.6)
    roots = np.concatenate([rng.normal(0, spread, (count, 2)), np.zeros((count, 1))], axis=1)
    aside = rng.normal(0, 0.15, (count, 2))
    return grow_guides(
        rng,
        roots,
        np.concatenate([aside, np.ones((count, 1))], axis=1),
        rng.uniform(1.2, 2.2, count),
        points=_POINTS,
        bending=Bending((wind[0] * 0.4, wind[1] * 0.4, 0), 0.1),
    )


def _ears(rng: np.random.Generator, stalks: Doubles) -> list[Strands]:
    """Draw grains around the stalk's end, each with an awn."""
    size = rng.uniform(0.2, 0.45)
    per_stalk = int(rng.uniform(40, 110))
    owner = np.repeat(np.arange(len(stalks)), per_stalk)
    at = np.tile(np.linspace(0, 1, per_stalk), len(stalks))
    tip, forward = stalks[owner, -1], unit(stalks[owner, -1] - stalks[owner, -2])
    turn = np.arange(len(owner)) * 2.4
    side = unit(np.cross(forward, [0.3, 0.9, 0.2]))
    out = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(forward, side)
    start = tip + forward * (at * size)[:, None]
    fat = np.sin(np.pi * np.clip(at * 0.9 + 0.08, 0, 1))[:, None]
    step = np.linspace(0, 1, _POINTS)[None, :, None]
    grain = start[:, None] + (forward * 0.07 + out * 0.035 * fat)[:, None] * step
    ripe = np.array([0.55, 0.38, 0.16]) * np.exp(rng.normal(0, 0.25, 3))
    belly = np.sin(np.pi * np.linspace(0.1, 0.95, _POINTS)) * 0.013
    made = [as_strands(grain, belly[None] * (0.5 + 0.5 * fat), ripe, _DRY)]
    long = rng.uniform(0.1, 0.6)
    awn = grain[:, -1:] + (
        (forward + out * rng.uniform(0.15, 0.5))[:, None]
        * step
        * (long * rng.uniform(0.6, 1.1, len(owner)))[:, None, None]
    )
    awn = frizz(rng, awn, 0.02)
    made.append(as_strands(awn, np.linspace(0.003, 0.0012, _POINTS)[None], ripe * 1.2, _DRY))
    return made


def _plumes(rng: np.random.Generator, stalks: Doubles) -> list[Strands]:
    """Draw soft plumes of many fine drooping hairs, as of reed and pampas grass."""
    count = int(rng.uniform(9000, 15000))
    size = rng.uniform(0.4, 0.9)
    owner = rng.integers(len(stalks), size=count)
    at = rng.random(count) ** 0.8
    tip, forward = stalks[owner, -1], unit(stalks[owner, -1] - stalks[owner, -2])
    start = tip + forward * (at * size)[:, None]
    # Branches first, hairs about them.
    branch = rng.integers(40, size=count) + owner * 40
    heading = rng.normal(0, 1, (len(stalks) * 40, 3))[branch]
    heading = unit(forward * 1.2 + 0.8 * unit(heading) + rng.normal(0, 0.18, (count, 3)))
    aside = rng.normal(0, 0.8, 2)
    reach = rng.uniform(0.15, 0.4) * (1 - 0.6 * at) * rng.uniform(0.4, 1, count)
    hairs = grow_guides(
        rng,
        start,
        heading,
        reach,
        points=_POINTS,
        bending=Bending((aside[0], aside[1], -rng.uniform(0.5, 4)), 0.6),
    )
    pale = np.array([0.72, 0.6, 0.45]) * np.exp(rng.normal(0, 0.2, 3))
    colour = pale * np.exp(rng.normal(0, 0.2, (count, 1, 1)))
    return [
        as_strands(hairs, np.linspace(0.0026, 0.001, _POINTS)[None], np.clip(colour, 0, 0.95), _DRY)
    ]


def _clocks(rng: np.random.Generator, stalks: Doubles) -> list[Strands]:
    """Draw balls of seeds, each with a parachute of fine hairs; some have flown."""
    made = []
    size = rng.uniform(0.22, 0.4)
    for stalk in stalks[: int(rng.integers(1, 5))]:
        seeds = unit(rng.normal(size=(int(rng.uniform(90, 170)), 3)))
        flown = rng.normal(size=3)
        seeds = seeds[seeds @ unit(flown) < rng.uniform(0.2, 1.2)]
        if not len(seeds):
            continue
        centre = stalk[-1]
        step = np.linspace(0, 1, _POINTS)[None, :, None]
        beak = centre + seeds[:, None] * step * size * 0.62
        thin = np.full(_POINTS, 0.0024)
        thin[:3] = 0.006
        made.append(as_strands(beak, thin[None], np.array([0.35, 0.25, 0.15]), _DRY))
        rays = 26
        out = np.repeat(seeds, rays, axis=0)
        fan = unit(out * rng.uniform(0.5, 1.1) + unit(rng.normal(size=out.shape)) * 1.0)
        hairs = np.repeat(beak[:, -1], rays, axis=0)[:, None] + fan[:, None] * step * size * 0.38
        hairs = frizz(rng, hairs, 0.03)
        made.append(
            as_strands(hairs, np.linspace(0.0016, 0.001, _POINTS)[None], np.full(3, 0.85), _DRY)
        )
        made.append(
            as_strands(
                centre + np.linspace(-0.03, 0.03, _POINTS)[None, :, None] * np.array([0, 0, 1.0]),
                np.full((1, _POINTS), size * 0.16),
                np.array([0.3, 0.22, 0.12]),
                _DRY,
            )
        )
    return made
