"""Heads of hair: straight, wavy, curly, short, tied or blown by the wind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import Body, ellipsoid, limb, unit
from lsamatting.data.rendering.pigments import melanin
from lsamatting.data.rendering.scene import Fibre, Matter, Scene, Strands, as_strands
from lsamatting.data.rendering.strands import (
    Bending,
    curl,
    cut,
    follow,
    frizz,
    grow_guides,
    tapered,
)
from lsamatting.data.rendering.subject import Subject

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """Ranges that a head of hair is drawn from; lengths in heads' radii."""

    length: tuple[float, float]
    gravity: tuple[float, float]
    lift: tuple[float, float]
    curl_radius: tuple[float, float]
    turns: tuple[float, float]
    clump: tuple[float, float]
    frizz: tuple[float, float]
    wind: float = 0.0


_STYLES = {
    "straight": Style((1.2, 3.2), (2, 5), (0.1, 0.5), (0, 0.01), (1, 2), (0.1, 0.6), (0.02, 0.06)),
    "wavy": Style((1.2, 3), (1.5, 4), (0.2, 0.6), (0.02, 0.07), (2, 6), (0.3, 0.8), (0.03, 0.1)),
    "curly": Style((0.8, 2), (0.8, 2.5), (0.4, 1), (0.04, 0.1), (5, 12), (0.5, 0.9), (0.04, 0.12)),
    "frizzy": Style((0.4, 1), (0, 0.6), (1, 2), (0.02, 0.06), (5, 14), (0.1, 0.7), (0.1, 0.3)),
    "short": Style((0.15, 0.5), (0, 2), (0.2, 1.2), (0, 0.02), (1, 3), (0.2, 0.7), (0.02, 0.12)),
    "blown": Style((1, 2.6), (0.3, 1.5), (0.3, 1), (0, 0.05), (1, 4), (0.2, 0.8), (0.04, 0.15), 4),
}
_POINTS = 16


def build(rng: np.random.Generator) -> Subject:
    """Build a head with its hair."""
    name = str(rng.choice(list(_STYLES)))
    style = _STYLES[name]
    body = _bust(rng)
    scalp = _scalp(rng, body, int(rng.uniform(8000, 13000)))
    roots, normals = scalp
    guides_at = rng.choice(len(roots), size=int(rng.uniform(150, 700)), replace=False)
    guides = _guides(rng, style, body, roots[guides_at], normals[guides_at])
    strands, own = follow(rng, roots, guides, clump=rng.uniform(*style.clump))
    groups = len(guides)
    wound = rng.uniform(*style.curl_radius) * rng.uniform(0.4, 1.3, groups)
    turns = rng.uniform(*style.turns) * rng.uniform(0.7, 1.3, groups)
    phase = rng.uniform(0, 2 * np.pi, groups)
    strands = curl(
        strands,
        radius=wound[own] * rng.uniform(0.7, 1.2, len(roots)),
        turns=turns[own],
        phase=phase[own] + rng.normal(0, 0.5, len(roots)),
    )
    wild = rng.random(len(roots)) < rng.uniform(0.01, 0.08)
    amount = rng.uniform(*style.frizz)
    strands = frizz(rng, strands, np.where(wild, amount * 3 + 0.08, amount * rng.uniform(0.2, 1)))
    even = rng.uniform(0, 1)
    share = 1 - (0.15 + 0.5 * even) * rng.random(len(roots)) ** 2
    strands = cut(strands, share)
    strands[:, 1:] = body.push_out(strands[:, 1:], 0.01)
    thickness = rng.uniform(0.0022, 0.0042)
    hair = as_strands(
        strands,
        tapered(rng, len(roots), _POINTS, thickness=thickness),
        _colours(rng, own, groups),
        Fibre(rng.uniform(0.2, 0.4), rng.uniform(0.25, 0.5)),
    )
    return Subject(_dressed(rng, body, hair), elevations=(-10, 25))


def _bust(rng: np.random.Generator) -> Body:
    """Build head, ears, neck and shoulders; the face looks towards -y."""
    wide = rng.uniform(0.72, 0.82)
    members = [
        ellipsoid((0, 0, 0), (wide, 0.95, 0.95), part="skull"),
        ellipsoid((0, -0.28, -0.5), (wide * 0.78, 0.62, 0.72), part="face"),
        ellipsoid((0, -0.95, -0.42), (0.1, 0.14, 0.2), part="face"),
        ellipsoid((-wide, -0.05, -0.3), (0.07, 0.14, 0.22), part="face"),
        ellipsoid((wide, -0.05, -0.3), (0.07, 0.14, 0.22), part="face"),
    ]
    members += limb(
        np.array([[0, 0.15, -0.7], [0, 0.2, -1.3], [0, 0.25, -1.9]]),
        np.array([0.42, 0.4, 0.5]),
        part="neck",
    )
    broad = rng.uniform(1.4, 1.8)
    members += limb(
        np.array([[-broad, 0.3, -2.45], [0, 0.25, -2.05], [broad, 0.3, -2.45]]),
        np.array([0.4, 0.5, 0.4]),
        part="cloth",
    )
    members.append(ellipsoid((0, 0.25, -3.4), (broad * 1.05, 0.75, 1.5), part="cloth"))
    return Body(tuple(members))


def _scalp(rng: np.random.Generator, body: Body, count: int) -> tuple[Doubles, Doubles]:
    """Draw roots and normals on the skull, but for the face."""
    skull = Body(body.members[:1])
    roots, normals, _ = skull.roots(rng, count * 2)
    hairline = rng.uniform(0.2, 0.4)
    # From the forehead over the temples down to the nape.
    height = hairline - 1.0 * np.clip((roots[:, 1] + 0.75) / 1.3, 0, 1) - 0.05
    grows = roots[:, 2] > height + rng.normal(0, 0.03, len(roots))
    return roots[grows][:count], normals[grows][:count]


def _guides(
    rng: np.random.Generator, style: Style, body: Body, roots: Doubles, normals: Doubles
) -> Doubles:
    lift = rng.uniform(*style.lift)
    # Away from a parting, or to the back, or around the crown.
    parting = rng.uniform(-0.4, 0.4)
    aside = np.stack(
        [np.sign(roots[:, 0] - parting), np.full(len(roots), 0.3), np.full(len(roots), -0.3)], 1
    )
    backwards = np.stack([0.3 * roots[:, 0], np.ones(len(roots)), np.full(len(roots), -0.2)], 1)
    share = rng.random()
    comb = aside * share + backwards * (1 - share)
    comb -= (comb * normals).sum(axis=1, keepdims=True) * normals
    directions = unit(comb) + lift * normals + rng.normal(0, 0.15, roots.shape)
    lengths = rng.uniform(*style.length) * rng.uniform(0.75, 1.1, len(roots))
    wind = rng.normal(size=3) * style.wind * np.array([1, 0.7, 0.35])
    pull = wind - np.array([0, 0, rng.uniform(*style.gravity)])
    wander = rng.uniform(0.05, 0.35) * (1.5 if style.wind else 1)
    return grow_guides(
        rng,
        roots,
        directions,
        lengths,
        points=_POINTS,
        bending=Bending((pull[0], pull[1], pull[2]), wander),
        body=body,
        margin=rng.uniform(0.03, 0.1),
    )


def _colours(rng: np.random.Generator, own: NDArray[Any], groups: int) -> NDArray[np.float32]:
    """Draw absorptions of natural hair, some of it greying, dyed or with lighter tips."""
    # Black, brown, fair, red, grey.
    tone = int(rng.choice(5, p=[0.24, 0.3, 0.24, 0.1, 0.12]))
    amount = (
        rng.uniform(4, 9),
        rng.uniform(1.2, 4),
        rng.uniform(0.15, 0.9),
        rng.uniform(0.8, 2.0),
        rng.uniform(0.02, 0.6),
    )
    redness = (0.1, rng.uniform(0, 0.6), rng.uniform(0, 0.6), rng.uniform(0.8, 1.2), 0.0)
    each = amount[tone] * np.exp(
        rng.normal(0, 0.2, groups)[own] + rng.normal(0, rng.uniform(0.1, 0.4), len(own))
    )
    white = rng.random(len(own)) < (rng.uniform(0, 0.5) if rng.random() < 0.15 else 0)
    each = np.where(white, 0.03, each)
    along = np.linspace(0, 1, _POINTS)
    bleached = 1 - (rng.uniform(0, 0.9) if rng.random() < 0.4 else 0.1) * along**1.5
    colour = melanin(each[:, None] * bleached, np.full((1, 1), redness[tone]))
    if rng.random() < 0.06:
        dye = rng.uniform(0.05, 3, 3) * rng.uniform(0.3, 1)
        colour = colour * 0.15 + dye.astype(np.float32)
    return np.broadcast_to(colour, (len(own), _POINTS, 3)).astype(np.float32)


def _dressed(rng: np.random.Generator, body: Body, hair: Strands) -> Scene:
    """Join the hair and what is beneath it."""
    skin = np.array([0.75, 0.45, 0.32]) * rng.uniform(0.12, 1.0) ** np.array([0.8, 1, 1.15])
    cloth = rng.uniform(0.01, 0.8, 3) * rng.uniform(0.2, 1) ** 1.5
    if rng.random() < 0.4:
        cloth = np.full(3, cloth.mean()) * rng.uniform(0.8, 1.2, 3)

    clothed = tuple(member for member in body.members if member.part == "cloth")
    skinned = tuple(member for member in body.members if member.part != "cloth")
    surfaces = Body(skinned).surfaces([skin] * len(skinned), Matter(0.45, 0.4))
    if rng.random() < 0.8:
        surfaces += Body(clothed).surfaces([cloth] * len(clothed), Matter(0.9, 0.1))
    return Scene([hair], surfaces)
