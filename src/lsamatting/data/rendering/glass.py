"""Glasses, bottles and bowls, with what is in them, drops and bubbles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import Body, ellipsoid, grid_triangles
from lsamatting.data.rendering.scene import Glass, Material, Matter, Scene, Surface
from lsamatting.data.rendering.subject import Subject

Doubles = NDArray[np.float64]
_AROUND = 72

# Outer profiles from the foot's middle to the rim: (radius, height), corners to be rounded.
_PROFILES = {
    "tumbler": [(0, 0), (0.36, 0), (0.38, 0.05), (0.42, 0.5), (0.45, 1.1)],
    "wine": [
        (0, 0), (0.38, 0.0), (0.36, 0.03), (0.06, 0.08), (0.045, 0.5), (0.08, 0.66),
        (0.36, 0.82), (0.45, 1.1), (0.42, 1.4), (0.36, 1.62),
    ],
    "flute": [
        (0, 0), (0.32, 0), (0.3, 0.03), (0.05, 0.07), (0.04, 0.5), (0.12, 0.66), (0.2, 0.95),
        (0.23, 1.35), (0.21, 1.75),
    ],
    "bottle": [
        (0, 0), (0.33, 0.0), (0.36, 0.06), (0.36, 1.0), (0.33, 1.15), (0.16, 1.4), (0.12, 1.5),
        (0.12, 1.9),
    ],
    "vase": [
        (0, 0), (0.25, 0), (0.3, 0.05), (0.48, 0.45), (0.42, 0.85), (0.2, 1.15), (0.22, 1.3),
        (0.33, 1.42),
    ],
    "bowl": [(0, 0), (0.3, 0), (0.32, 0.05), (0.6, 0.25), (0.75, 0.55), (0.8, 0.75)],
}  # fmt: skip


def build(rng: np.random.Generator) -> Subject:
    """Build one vessel or several, or bubbles, or a splash of drops."""
    scene = Scene()
    sort = rng.random()
    if sort < 0.75:
        for index in range(int(rng.choice([1, 1, 2, 3]))):
            place = np.array([index * rng.uniform(0.7, 1.1), rng.normal(0, 0.4), 0])
            scene.surfaces += _vessel(rng, place)
    elif sort < 0.88:
        scene.surfaces += _bubbles(rng)
    else:
        scene.surfaces += _drops(rng)
    return Subject(scene, closest=0.45, elevations=(-5, 40), transparent=True, bounces=20)


def _vessel(rng: np.random.Generator, place: Doubles) -> list[Surface]:
    name = str(rng.choice(list(_PROFILES)))
    corners = np.array(_PROFILES[name], dtype=np.float64)
    corners[1:] *= np.exp(rng.normal(0, 0.06, (len(corners) - 1, 2)))
    corners *= [rng.uniform(0.8, 1.2), rng.uniform(0.85, 1.2)]
    outer = _rounded(corners)
    wall = rng.uniform(0.012, 0.035)
    # The inside follows the outside at the wall's distance, down to a floor above the stem.
    wide = outer[:, 0] > wall * 2.5
    top = int(np.flatnonzero(wide)[-1]) + 1
    narrow = np.flatnonzero(~wide[len(wide) // 6 :]) + len(wide) // 6
    floor = int(narrow[-1]) + 1 if name in ("wine", "flute") and len(narrow) else len(outer) // 5
    inner = outer[floor:top][::-1] - [wall, 0]
    inner[:, 1] = np.maximum(inner[:, 1], outer[floor, 1] + wall)
    inner = np.concatenate([inner, [[0, inner[-1, 1]]]])
    tint = _tint(rng)
    glass = Glass(1.45, 0.0 if rng.random() < 0.8 else rng.uniform(0.05, 0.25))
    made = [_turned(np.concatenate([outer[:top], inner]), tint, glass, place)]
    if rng.random() < 0.65:
        made.append(_liquid(rng, inner, place))
    return made


def _tint(rng: np.random.Generator) -> Doubles:
    """Draw the colour that one of the four crossings of a wall leaves."""
    if rng.random() < 0.6:
        return np.full(3, rng.uniform(0.97, 1))
    hue = rng.uniform(0.35, 1, 3) ** 0.25
    return np.asarray(hue / hue.max())


def _liquid(rng: np.random.Generator, inner: Doubles, place: Doubles) -> Surface:
    """Fill the inside to a level; clear, coloured or, as milk, opaque."""
    low, high = inner[-1, 1], inner[0, 1]
    level = low + (high - low) * rng.uniform(0.2, 0.85)
    wet = inner[inner[:, 1] < level][::-1] * [0.985, 1]
    if len(wet) < 2:
        wet = np.array([[0, low], [0.1, low]])
    edge = np.array([[wet[-1, 0], level], [0, level]])
    profile = np.concatenate([wet + np.array([0, 0.004]), edge])
    kinds: list[tuple[Doubles, Material]] = [
        (np.array([0.97, 0.98, 1.0]), Glass(1.33)),
        (np.array([0.95, 0.7, 0.25]) * rng.uniform(0.8, 1), Glass(1.33)),
        (np.array([0.5, 0.04, 0.06]) * rng.uniform(0.6, 1.2), Glass(1.33)),
        (np.array([0.3, 0.12, 0.04]), Glass(1.33)),
        (rng.uniform(0.3, 1, 3), Glass(1.33)),
        (np.array([0.85, 0.8, 0.7]), Matter(0.3, 0.5)),
        (np.array([0.8, 0.4, 0.05]), Matter(0.4, 0.5)),
    ]
    colour, material = kinds[rng.integers(len(kinds))]
    if isinstance(material, Glass):
        # Light enters and leaves: each crossing takes its part.
        colour = np.sqrt(colour)
    return _turned(profile, colour, material, place)


def _bubbles(rng: np.random.Generator) -> list[Surface]:
    members, colours = [], []
    for _ in range(int(rng.integers(3, 14))):
        size = np.exp(rng.uniform(np.log(0.08), np.log(0.5)))
        members.append(ellipsoid(rng.normal(0, 0.6, 3), (size,) * 3))
        colours.append(np.ones(3))
    outside = Body(tuple(members)).surfaces(colours, Glass(1.2))
    # A film: light leaves it as it came, but for what its two sides reflect.
    inside = Body(tuple(members)).surfaces(colours, Glass(1.2), shrink=0.96)
    for surface in inside:
        surface.triangles[:] = surface.triangles[:, ::-1]
    return outside + inside


def _drops(rng: np.random.Generator) -> list[Surface]:
    members = []
    heading = rng.normal(0, 1, 3) + np.array([0, 0, 1.5])
    for _ in range(int(rng.integers(25, 90))):
        size = np.exp(rng.uniform(np.log(0.02), np.log(0.16)))
        way = heading * rng.uniform(0, 1) + rng.normal(0, 0.3, 3)
        radii = (size, size, size * rng.uniform(1, 2.5))
        members.append(ellipsoid(way, radii, towards=heading + rng.normal(0, 0.5, 3)))
    tint = np.array([0.97, 0.99, 1]) if rng.random() < 0.5 else rng.uniform(0.4, 1, 3)
    return Body(tuple(members)).surfaces([tint] * len(members), Glass(1.33))


def _rounded(corners: Doubles, count: int = 60) -> Doubles:
    """Smooth line through a profile's corners: cubic, without overshooting (PCHIP)."""
    from scipy.interpolate import PchipInterpolator

    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    line = PchipInterpolator(way, corners)(np.linspace(0, way[-1], count))
    return np.asarray(np.maximum(line, 0))


def _turned(profile: Doubles, colour: Doubles, material: Material, place: Doubles) -> Surface:
    """Surface of revolution about z; the profile runs so that its left side is inside."""
    turn = np.linspace(0, 2 * np.pi, _AROUND)
    radius, height = profile[:, 0], profile[:, 1]
    vertices = np.stack(
        [
            radius[:, None] * np.cos(turn),
            radius[:, None] * np.sin(turn),
            np.repeat(height[:, None], _AROUND, axis=1),
        ],
        axis=-1,
    ).reshape(-1, 3)
    triangles = grid_triangles(len(profile), _AROUND)[:, ::-1]
    return Surface(
        (vertices + place).astype(np.float32),
        np.ascontiguousarray(triangles),
        np.broadcast_to(colour, vertices.shape).astype(np.float32),
        material,
    )
