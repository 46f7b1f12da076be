"""Animals in fur: bodies of many proportions, coats of many lengths and patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import Body, Ellipsoid, ellipsoid, limb, unit
from lsamatting.data.rendering.pigments import absorption
from lsamatting.data.rendering.scene import Fibre, Matter, Scene, Strands, as_strands
from lsamatting.data.rendering.strands import (
    Bending,
    cut,
    follow,
    frizz,
    grow_guides,
    tapered,
)
from lsamatting.data.rendering.subject import Subject

Doubles = NDArray[np.float64]

_POINTS = 7
_RADIAL_ROUGHNESS = 0.5

# Length of the coat on a part, as a share of that on the body.
_LENGTHS = {"body": 1.0, "head": 0.5, "muzzle": 0.15, "ear": 0.35, "leg": 0.45, "tail": 1.3}

# Linear reflectances of coats: black, dark brown, chestnut, fox, sand, cream, white, grey.
_COATS = np.array(
    [
        (0.012, 0.010, 0.009),
        (0.06, 0.035, 0.022),
        (0.16, 0.075, 0.035),
        (0.42, 0.17, 0.05),
        (0.42, 0.29, 0.17),
        (0.68, 0.56, 0.40),
        (0.85, 0.83, 0.78),
        (0.2, 0.19, 0.18),
    ]
)


def build(rng: np.random.Generator) -> Subject:
    """Build an animal with its coat."""
    body = _animal(rng)
    length = np.exp(rng.uniform(np.log(0.1), np.log(0.5)))
    count = int(rng.uniform(13000, 17000) * (0.25 / length) ** 0.4)
    roots, normals, owners = body.roots(rng, count)
    parts = np.array([member.part for member in body.members])[owners]
    lengths = length * np.array([_LENGTHS[part] for part in parts])
    guides_at = rng.choice(len(roots), size=min(len(roots), int(rng.uniform(500, 2500))))
    lie = rng.uniform(0.2, 1.6)
    directions = normals + lie * _combed(rng, roots, normals)
    pull = rng.normal(0, 0.5, 3) - np.array([0, 0, rng.uniform(0, 2.5)])
    guides = grow_guides(
        rng,
        roots[guides_at],
        directions[guides_at] + rng.normal(0, 0.2, (len(guides_at), 3)),
        lengths[guides_at] * rng.uniform(0.8, 1.2, len(guides_at)),
        points=_POINTS,
        bending=Bending((pull[0], pull[1], pull[2]), rng.uniform(0.1, 0.8)),
        body=body,
        margin=0.004,
    )
    strands, _ = follow(rng, roots, guides, clump=rng.uniform(0.1, 0.85))
    wild = rng.random(len(roots)) < 0.05
    amount = rng.uniform(0.03, 0.15)
    strands = frizz(rng, strands, np.where(wild, amount * 2 + 0.1, amount))
    strands = cut(strands, 1 - rng.uniform(0.1, 0.6) * rng.random(len(roots)))
    thickness = rng.uniform(0.002, 0.0038)
    colours = _colours(rng, roots, parts)
    coat = as_strands(
        strands,
        tapered(rng, len(roots), _POINTS, thickness=thickness, tip=0.1),
        absorption(colours, _RADIAL_ROUGHNESS),
        Fibre(rng.uniform(0.25, 0.5), _RADIAL_ROUGHNESS, coat=rng.uniform(0, 0.3)),
    )
    # Between hairs one sees more hair: the body has the colour of its coat, in shade.
    skins = [
        colours[owners == index].mean(axis=(0, 1)) * 0.5 if (owners == index).any() else np.zeros(3)
        for index in range(len(body.members))
    ]
    surfaces = body.surfaces(skins, Matter(0.9, 0.05))
    surfaces += _face(rng, body)
    strands_of_all = [coat]
    if rng.random() < 0.6:
        strands_of_all.append(_whiskers(rng, body, length))
    return Subject(
        Scene(strands_of_all, surfaces),
        closest=float(np.clip(length * 1.5, 0.25, 0.6)),
        elevations=(-15, 35),
    )


@dataclass(frozen=True)
class _Proportions:
    """Of an animal whose trunk is about 2 long."""

    girth: float
    legs: float
    neck: float
    head: float
    muzzle: float
    ears: float
    tail: float


def _animal(rng: np.random.Generator) -> Body:
    """Build a four-legged animal that looks towards -y: cat, dog, bear, rabbit, in between."""
    p = _Proportions(
        girth=rng.uniform(0.35, 0.75),
        legs=rng.uniform(0.2, 1.2),
        neck=rng.uniform(0.1, 0.6),
        head=rng.uniform(0.32, 0.55),
        muzzle=rng.uniform(0.15, 0.5),
        ears=np.exp(rng.uniform(np.log(0.15), np.log(0.8))),
        tail=rng.uniform(0.1, 1.6),
    )
    arch = rng.uniform(-0.1, 0.3)
    spine = np.array([[0, -0.75, 0.1], [0, -0.3, arch / 2], [0, 0.3, arch], [0, 0.8, 0]])
    thick = p.girth * np.array([0.9, 1.0, 0.95, 0.8])
    members = limb(spine, thick, part="body")
    turn = rng.uniform(-0.7, 0.7)
    facing = np.array([np.sin(turn), -np.cos(turn), rng.uniform(-0.25, 0.25)])
    chest = spine[0]
    head = chest + np.array([0, -0.35, p.girth * 0.5]) + p.neck * np.array([0, -0.5, 0.85])
    head = head + facing * 0.1
    members += limb(np.stack([chest, head]), np.array([p.girth * 0.8, p.head * 0.75]), part="body")
    members += _head(rng, p, head, unit(facing))
    for side in (-1, 1):
        for at, knee in ((-0.7, 0.08), (0.7, -0.15)):
            hip = np.array([side * p.girth * 0.55, at, -p.girth * 0.3])
            step = rng.uniform(-0.2, 0.2)
            foot = hip + np.array([0, step, -p.girth * 0.5 - p.legs])
            middle = (hip + foot) / 2 - np.array([0, knee, 0])
            width = rng.uniform(0.13, 0.2) * (0.6 + p.girth)
            members += limb(
                np.stack([hip, middle, foot]), width * np.array([1.5, 1, 0.8]), part="leg"
            )
            paw = foot - np.array([0, width * 0.5, 0])
            members.append(ellipsoid(paw, (width, width * 1.5, width * 0.7), part="leg"))
    members += _tail(rng, p)
    return Body(tuple(members))


def _head(
    rng: np.random.Generator, p: _Proportions, place: Doubles, facing: Doubles
) -> list[Ellipsoid]:
    across = unit(np.cross(facing, [0, 0, 1]))
    up = np.cross(across, facing)
    size = p.head
    members = [
        ellipsoid(place, (size, size * 0.95, size * rng.uniform(0.85, 1.1)), part="head"),
        ellipsoid(
            place + facing * (size * 0.7 + p.muzzle * 0.4) - up * size * 0.25,
            (size * 0.48, size * 0.42, p.muzzle * 0.6 + size * 0.3),
            towards=facing,
            part="muzzle",
        ),
    ]
    spread = rng.uniform(0.3, 1.0)
    hang = rng.uniform(0.3, 1) if rng.random() < 0.65 else rng.uniform(-1, 0.1)
    for side in (-1, 1):
        base = place + up * size * 0.8 * (1 - spread * 0.4) + across * side * size * 0.65
        out = unit(up * hang + across * side * spread * 0.6 - facing * 0.1)
        # A flat ellipsoid whose broad side looks ahead.
        plane = unit(facing - (facing @ out) * out)
        axes = np.stack([np.cross(plane, out), plane, out], axis=1)
        radii = np.array([size * rng.uniform(0.28, 0.4), size * 0.1, p.ears * size + 0.1])
        members.append(Ellipsoid(base + out * radii[2] * 0.7, radii, axes, "ear"))
    return members


def _tail(rng: np.random.Generator, p: _Proportions) -> list[Ellipsoid]:
    steps = 5
    heading = unit(np.array([rng.normal(0, 0.3), 1, rng.uniform(-0.8, 1.2)]))
    bend = np.array([rng.normal(0, 0.35), 0, rng.normal(0.1, 0.35)])
    place = np.array([0.0, 0.85 + p.girth * 0.4, 0.1])
    path = [place]
    for _ in range(steps):
        path.append(path[-1] + heading * p.tail / steps)
        heading = unit(heading + bend)
    thin = rng.uniform(0.06, 0.16)
    return limb(np.array(path), thin * np.linspace(1.2, 0.6, steps + 1), part="tail")


def _combed(rng: np.random.Generator, roots: Doubles, normals: Doubles) -> Doubles:
    """Directions in which the coat lies: towards the tail and down, with whorls."""
    comb = np.array([0, 1, -rng.uniform(0.1, 1)]) + np.zeros_like(roots)
    for _ in range(3):
        wave = rng.normal(0, 2, (3, 3))
        comb = comb + rng.uniform(0.1, 0.5) * np.sin(roots @ wave + rng.uniform(0, 6, 3))
    comb = comb - (comb * normals).sum(axis=1, keepdims=True) * normals
    return unit(comb)


def _colours(rng: np.random.Generator, roots: Doubles, parts: NDArray[Any]) -> NDArray[np.float32]:
    """Draw a coat: a main colour, a pale belly, patches, spots or stripes, darker or paler tips."""
    main, second, third = _COATS[rng.choice(len(_COATS), 3, replace=False)]
    main, second, third = (c * np.exp(rng.normal(0, 0.15, 3)) for c in (main, second, third))
    colours = np.broadcast_to(main, roots.shape).copy()
    pattern = str(rng.choice(["plain", "patches", "spots", "stripes", "points"], p=_PATTERNS))
    if pattern == "patches":
        share = _step(_field(rng, roots, 1.6), rng.normal(0, 0.4), 0.1)
    elif pattern == "spots":
        share = _step(_field(rng, roots, 7), 0.7, 0.2)
    elif pattern == "stripes":
        wobble = _field(rng, roots, 2)
        share = _step(np.sin(roots[:, 1] * rng.uniform(9, 20) + wobble * 2), 0.2, 0.3)
    elif pattern == "points":
        extremities = np.isin(parts, ["ear", "tail", "leg", "muzzle"])
        share = np.asarray(extremities * rng.uniform(0.7, 1.0))
    else:
        share = np.zeros(len(roots))
    colours += share[:, None] * (second - colours)
    if rng.random() < 0.5:
        pale = _step(-roots[:, 2], rng.uniform(0.1, 0.4), 0.15)
        colours += (pale * rng.uniform(0.4, 1))[:, None] * (third - colours)
    colours = colours * np.exp(rng.normal(0, rng.uniform(0.1, 0.35), (len(roots), 1)))
    along = np.linspace(0, 1, _POINTS)[:, None]
    tipped = _COATS[rng.integers(len(_COATS))]
    amount = (rng.uniform(0.2, 0.7) if rng.random() < 0.3 else 0) * along**1.5
    # Hair is paler or darker near the skin.
    shaded = np.exp((1 - along) * rng.normal(-0.2, 0.4))
    whole = colours[:, None] * shaded * (1 - amount) + tipped * amount
    return np.asarray(np.clip(whole, 0.004, 0.9), dtype=np.float32)


_PATTERNS = (0.3, 0.25, 0.12, 0.15, 0.18)


def _field(rng: np.random.Generator, points: Doubles, frequency: float) -> Doubles:
    """Smooth noise of about unit variance at points Nx3."""
    waves = rng.normal(0, frequency, (3, 12))
    return np.asarray(np.sin(points @ waves + rng.uniform(0, 6.3, 12)).sum(axis=1) / np.sqrt(6))


def _step(values: Doubles, edge: float, softness: float) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip((values - edge) / softness * 4, -30, 30))))


def _face(rng: np.random.Generator, body: Body) -> list[Any]:
    """Eyes and a nose."""
    head = next(member for member in body.members if member.part == "head")
    muzzle = next(member for member in body.members if member.part == "muzzle")
    facing = muzzle.axes[:, 2]
    across = unit(np.cross(facing, [0, 0, 1]))
    up = np.cross(across, facing)
    size = head.radii[0]
    nose = ellipsoid(
        muzzle.from_sphere(np.array([0, 0.0, 1.02])),
        (size * 0.16, size * 0.12, size * 0.12),
        towards=up,
    )
    eyes = [
        ellipsoid(
            head.centre + size * (0.8 * facing + 0.2 * up + side * 0.42 * across),
            (size * 0.15,) * 3,
        )
        for side in (-1, 1)
    ]
    black = np.full(3, 0.01)
    iris = np.array([0.1, 0.06, 0.02]) * rng.uniform(0.1, 1.5)
    return Body((nose, *eyes)).surfaces([black, iris, iris], Matter(0.1, 0.8))


def _whiskers(rng: np.random.Generator, body: Body, length: float) -> Strands:
    muzzle = next(member for member in body.members if member.part == "muzzle")
    count = int(rng.integers(12, 40))
    sphere = unit(rng.normal(0, 0.25, (count, 3)) + np.array([0, 0, 0.75]))
    sphere[:, 0] += np.where(rng.random(count) < 0.5, -0.6, 0.6)
    sphere = unit(sphere)
    roots = muzzle.from_sphere(sphere)
    normals = unit((sphere / muzzle.radii) @ muzzle.axes.T)
    points = grow_guides(
        rng,
        roots,
        normals + rng.normal(0, 0.15, normals.shape),
        rng.uniform(0.4, 0.9, count),
        points=_POINTS,
        bending=Bending((0, 0.3, -0.4), 0.1),
    )
    pale = absorption(np.full((count, _POINTS, 3), rng.choice([0.02, 0.8])), _RADIAL_ROUGHNESS)
    radius = tapered(rng, count, _POINTS, thickness=0.004 + 0.004 * length)
    return as_strands(points, radius, pale, Fibre(0.3, _RADIAL_ROUGHNESS))
