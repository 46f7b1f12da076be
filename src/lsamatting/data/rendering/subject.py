"""What every kind's module gives: a scene to look at, and how to look at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.scene import Scene, Strands, Surface


@dataclass(frozen=True)
class Subject:
    """A scene and what the camera may do.

    closest: width of the smallest part that is worth a picture, as a share of the whole.
    elevations: lowest and highest angle of the camera, in degrees. azimuths: the same around,
    0 being the subject's front (-y). transparent: the materials decide the opacity.
    """

    scene: Scene
    closest: float = 0.3
    elevations: tuple[float, float] = (-15, 35)
    azimuths: tuple[float, float] = (0, 360)
    transparent: bool = False
    bounces: int = 1

    def outline(self, rng: np.random.Generator, count: int = 20000) -> NDArray[np.float64]:
        """Draw some points of the scene, Nx3: of its strands or, without any, of its surfaces."""
        parts = self.scene.strands or self.scene.surfaces
        clouds = [_points(part) for part in parts]
        cloud = np.concatenate(clouds).astype(np.float64)
        return cloud[rng.integers(len(cloud), size=min(count, len(cloud)))]


def _points(part: Strands | Surface) -> NDArray[np.float32]:
    if isinstance(part, Strands):
        return part.points.reshape(-1, 3)
    # Vertices crowd at poles and seams; the middles of large triangles count for more.
    corners = part.vertices[part.triangles]
    middles = corners.mean(axis=1)
    size = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    copies = np.clip(np.round(size / max(float(size.mean()), 1e-12)), 1, 5).astype(np.intp)
    return np.repeat(middles, copies, axis=0)
