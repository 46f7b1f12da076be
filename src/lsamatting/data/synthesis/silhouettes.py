"""Outlines of bodies, as signed distances: animals seen from the side, busts, people's heads."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.noise import smooth_field

Floats = NDArray[np.float32]

# Outlines are smooth: they are computed on a grid this many times coarser than the picture.
_STEP = 3


@dataclass(frozen=True)
class Bone:
    """A tapered capsule from `start` to `end` (x, y in body units, y down) with its two radii."""

    start: tuple[float, float]
    end: tuple[float, float]
    radius: tuple[float, float]


@dataclass(frozen=True)
class Placement:
    """How body units become pixels: turn (radians), enlarge, move."""

    angle: float
    scale: float
    centre: tuple[float, float]
    mirrored: bool

    def apply(self, point: tuple[float, float]) -> tuple[float, float]:
        """Pixel coordinates (x, y) of a point in body units."""
        x, y = point
        if self.mirrored:
            x = -x
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return (
            self.centre[0] + self.scale * (cos * x - sin * y),
            self.centre[1] + self.scale * (sin * x + cos * y),
        )


@dataclass(frozen=True)
class Body:
    """distance: HxW float32, signed distance to the outline in pixels, negative inside.

    head: centre (x, y) in pixels and radius of the head.
    """

    distance: Floats
    head: tuple[float, float, float]


def animal(rng: np.random.Generator, shape: tuple[int, int]) -> Body:
    """Draw an animal-like outline: standing, a bust, or curled up; sometimes cut by the frame."""
    height, width = shape
    pose = rng.choice(3, p=[0.35, 0.4, 0.25])
    bones, head, radius = (_standing, _bust, _curled)[pose](rng)
    if pose == 1:
        scale = min(height, width) * rng.uniform(0.42, 0.75)
        centre = (width * rng.uniform(0.35, 0.65), height * rng.uniform(0.4, 0.55))
        angle = rng.normal(0, 0.12)
    else:
        scale = min(height, width) * rng.uniform(0.36, 0.62)
        centre = (width * rng.uniform(0.35, 0.65), height * rng.uniform(0.4, 0.65))
        angle = rng.normal(0, 0.3)
    placement = Placement(angle, scale, centre, bool(rng.random() < 0.5))
    return _body(rng, shape, bones, placement, head=head, head_radius=radius, blend=0.12)


def person(rng: np.random.Generator, shape: tuple[int, int]) -> Body:
    """Head, neck and shoulders, the shoulders cut by the lower edge of the frame."""
    height, width = shape
    turn = rng.uniform(-0.15, 0.15)
    shoulder, slope = rng.uniform(0.5, 0.8), rng.uniform(0.2, 0.45)
    drop = rng.uniform(0.62, 0.8)
    bones = [
        Bone((0, -0.08), (turn * 0.5, 0.16), (0.31, 0.24)),
        Bone((0.05 * turn, 0.1), (0, drop), (0.15, 0.2)),
        Bone((0, drop + 0.3), (0, 2.8), (0.35, shoulder)),
        *(
            bone
            for side in (-shoulder, shoulder)
            for bone in (
                Bone((0, drop + 0.1), (side, drop + slope), (0.2, 0.24)),
                Bone((side, drop + slope), (1.15 * side, 2.8), (0.24, 0.26)),
            )
        ),
    ]
    scale = min(height, width) * rng.uniform(0.42, 0.85)
    centre = (width * rng.uniform(0.35, 0.65), height * rng.uniform(0.3, 0.45))
    placement = Placement(rng.normal(0, 0.12), scale, centre, bool(rng.random() < 0.5))
    return _body(
        rng, shape, bones, placement, head=(0, -0.05), head_radius=0.33, blend=0.08, rough=0.4
    )


def _standing(
    rng: np.random.Generator,
) -> tuple[list[Bone], tuple[float, float], float]:
    girth = rng.uniform(0.2, 0.36)
    rump = (-0.55, rng.uniform(-0.1, 0.1))
    chest = (0.35, rng.uniform(-0.12, 0.05))
    head = (rng.uniform(0.6, 0.9), chest[1] - rng.uniform(0.1, 0.6))
    skull = rng.uniform(0.15, 0.24)
    bones = [
        Bone(rump, chest, (girth * rng.uniform(0.8, 1), girth)),
        Bone(chest, head, (girth * 0.75, skull * 0.8)),
        Bone(head, (head[0] + 0.02, head[1]), (skull, skull)),
    ]
    nose = (head[0] + skull * rng.uniform(0.9, 1.8), head[1] + skull * rng.uniform(0.1, 0.8))
    bones.append(Bone(head, nose, (skull * 0.75, skull * rng.uniform(0.3, 0.5))))
    bones += _ears(rng, head, skull)
    legs = rng.uniform(0.35, 0.75)
    for x in (rump[0], rump[0] + 0.2, chest[0] - 0.15, chest[0] + 0.05):
        if rng.random() < 0.8:
            hip = (x, girth * 0.4)
            knee = (x + rng.normal(0, 0.08), hip[1] + legs * 0.55)
            foot = (knee[0] + rng.normal(0, 0.06), hip[1] + legs)
            thick = girth * rng.uniform(0.3, 0.5)
            bones += [
                Bone(hip, knee, (thick * 1.3, thick * 0.8)),
                Bone(knee, foot, (thick * 0.8,) * 2),
            ]
    if rng.random() < 0.8:
        bones += _tail(rng, rump, girth)
    return bones, head, skull


def _bust(rng: np.random.Generator) -> tuple[list[Bone], tuple[float, float], float]:
    skull = rng.uniform(0.3, 0.42)
    head = (0.0, -0.25)
    neck = (rng.normal(0, 0.15), 0.5)
    bones = [
        Bone(head, (rng.normal(0, 0.04), head[1] + 0.1), (skull, skull * 0.9)),
        Bone(head, neck, (skull * rng.uniform(0.6, 0.9), skull * rng.uniform(0.8, 1.3))),
        Bone(neck, (neck[0] * 2, 1.8), (skull * 1.1, skull * rng.uniform(1.3, 2.2))),
    ]
    if rng.random() < 0.6:
        nose = (rng.choice([-1, 1]) * rng.uniform(0, 0.55), head[1] + rng.uniform(0.05, 0.3))
        bones.append(Bone(head, nose, (skull * 0.6, skull * rng.uniform(0.25, 0.45))))
    return bones + _ears(rng, head, skull), head, skull


def _curled(rng: np.random.Generator) -> tuple[list[Bone], tuple[float, float], float]:
    bones = []
    x, y = rng.uniform(-0.6, -0.3), rng.uniform(-0.1, 0.3)
    heading = rng.uniform(-0.8, 0.3)
    radius = rng.uniform(0.22, 0.4)
    for _ in range(int(rng.integers(3, 6))):
        following = (x + 0.33 * math.cos(heading), y + 0.33 * math.sin(heading))
        grown = float(np.clip(radius * rng.uniform(0.7, 1.35), 0.14, 0.45))
        bones.append(Bone((x, y), following, (radius, grown)))
        (x, y), radius = following, grown
        heading += rng.normal(0, 0.6)
    for _ in range(int(rng.integers(0, 4))):
        bone = bones[int(rng.integers(len(bones)))]
        direction = rng.uniform(0, 2 * math.pi)
        reach = bone.radius[0] + rng.uniform(0.1, 0.4)
        tip = (
            bone.start[0] + reach * math.cos(direction),
            bone.start[1] + reach * math.sin(direction),
        )
        bones.append(Bone(bone.start, tip, (bone.radius[0] * 0.6, rng.uniform(0.04, 0.14))))
    return bones + _ears(rng, (x, y), radius), (x, y), radius


def _ears(rng: np.random.Generator, head: tuple[float, float], skull: float) -> list[Bone]:
    if rng.random() < 0.15:
        return []
    spread, reach = rng.uniform(0.35, 1.1), skull * rng.uniform(1.15, 1.9)
    base, tip = skull * rng.uniform(0.25, 0.45), skull * rng.uniform(0.06, 0.3)
    ears = []
    for side in (-1, 1):
        a = -math.pi / 2 + side * spread + rng.normal(0, 0.1)
        b = a + side * rng.normal(0, 0.15)
        root = (head[0] + 0.7 * skull * math.cos(a), head[1] + 0.7 * skull * math.sin(a))
        end = (head[0] + reach * math.cos(b), head[1] + reach * math.sin(b))
        ears.append(Bone(root, end, (base, tip)))
    return ears


def _tail(rng: np.random.Generator, rump: tuple[float, float], girth: float) -> list[Bone]:
    heading = rng.uniform(math.pi * 0.6, math.pi * 1.5)
    bend = rng.normal(0, 0.35)
    radius = girth * rng.uniform(0.15, 0.5)
    taper = rng.uniform(0.75, 1)
    x, y = rump[0] - girth * 0.7, rump[1]
    bones = []
    for _ in range(6):
        following = (x + 0.12 * math.cos(heading), y + 0.12 * math.sin(heading))
        bones.append(Bone((x, y), following, (radius, radius * taper)))
        (x, y), radius, heading = following, radius * taper, heading + bend
    return bones


def _body(
    rng: np.random.Generator,
    shape: tuple[int, int],
    bones: list[Bone],
    placement: Placement,
    *,
    head: tuple[float, float],
    head_radius: float,
    blend: float,
    rough: float = 1,
) -> Body:
    height, width = shape
    rows, columns = -(-height // _STEP), -(-width // _STEP)
    y, x = np.mgrid[:rows, :columns].astype(np.float32) * np.float32(_STEP)
    # Bending space gives every limb a curve that no capsule has.
    scale = placement.scale
    wave = scale * 0.03 * rough
    x = x + wave * smooth_field(rng, (rows, columns), scale=scale * 0.25 / _STEP)
    y = y + wave * smooth_field(rng, (rows, columns), scale=scale * 0.25 / _STEP)
    field = np.full((rows, columns), 1e6, dtype=np.float32)
    for bone in bones:
        field = _smooth_minimum(field, _capsule(x, y, bone, placement), blend * scale)
    field += scale * 0.012 * rough * smooth_field(rng, (rows, columns), scale=scale * 0.1 / _STEP)
    grown = cv2.resize(field, (columns * _STEP, rows * _STEP), interpolation=cv2.INTER_CUBIC)
    centre = placement.apply(head)
    return Body(
        signed_distance(np.asarray(grown[:height, :width]) < 0),
        (centre[0], centre[1], head_radius * scale),
    )


def _capsule(x: Floats, y: Floats, bone: Bone, placement: Placement) -> Floats:
    x0, y0 = placement.apply(bone.start)
    x1, y1 = placement.apply(bone.end)
    r0, r1 = (radius * placement.scale for radius in bone.radius)
    dx, dy = x1 - x0, y1 - y0
    t = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
    distance = np.hypot(x - x0 - t * dx, y - y0 - t * dy) - (r0 + t * (r1 - r0))
    return np.asarray(distance, dtype=np.float32)


def _smooth_minimum(a: Floats, b: Floats, width: float) -> Floats:
    share = np.maximum(width - np.abs(a - b), 0) / width
    return np.asarray(np.minimum(a, b) - share * share * width * 0.25, dtype=np.float32)


def signed_distance(inside: NDArray[np.bool_]) -> Floats:
    """Signed distance in pixels to the border of a mask (HxW bool), negative inside.

    Lightly smoothed, so that it crosses zero between pixels and not in steps.
    """
    mask = inside.astype(np.uint8)
    # The 5x5 mask is off by 2 % at most; the precise one's last bits change from run to run.
    outer = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    inner = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    # Without any border, the transform answers with huge numbers.
    limit = float(max(inside.shape))
    distance = np.minimum(outer, limit) - np.minimum(inner, limit)
    return np.asarray(cv2.GaussianBlur(distance, (0, 0), 1.2), dtype=np.float32)
