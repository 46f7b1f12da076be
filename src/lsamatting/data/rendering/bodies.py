"""Bodies made of ellipsoids: where hair grows from, and what it cannot pass through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.scene import Material, Surface

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Ellipsoid:
    """centre: 3. radii: 3, along the columns of `axes` (3x3, orthonormal). part: its name."""

    centre: Doubles
    radii: Doubles
    axes: Doubles
    part: str = "body"

    def to_sphere(self, points: NDArray[Any]) -> Doubles:
        """Points ...x3 in coordinates in which the ellipsoid is the unit sphere."""
        return np.asarray((points - self.centre) @ self.axes / self.radii)

    def from_sphere(self, points: NDArray[Any]) -> Doubles:
        """Undo `to_sphere`."""
        return np.asarray((points * self.radii) @ self.axes.T + self.centre)

    @property
    def area(self) -> float:
        """Surface, by Thomsen's formula (within 1.1 %)."""
        a, b, c = self.radii**1.6075
        return float(4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / 1.6075))


def ellipsoid(
    centre: Sequence[float] | Doubles,
    radii: Sequence[float],
    *,
    towards: Sequence[float] | Doubles | None = None,
    part: str = "body",
) -> Ellipsoid:
    """Ellipsoid whose third axis points `towards` a direction, upwards if none is given."""
    third = np.array([0.0, 0.0, 1.0]) if towards is None else unit(np.asarray(towards, float))
    other = np.array([0.0, 1.0, 0.0]) if abs(third[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    first = unit(np.cross(other, third))
    axes = np.stack([first, np.cross(third, first), third], axis=1)
    return Ellipsoid(np.asarray(centre, float), np.asarray(radii, float), axes, part)


def limb(
    path: NDArray[Any], thickness: NDArray[Any], *, part: str, overlap: float = 0.75
) -> list[Ellipsoid]:
    """Row of ellipsoids along a path, Nx3, as thick as said at its points, N."""
    made = []
    for start, end, before, after in zip(
        path[:-1], path[1:], thickness[:-1], thickness[1:], strict=True
    ):
        radius = (before + after) / 2
        half = np.linalg.norm(end - start) / 2 / overlap + radius / 3
        made.append(
            ellipsoid((start + end) / 2, (radius, radius, half), towards=end - start, part=part)
        )
    return made


@dataclass(frozen=True)
class Body:
    """A union of ellipsoids."""

    members: tuple[Ellipsoid, ...]

    def roots(
        self, rng: np.random.Generator, count: int
    ) -> tuple[Doubles, Doubles, NDArray[np.intp]]:
        """Points evenly spread over the union's surface.

        Returns
        -------
        tuple
            Nx3 points, Nx3 outward normals, N indices of members. N is `count` or, of bodies whose
            members lie within each other, fewer.
        """
        areas = np.array([member.area for member in self.members])
        # Some are lost within other members and to the evenness of ellipsoids.
        owners = rng.choice(len(areas), size=count * 4, p=areas / areas.sum())
        sphere = unit(rng.normal(size=(len(owners), 3)))
        radii = np.stack([member.radii for member in self.members])[owners]
        # A sphere's even points crowd at an ellipsoid's ends by this much.
        stretch = np.linalg.norm(sphere / radii, axis=1) * radii.min(axis=1)
        kept = rng.random(len(owners)) < stretch
        owners, sphere = owners[kept], sphere[kept]
        points, normals = np.empty_like(sphere), np.empty_like(sphere)
        for index, member in enumerate(self.members):
            own = owners == index
            points[own] = member.from_sphere(sphere[own])
            normals[own] = unit((sphere[own] / member.radii) @ member.axes.T)
        outside = np.ones(len(points), dtype=bool)
        for index, member in enumerate(self.members):
            within = np.linalg.norm(member.to_sphere(points), axis=1) < 0.99
            outside &= ~within | (owners == index)
        chosen = np.flatnonzero(outside)[:count]
        return points[chosen], normals[chosen], owners[chosen]

    def push_out(self, points: NDArray[Any], margin: float = 0.02) -> Doubles:
        """Points ...x3, those within the body moved to its surface or `margin` above it."""
        moved = np.array(points, dtype=np.float64)
        for member in self.members:
            sphere = member.to_sphere(moved)
            distance = np.linalg.norm(sphere, axis=-1, keepdims=True)
            wanted = 1 + margin / member.radii.min()
            inside = distance < wanted
            if inside.any():
                raised = member.from_sphere(sphere * (wanted / np.maximum(distance, 1e-6)))
                moved = np.where(inside, raised, moved)
        return moved

    def surfaces(
        self, colours: Sequence[NDArray[Any]], material: Material, *, shrink: float = 0.99
    ) -> list[Surface]:
        """Meshes of the members, each of one linear colour, a little smaller than the members."""
        vertices, triangles = _sphere(24, 36)
        return [
            Surface(
                member.from_sphere(vertices * shrink).astype(np.float32),
                triangles,
                np.broadcast_to(np.asarray(colour, np.float32), vertices.shape).copy(),
                material,
            )
            for member, colour in zip(self.members, colours, strict=True)
        ]


def unit(vectors: NDArray[Any]) -> Doubles:
    """Vectors ...x3 made of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _sphere(rows: int, columns: int) -> tuple[Doubles, NDArray[np.int32]]:
    latitude, longitude = np.meshgrid(
        np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij"
    )
    vertices = np.stack(
        [
            np.sin(latitude) * np.cos(longitude),
            np.sin(latitude) * np.sin(longitude),
            np.cos(latitude),
        ],
        axis=-1,
    )
    return vertices.reshape(-1, 3), grid_triangles(rows, columns)


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles of a grid of rows x columns vertices, row after row."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    below = corner + columns
    triangles = [(corner, below, corner + 1), (corner + 1, below, below + 1)]
    return np.concatenate([np.stack(three, axis=1) for three in triangles]).astype(np.int32)
