"""Feathers: a shaft, barbs that hold together or come apart, down at the foot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.bodies import unit
from lsamatting.data.rendering.scene import Matter, Scene, Strands, as_strands
from lsamatting.data.rendering.strands import frizz
from lsamatting.data.rendering.subject import Subject

Doubles = NDArray[np.float64]
_POINTS = 8

_PLUMAGE = np.array(
    [
        (0.85, 0.83, 0.8),
        (0.03, 0.03, 0.035),
        (0.25, 0.22, 0.2),
        (0.3, 0.14, 0.05),
        (0.5, 0.36, 0.2),
        (0.03, 0.12, 0.4),
        (0.05, 0.3, 0.12),
        (0.6, 0.06, 0.03),
        (0.7, 0.45, 0.05),
    ]
)


def build(rng: np.random.Generator) -> Subject:
    """Build one feather or several that share a foot."""
    count = int(rng.choice([1, 1, 2, 3, 5, 9]))
    palette = _PLUMAGE[rng.choice(len(_PLUMAGE), 3)] * np.exp(rng.normal(0, 0.2, (3, 3)))
    # One bird's feathers: most are shades of one colour, some are gaudy.
    palette += rng.uniform(0, 0.9) * (palette[:1] - palette) * [[0], [1], [1]]
    loose = rng.random() < 0.35
    made: list[Strands] = []
    spread = rng.uniform(0.15, 0.5)
    for index in range(count):
        angle = (index - (count - 1) / 2) * spread + rng.normal(0, 0.06)
        tilt = rng.normal(0, 0.25)
        made += _feather(rng, angle, tilt, index * 0.03, palette, loose=loose)
    return Subject(Scene(made), closest=0.25, elevations=(-25, 25), azimuths=(-55, 55))


def _feather(
    rng: np.random.Generator,
    angle: float,
    tilt: float,
    behind: float,
    palette: Doubles,
    *,
    loose: bool,
) -> list[Strands]:
    length = rng.uniform(1.4, 2.2)
    along = np.linspace(0, 1, 40)
    bend = rng.normal(0, 0.25)
    arch = rng.uniform(-0.4, 0.4)
    shaft = np.stack([bend * along**2, arch * along**2, along], axis=1) * length
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    # The vane's plane is turned about the shaft, so that several do not lie in one plane.
    twist = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    place = turn @ twist
    count = int(rng.uniform(180, 320)) * (2 if not loose else 1)
    foot = rng.uniform(0.1, 0.25)
    at = np.repeat(np.linspace(foot, 0.995, count), 2)
    side = np.tile([-1.0, 1.0], count)
    wide = rng.uniform(0.12, 0.3) * length
    # Narrow at the tip, downy at the foot; one side narrower than the other.
    profile = (1 - ((at - foot) / (1 - foot)) ** rng.uniform(2, 6)) ** 0.7
    reach = wide * profile * np.where(side < 0, rng.uniform(0.4, 1), 1)
    down = np.clip(1 - (at - foot) / rng.uniform(0.08, 0.3), 0, 1)
    slant = rng.uniform(0.5, 1.1) + 0.4 * at
    # Barbs hold together in groups; where two groups part, a gap opens.
    group = np.cumsum(rng.random(len(at)) < rng.uniform(0.01, 0.05))
    slant = slant + rng.normal(0, 0.14, group.max() + 1)[group]
    slant = slant + rng.normal(0, 0.01 if not loose else 0.12, len(at))
    root = np.stack([np.interp(at, along, shaft[:, axis]) for axis in range(3)], axis=1)
    forward = unit(np.stack([2 * bend * at, 2 * arch * at, np.ones_like(at)], axis=1))
    sideways = unit(np.cross(forward, [0.0, 1.0, 0.0])) * side[:, None]
    lift = np.cross(forward, sideways) * side[:, None]
    step = np.linspace(0, 1, _POINTS)[None, :, None]
    curve = rng.uniform(0.1, 0.5)
    heading = np.cos(slant)[:, None] * forward + np.sin(slant)[:, None] * sideways
    barbs = root[:, None] + reach[:, None, None] * (
        step * heading[:, None]
        + curve * step**2 * forward[:, None]
        - rng.uniform(0, 0.25) * step**2 * lift[:, None]
    )
    amount = 0.01 + 0.25 * down + (rng.uniform(0.05, 0.2) if loose else 0)
    barbs = frizz(rng, barbs, amount)
    spacing = length * (1 - foot) / count
    thin = (1 - 0.75 * down) * (0.35 if loose else 0.62)
    profile_of_barb = np.linspace(1, 0.45, _POINTS)
    radius = np.maximum(spacing * thin, 0.0015)[:, None] * profile_of_barb
    colour = _colours(rng, at, palette, down)
    quill = np.linspace(0.022, 0.004, len(along)) * length / 2
    pale = np.broadcast_to(palette[0] * 0.4 + 0.35, shaft.shape)
    material = Matter(0.55, 0.35, translucency=0.3)
    move = np.array([0, behind, 0])
    made = [as_strands(barbs @ place.T + move, radius, colour, material)]
    made.append(
        as_strands(shaft[None] @ place.T + move, quill[None], pale[None], Matter(0.35, 0.5))
    )
    made.append(_barbules(rng, barbs @ place.T + move, colour, down, loose, material))
    return made


def _barbules(
    rng: np.random.Generator,
    barbs: Doubles,
    colour: Doubles,
    down: Doubles,
    loose: bool,
    material: Matter,
) -> Strands:
    """Fine fibres off the barbs: all along a plume, at the foot of every feather."""
    share = np.clip(down + (0.7 if loose else 0.02), 0, 1)
    count = 7000
    owner = rng.choice(len(barbs), size=count, p=share / share.sum())
    point = rng.integers(1, _POINTS, count)
    start = barbs[owner, point]
    forward = unit(barbs[owner, point] - barbs[owner, point - 1])
    outward = unit(forward * 0.7 + rng.normal(0, 0.6, start.shape))
    size = np.linalg.norm(barbs[:, -1] - barbs[:, 0], axis=1)[owner]
    reach = np.minimum(size, 0.4) * rng.uniform(0.1, 0.4, count)
    step = np.linspace(0, 1, _POINTS)[None, :, None]
    points = start[:, None] + outward[:, None] * step * reach[:, None, None]
    points = frizz(rng, points, 0.15)
    radius = np.full((count, _POINTS), 0.0016) * np.linspace(1, 0.3, _POINTS)
    return as_strands(
        points, radius, np.repeat(colour[owner, point][:, None], _POINTS, 1), material
    )


def _colours(rng: np.random.Generator, at: Doubles, palette: Doubles, down: Doubles) -> Doubles:
    """Colours NxKx3: bars across, a tip, a paler edge, down that is grey or white."""
    main, second, third = palette
    shade = np.broadcast_to(main, (len(at), _POINTS, 3)).copy()
    across = np.linspace(0, 1, _POINTS)[None, :]
    if rng.random() < 0.4:
        wave = np.sin(at[:, None] * rng.uniform(20, 70) + across * rng.uniform(-3, 3))
        bars = 1 / (1 + np.exp(-wave * 6))
        shade += bars[..., None] * (second - shade)
    if rng.random() < 0.5:
        tip = np.clip((at - rng.uniform(0.6, 0.9)) * 12, 0, 1)[:, None, None]
        shade += tip * (third - shade)
    if rng.random() < 0.3:
        shade += (across**3)[..., None] * (third - shade)
    pale = np.full(3, rng.uniform(0.25, 0.8))
    shade += down[:, None, None] * (pale - shade)
    shade *= np.exp(rng.normal(0, 0.08, (len(at), 1, 1)))
    return np.asarray(np.clip(shade, 0.003, 0.9))
