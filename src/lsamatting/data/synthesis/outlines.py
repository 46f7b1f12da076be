"""Outlines of solid things, with concavities, holes and thin parts, as anti-aliased coverage."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.noise import octaves

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

FINE = 4  # stencil pixels per picture pixel, each way
_SHIFT = 4  # fractional bits of the coordinates that OpenCV fills polygons with


class Stencil:
    """A yes/no mask of FINE times the size of the picture; `coverage` averages it down.

    Shapes may be added and cut out; coordinates are picture pixels.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.mask = np.zeros((shape[0] * FINE, shape[1] * FINE), dtype=np.uint8)

    def loop(self, points: Points, *, cut: bool = False) -> None:
        """Fill the closed polygon of N x 2 points (x, y), or cut it out."""
        fixed = np.round((points * FINE - 0.5) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(self.mask, [fixed], 0 if cut else 1, shift=_SHIFT)

    def limb(self, path: Points, radii: NDArray[np.float64], *, cut: bool = False) -> None:
        """Fill a round-ended limb along N x 2 points with a radius in pixels at each."""
        tangent = np.gradient(path, axis=0)
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
        side = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * radii[:, None]
        # Quadrilateral by quadrilateral: one outline would cancel where the limb crosses itself.
        left, right = path + side, path - side
        for i in range(len(path) - 1):
            self.loop(np.array([left[i], left[i + 1], right[i + 1], right[i]]), cut=cut)
        for centre, radius in zip(path, radii, strict=True):
            if radius * FINE > 1:
                self.disc(centre, float(radius), cut=cut)

    def disc(self, centre: Points, radius: float, *, cut: bool = False) -> None:
        """Fill a circle."""
        fixed = np.round((centre * FINE - 0.5) * (1 << _SHIFT)).astype(int)
        cv2.circle(
            self.mask,
            (int(fixed[0]), int(fixed[1])),
            round(radius * FINE * (1 << _SHIFT)),
            0 if cut else 1,
            thickness=-1,
            shift=_SHIFT,
        )

    def coverage(self) -> Floats:
        """HxW float32: the share of each picture pixel that is filled."""
        size = (self.shape[1], self.shape[0])
        return np.asarray(
            cv2.resize(self.mask.astype(np.float32), size, interpolation=cv2.INTER_AREA),
            dtype=np.float32,
        )


def smooth_path(points: Points, *, closed: bool = False, rounds: int = 4) -> Points:
    """Round the corners of a polyline by cutting them `rounds` times (Chaikin)."""
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0) if closed else points[1:]
        start = points if closed else points[:-1]
        cut = np.stack([0.75 * start + 0.25 * following, 0.25 * start + 0.75 * following], axis=1)
        cut = cut.reshape(-1, 2)
        points = cut if closed else np.vstack([points[:1], cut, points[-1:]])
    return points


def turned(points: Points, angle: float, centre: Points) -> Points:
    """Points rotated about the origin, then moved to `centre`."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]) + centre)


def wobbly_loop(
    rng: np.random.Generator, radius: float, *, roughness: float = 0.3, stretch: float = 1.0
) -> Points:
    """Trace a closed curve about the origin: a circle plus harmonics that fall off as 1/n."""
    theta = np.linspace(0.0, 2.0 * math.pi, 240, endpoint=False)
    r = np.ones_like(theta)
    for n in range(2, 9):
        r += roughness * rng.normal() / n * np.cos(n * theta + rng.uniform(0, 2 * math.pi))
    r = np.maximum(r, 0.15) * radius
    return np.stack([r * np.cos(theta) * stretch, r * np.sin(theta)], axis=1)


def curved_limb(
    rng: np.random.Generator, start: Points, angle: float, length: float, *, bend: float
) -> Points:
    """Trace a path from `start` that sets out at `angle` and turns by about `bend` radians."""
    count = 24
    rate = rng.normal(0, bend) + rng.normal(0, bend) * np.linspace(-1, 1, count)
    heading = angle + np.cumsum(rate) / count
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (length / count)
    return np.asarray(start + np.vstack([np.zeros(2), np.cumsum(steps, axis=0)]))


def tapered(count: int, first: float, last: float, *, power: float = 1.0) -> NDArray[np.float64]:
    """Radii from `first` to `last` along a limb."""
    return first + (last - first) * np.linspace(0.0, 1.0, count) ** power


def _place(rng: np.random.Generator, shape: tuple[int, int], spread: float = 0.15) -> Points:
    height, width = shape
    x, y = 0.5 + rng.uniform(-spread, spread, size=2)
    return np.array([x * width, y * height])


def boulder(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """One rounded body, perhaps with a bite or a hole."""
    stencil = Stencil(shape)
    size = min(shape) * rng.uniform(0.25, 0.42)
    centre = _place(rng, shape)
    angle = rng.uniform(0, 2 * math.pi)
    loop = wobbly_loop(rng, size, roughness=rng.uniform(0.05, 0.5), stretch=rng.uniform(0.7, 1.5))
    stencil.loop(turned(loop, angle, centre))
    for _ in range(int(rng.integers(0, 4))):
        hole = wobbly_loop(rng, size * rng.uniform(0.06, 0.3), roughness=0.3)
        away = turned(np.array([[size * rng.uniform(0.3, 1.05), 0]]), rng.uniform(0, 7), centre)
        stencil.loop(hole + away, cut=True)
    return stencil


def manufactured(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """Straight sides and sharp or rounded corners, with slots, holes and a handle."""
    stencil = Stencil(shape)
    size = min(shape) * rng.uniform(0.25, 0.42)
    centre, angle = _place(rng, shape), rng.uniform(0, 2 * math.pi)
    corners = int(rng.integers(3, 9))
    theta = np.sort(rng.uniform(-0.25, 0.25, corners) + np.arange(corners)) * 2 * math.pi / corners
    radius = size * rng.uniform(0.7, 1.2, corners)
    if rng.random() < 0.4:  # a star or a gear
        corners = 2 * int(rng.integers(4, 16))
        theta = np.arange(corners) * 2 * math.pi / corners
        radius = size * np.where(np.arange(corners) % 2, 1.0, rng.uniform(0.45, 0.9))
    loop = np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1)
    loop = smooth_path(loop, closed=True, rounds=int(rng.integers(0, 4)))
    stencil.loop(turned(loop, angle, centre))
    if rng.random() < 0.6:
        start = turned(np.array([[size * 0.5, 0.0]]), angle, centre)[0]
        path = curved_limb(rng, start, angle, size * rng.uniform(0.8, 2), bend=0.3)
        thick = size * rng.uniform(0.03, 0.15)
        stencil.limb(path, tapered(len(path), thick, thick * rng.uniform(0.5, 1.5)))
    if rng.random() < 0.4:
        path = turned(
            np.array([[0.0, -0.5], [0.9, -0.7], [0.9, 0.7], [0.0, 0.5]]) * size, 0, np.zeros(2)
        )
        path = turned(
            smooth_path(path + np.array([size * 0.45, 0])), angle + rng.uniform(1, 5), centre
        )
        stencil.limb(path, np.full(len(path), size * rng.uniform(0.02, 0.09)))
    for _ in range(int(rng.integers(0, 7))):
        at = turned(np.array([[size * rng.uniform(0, 0.7), 0.0]]), rng.uniform(0, 7), centre)[0]
        if rng.random() < 0.5:
            stencil.disc(at, size * rng.uniform(0.02, 0.14), cut=True)
        else:
            slot = np.array([[-1, -0.15], [1, -0.15], [1, 0.15], [-1, 0.15]]) * size
            stencil.loop(turned(slot * rng.uniform(0.05, 0.3), angle, at), cut=True)
    return stencil


def creature(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """Draw a body with neck, head, ears, legs with toes and a tail: thin parts on a thick one."""
    stencil = Stencil(shape)
    size = min(shape) * rng.uniform(0.16, 0.3)
    centre = _place(rng, shape, 0.1)
    long = rng.uniform(1.0, 1.7)
    tilt = rng.normal(0, 0.25)
    facing = 1.0 if rng.random() < 0.5 else -1.0

    def local(x: float, y: float) -> Points:
        return turned(np.array([facing * x * size, y * size]), tilt, centre)

    body = wobbly_loop(rng, size, roughness=0.12, stretch=long)
    stencil.loop(turned(body, tilt, centre))
    neck_angle = -rng.uniform(0.2, 1.3)
    neck_length = rng.uniform(0.3, 1.3)
    start = local(long * 0.6, -0.35)
    heading = neck_angle if facing > 0 else math.pi - neck_angle
    neck = curved_limb(rng, start, heading, neck_length * size, bend=0.3)
    head_size = size * rng.uniform(0.28, 0.55)
    stencil.limb(neck, tapered(len(neck), size * rng.uniform(0.3, 0.6), head_size * 0.6))
    head = neck[-1]
    stencil.loop(turned(wobbly_loop(rng, head_size, roughness=0.1, stretch=1.2), heading, head))
    forward = 0.3 if facing > 0 else math.pi - 0.3
    snout = curved_limb(rng, head, forward, head_size * rng.uniform(1.3, 2.6), bend=0.3)
    stencil.limb(snout, tapered(len(snout), head_size * 0.55, head_size * rng.uniform(0.02, 0.3)))
    for _ in range(int(rng.integers(0, 3))):  # ears, horns, antennae
        up = -math.pi / 2 + rng.normal(0, 0.5)
        ear = curved_limb(rng, head, up, head_size * rng.uniform(1.3, 3), bend=0.5)
        thick = head_size * rng.uniform(0.03, 0.35)
        stencil.limb(ear, tapered(len(ear), thick, thick * 0.1))
    legs = int(rng.integers(2, 5))
    thick = size * rng.uniform(0.05, 0.25)
    for x in np.linspace(-0.75, 0.75, legs) * long:
        start = local(float(x), 0.4)
        leg = curved_limb(rng, start, math.pi / 2 + rng.normal(0, 0.25), size * 1.7, bend=0.5)
        stencil.limb(leg, tapered(len(leg), thick * 1.6, thick * 0.35))
        for toe in rng.normal(math.pi / 2 - facing * 1.1, 0.5, size=int(rng.integers(1, 4))):
            claw = curved_limb(rng, leg[-1], toe, thick * rng.uniform(1, 3), bend=0.3)
            stencil.limb(claw, tapered(len(claw), thick * 0.35, thick * 0.08))
    if rng.random() < 0.8:
        back = math.pi - 0.2 if facing > 0 else 0.2
        tail = curved_limb(
            rng, local(-long * 0.85, 0), back, size * rng.uniform(0.6, 2.5), bend=1.0
        )
        thick = size * rng.uniform(0.04, 0.3)
        stencil.limb(tail, tapered(len(tail), thick, thick * rng.uniform(0.05, 0.6)))
    return stencil


def framework(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """Bars and wheels: bicycles, chairs, fences; much background seen through the thing."""
    stencil = Stencil(shape)
    height, width = shape
    bar = min(shape) * rng.uniform(0.004, 0.02)
    for _ in range(int(rng.integers(0, 3))):
        radius = min(shape) * rng.uniform(0.12, 0.3)
        hub = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.3, 0.8) * height])
        stencil.disc(hub, radius)
        stencil.disc(hub, radius - bar * rng.uniform(1, 3), cut=True)
        spokes = int(rng.integers(5, 36))
        thin = rng.uniform(0.4, 2.0)
        turn = rng.uniform(0, 7)
        for angle in turn + np.arange(spokes) * 2 * math.pi / spokes:
            rim = hub + radius * np.array([math.cos(angle), math.sin(angle)])
            stencil.limb(np.stack([hub, rim]), np.array([thin, thin]))
        stencil.disc(hub, bar * 2)
    joints = np.stack(
        [rng.uniform(0.12, 0.88, size=7) * width, rng.uniform(0.12, 0.88, size=7) * height], axis=1
    )
    for a in range(7):
        near = np.argsort(np.linalg.norm(joints - joints[a], axis=1))[1 : int(rng.integers(2, 4))]
        for b in near:
            middle = (joints[a] + joints[b]) / 2 + rng.normal(0, 0.04 * width, 2)
            path = smooth_path(np.stack([joints[a], middle, joints[b]]))
            stencil.limb(path, np.full(len(path), bar * rng.uniform(0.4, 1.4)))
    for joint in joints[: int(rng.integers(0, 4))]:
        panel = wobbly_loop(rng, min(shape) * rng.uniform(0.04, 0.14), roughness=0.2, stretch=1.5)
        stencil.loop(turned(panel, rng.normal(0, 0.4), joint))
    return stencil


def crowd(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """Many small bodies that touch and leave gaps: fruit, pebbles, coins, confetti."""
    stencil = Stencil(shape)
    height, width = shape
    centre = _place(rng, shape)
    size = min(shape) * rng.uniform(0.02, 0.09)
    for _ in range(int(rng.integers(12, 90))):
        at = centre + rng.normal(0, 0.17, 2) * [width, height]
        loop = wobbly_loop(rng, size * rng.uniform(0.4, 1.3), roughness=0.15, stretch=1.2)
        stencil.loop(turned(loop, rng.uniform(0, 7), at))
    return stencil


def island(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """Draw a coastline: everything above a level of noise that falls off from the middle."""
    stencil = Stencil(shape)
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cx, cy = _place(rng, shape)
    far = np.hypot((x - cx) / (0.36 * width), (y - cy) / (0.36 * height))
    scale = min(shape) * rng.uniform(0.1, 0.4)
    level = octaves(rng, shape, scale=scale, count=5, gain=rng.uniform(0.3, 0.55))
    ground = (level * rng.uniform(0.3, 0.8) + 1.5 * (1.0 - far)).astype(np.float32)
    fine = cv2.resize(ground, (width * FINE, height * FINE), interpolation=cv2.INTER_CUBIC)
    stencil.mask[:] = fine > 0
    return stencil


def portrait(rng: np.random.Generator, shape: tuple[int, int]) -> Stencil:
    """Head and shoulders, or a figure with arms, running out of the frame at the bottom."""
    stencil = Stencil(shape)
    height, width = shape
    size = min(shape) * rng.uniform(0.1, 0.2)
    head = np.array([width * rng.uniform(0.35, 0.65), height * rng.uniform(0.2, 0.4)])
    stencil.loop(turned(wobbly_loop(rng, size, roughness=0.06, stretch=0.8), 0.0, head))
    for side in (-1, 1):
        stencil.disc(
            head + np.array([side * size * 0.8, size * 0.1]), size * rng.uniform(0.1, 0.22)
        )
    neck = np.stack([head, head + np.array([rng.normal(0, 0.2), 1.6]) * size])
    stencil.limb(neck, np.array([0.5, 0.6]) * size)
    shoulder = size * rng.uniform(1.2, 2.2)
    top = neck[1][1] - 0.1 * size
    torso = np.array(
        [
            [neck[1][0] - 0.3 * size, top - 0.2 * size],
            [neck[1][0] + 0.3 * size, top - 0.2 * size],
            [neck[1][0] + shoulder, top + 0.5 * size],
            [neck[1][0] + shoulder * rng.uniform(0.7, 1.1), height + 4],
            [neck[1][0] - shoulder * rng.uniform(0.7, 1.1), height + 4],
            [neck[1][0] - shoulder, top + 0.5 * size],
        ]
    )
    stencil.loop(smooth_path(torso, closed=True, rounds=3))
    for side in (-1, 1):
        joint = np.array([neck[1][0] + side * shoulder * 0.85, top + 0.5 * size])
        out = math.pi / 2 - side * rng.uniform(0.1, 1.8)
        upper = curved_limb(rng, joint, out, size * 1.7, bend=0.1)
        lower = curved_limb(rng, upper[-1], rng.uniform(0, 7), size * 1.6, bend=0.1)
        stencil.limb(upper, tapered(len(upper), size * 0.45, size * 0.33))
        stencil.limb(lower, tapered(len(lower), size * 0.33, size * 0.22))
        for finger in rng.normal(0, 0.35, size=5):
            along = math.atan2(*(lower[-1] - lower[-2])[::-1]) + finger
            path = curved_limb(rng, lower[-1], along, size * 0.65, bend=0.3)
            stencil.limb(path, tapered(len(path), size * 0.1, size * 0.06))
    return stencil


OUTLINES: tuple[tuple[Callable[[np.random.Generator, tuple[int, int]], Stencil], float], ...] = (
    (boulder, 1.0),
    (manufactured, 1.5),
    (creature, 2.0),
    (framework, 1.2),
    (crowd, 0.8),
    (island, 0.7),
    (portrait, 1.3),
)


def random_outline(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Coverage, HxW in [0, 1], of one random outline out of all kinds."""
    weights = np.array([weight for _, weight in OUTLINES])
    index = int(rng.choice(len(OUTLINES), p=weights / weights.sum()))
    return OUTLINES[index][0](rng, shape).coverage()
