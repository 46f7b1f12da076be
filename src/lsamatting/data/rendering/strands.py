"""Growing strands: guides that gravity and wind bend, and the many that follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lsamatting.data.rendering.bodies import Body, unit

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Bending:
    """What bends a strand on its way, each in turns of direction per length of strand.

    pull: 3, gravity and wind together. wander: slow random bends, the same in neighbours.
    """

    pull: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wander: float = 0.1


def grow_guides(
    rng: np.random.Generator,
    roots: NDArray[Any],
    directions: NDArray[Any],
    lengths: NDArray[Any],
    *,
    points: int,
    bending: Bending,
    body: Body | None = None,
    margin: float = 0.02,
) -> Doubles:
    """Strands that start in a direction, bend, and slide along a body.

    Parameters
    ----------
    rng
        Source of the bends.
    roots, directions
        Nx3.
    lengths
        N.
    points
        K, at least 2.
    bending
        What bends them.
    body
        What they cannot pass through.
    margin
        Distance that they keep from it.

    Returns
    -------
    numpy.ndarray
        NxKx3; the first points are the roots.
    """
    step = np.asarray(lengths)[:, None] / (points - 1)
    strands = np.empty((len(roots), points, 3))
    strands[:, 0] = roots
    heading = unit(np.asarray(directions, dtype=np.float64))
    bend = rng.normal(size=heading.shape) * bending.wander
    for index in range(1, points):
        bend = 0.8 * bend + 0.6 * rng.normal(size=heading.shape) * bending.wander
        pull = np.asarray(bending.pull) * step
        heading = unit(heading + pull + bend * np.sqrt(step))
        there = strands[:, index - 1] + heading * step
        if body is not None:
            free = body.push_out(there, margin)
            touched = np.any(free != there, axis=1, keepdims=True)
            heading = np.where(touched, unit(free - strands[:, index - 1]), heading)
            there = strands[:, index - 1] + heading * step
            there = body.push_out(there, margin)
        strands[:, index] = there
    return strands


def follow(
    rng: np.random.Generator,
    roots: NDArray[Any],
    guides: NDArray[Any],
    *,
    clump: float,
    spread: float = 0.3,
) -> tuple[Doubles, NDArray[np.intp]]:
    """Strands from `roots` that run beside the guides near them.

    Parameters
    ----------
    rng
        Decides which of several near guides a strand belongs to.
    roots
        Nx3.
    guides
        GxKx3.
    clump
        How far tips come together at their guide, 0 to 1.
    spread
        Differences of that between clumps, 0 to 1.

    Returns
    -------
    tuple
        NxKx3 strands and the N indices of the guides.
    """
    tree = cKDTree(guides[:, 0])
    near = min(3, len(guides))
    distances, nearest = tree.query(roots, k=near)
    distances, nearest = distances.reshape(len(roots), near), nearest.reshape(len(roots), near)
    weights = 1 / (distances + 1e-3) ** 2 * rng.uniform(0.5, 1.5, distances.shape)
    # Between clumps a strand goes its mean way, at their tips that of its own clump.
    weights /= weights.sum(axis=1, keepdims=True)
    own = nearest[:, 0]
    relative = guides - guides[:, :1]
    mean = np.zeros((len(roots), guides.shape[1], 3))
    for column in range(near):
        mean += weights[:, column, None, None] * relative[nearest[:, column]]
    along = np.linspace(0, 1, guides.shape[1])[None, :, None]
    tightness = np.clip(clump * (1 + rng.normal(0, spread, len(guides))), 0, 1)[own]
    drawn = tightness[:, None, None] * along**0.8
    free = np.asarray(roots)[:, None] + mean
    return free * (1 - drawn) + guides[own] * drawn, own


def curl(
    strands: NDArray[Any],
    *,
    radius: NDArray[Any] | float,
    turns: NDArray[Any] | float,
    phase: NDArray[Any] | float,
    onset: float = 0.3,
) -> Doubles:
    """Wind strands, NxKx3, to helices around themselves.

    radius, turns (over a whole strand) and phase: numbers or N of them. onset: share of a strand
    over which the helix opens.
    """
    along = np.linspace(0, 1, strands.shape[1])
    forward = unit(np.gradient(strands, axis=1))
    side = unit(np.cross(forward, np.array([0.31, 0.27, 0.91])))
    up = np.cross(forward, side)
    angle = 2 * np.pi * np.multiply.outer(np.broadcast_to(turns, len(strands)), along)
    angle += np.broadcast_to(phase, len(strands))[:, None]
    opened = np.broadcast_to(radius, len(strands))[:, None] * np.minimum(along / onset, 1)
    offset = np.cos(angle)[..., None] * side + np.sin(angle)[..., None] * up
    return np.asarray(strands + offset * opened[..., None])


def frizz(rng: np.random.Generator, strands: NDArray[Any], amount: NDArray[Any] | float) -> Doubles:
    """Bend each strand, NxKx3, by itself; amount: of the strand's length, one number or N."""
    steps = rng.normal(size=strands.shape)
    steps[:, 0] = 0
    # Twice summed, a random walk of the direction: strands bend, they have no corners.
    bends = np.cumsum(np.cumsum(steps, axis=1), axis=1) / strands.shape[1] ** 1.5
    length = np.linalg.norm(np.diff(strands, axis=1), axis=2).sum(axis=1)
    scale = np.broadcast_to(amount, len(strands)) * length
    return np.asarray(strands + bends * scale[:, None, None])


def cut(strands: NDArray[Any], share: NDArray[Any]) -> Doubles:
    """Shorten each strand, NxKx3, to a share of its length, N in (0, 1]; K stays."""
    last = strands.shape[1] - 1
    place = np.linspace(0, 1, last + 1) * np.asarray(share)[:, None] * last
    before = np.minimum(place.astype(np.intp), last - 1)
    part = (place - before)[..., None]
    rows = np.arange(len(strands))[:, None]
    return np.asarray(strands[rows, before] * (1 - part) + strands[rows, before + 1] * part)


def tapered(
    rng: np.random.Generator, count: int, points: int, *, thickness: float, tip: float = 0.15
) -> Doubles:
    """Radii NxK that keep most of their thickness and end in a tip that thin."""
    along = np.linspace(0, 1, points)
    profile = 1 - (1 - tip) * along**2.5
    return np.asarray(thickness * rng.uniform(0.65, 1.25, (count, 1)) * profile)
