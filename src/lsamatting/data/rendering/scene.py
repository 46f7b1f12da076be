"""What a path tracer is to draw, in plain arrays: strands, surfaces, lamps and views."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]
Place = tuple[float, float, float]


@dataclass(frozen=True)
class Fibre:
    """Hair: light is scattered by the cortex and absorbed by pigments; colours are absorptions.

    roughness, radial_roughness: along and across the strand, 0 to 1. coat: shine of fur, 0 to 1.
    """

    roughness: float = 0.3
    radial_roughness: float = 0.35
    coat: float = 0.0


@dataclass(frozen=True)
class Matter:
    """What light does not pass: skin, cloth, bark; or, with `translucency`, a leaf.

    roughness, specular, metallic: 0 to 1. translucency: share of the light that goes through.
    """

    roughness: float = 0.6
    specular: float = 0.4
    metallic: float = 0.0
    translucency: float = 0.0


@dataclass(frozen=True)
class Glass:
    """What light passes; colours are tints. The scene behind is not bent: it is left out."""

    ior: float = 1.45
    roughness: float = 0.0


Material = Fibre | Matter | Glass


@dataclass(frozen=True)
class Strands:
    """Curves of equal numbers of points, in metres or any unit.

    points: NxKx3. radius: NxK. colour: NxKx3, linear; absorption for fibres. material: look.
    """

    points: Floats
    radius: Floats
    colour: Floats
    material: Material


def as_strands(
    points: NDArray[Any], radius: NDArray[Any], colour: NDArray[Any], material: Material
) -> Strands:
    """Strands of points NxKx3; radii and colours are spread out to them."""
    return Strands(
        points.astype(np.float32),
        np.broadcast_to(radius, points.shape[:2]).astype(np.float32),
        np.broadcast_to(colour, points.shape).astype(np.float32),
        material,
    )


@dataclass(frozen=True)
class Surface:
    """A mesh. vertices: Vx3. triangles: Tx3 indices. colour: Vx3, linear. material: look."""

    vertices: Floats
    triangles: Numbers
    colour: Floats
    material: Material


@dataclass(frozen=True)
class Lamp:
    """A round area light, shining from `place` at `target`. size: diameter. power: watts."""

    place: Place
    target: Place
    size: float
    power: float
    colour: Place = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Camera:
    """A pinhole or, with an aperture, a lens out of whose focus things blur.

    lens: millimetres, of a sensor 36 mm wide. aperture: f-number, 0 for a pinhole. focus: distance.
    """

    place: Place
    target: Place
    lens: float = 50.0
    aperture: float = 0.0
    focus: float = 1.0


@dataclass(frozen=True)
class View:
    """One picture of a scene.

    environment: hxwx3 linear light from all around, longitude by latitude. size: (height, width).
    samples: rays per pixel for colour. opacity_samples: for opacity, 0 where materials decide it
    (glass). bounces: of light between things. seed: of the path tracer.
    """

    camera: Camera
    lamps: tuple[Lamp, ...]
    environment: Floats
    size: tuple[int, int]
    samples: int = 6
    opacity_samples: int = 64
    bounces: int = 1
    seed: int = 0


@dataclass
class Scene:
    """Everything there is, but for light and camera."""

    strands: list[Strands] = field(default_factory=list)
    surfaces: list[Surface] = field(default_factory=list)


def write_scene(folder: Path, scene: Scene, views: Mapping[str, View]) -> None:
    """Write scene.json and scene.npz into `folder`, for the renderer.

    Raises
    ------
    ValueError
        Arrays whose shapes do not belong together.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    materials: list[Material] = []
    described: dict[str, list[dict[str, int]]] = {"strands": [], "surfaces": []}
    for index, part in enumerate(scene.strands):
        _check(part.points.shape == part.colour.shape and part.points.ndim == 3, "strands")
        _check(part.radius.shape == part.points.shape[:2], "radii")
        for key in ("points", "radius", "colour"):
            arrays[f"strands{index}.{key}"] = getattr(part, key).astype(np.float32)
        described["strands"].append({"material": _index(materials, part.material)})
    for index, surface in enumerate(scene.surfaces):
        _check(surface.vertices.shape == surface.colour.shape, "vertices")
        _check(surface.triangles.max(initial=-1) < len(surface.vertices), "triangles")
        arrays[f"surface{index}.vertices"] = surface.vertices.astype(np.float32)
        arrays[f"surface{index}.triangles"] = surface.triangles.astype(np.int32)
        arrays[f"surface{index}.colour"] = surface.colour.astype(np.float32)
        described["surfaces"].append({"material": _index(materials, surface.material)})
    shown: dict[str, dict[str, object]] = {}
    for number, (name, view) in enumerate(views.items()):
        arrays[f"environment{number}"] = view.environment.astype(np.float32)
        shown[name] = {
            "camera": asdict(view.camera),
            "lamps": [asdict(lamp) for lamp in view.lamps],
            "environment": f"environment{number}",
            "height": view.size[0],
            "width": view.size[1],
            "samples": view.samples,
            "opacity_samples": view.opacity_samples,
            "bounces": view.bounces,
            "seed": view.seed,
        }
    looks = [{"kind": type(look).__name__.lower(), **asdict(look)} for look in materials]
    # Numbers drawn at random are NumPy's, which json does not know.
    text = json.dumps({**described, "materials": looks, "views": shown}, default=float)
    (folder / "scene.json").write_text(text)
    np.savez(folder / "scene.npz", allow_pickle=False, **arrays)


def _index(materials: list[Material], wanted: Material) -> int:
    if wanted not in materials:
        materials.append(wanted)
    return materials.index(wanted)


def _check(fits: bool, what: str) -> None:
    if not fits:
        raise ValueError(f"{what} of a scene: the arrays' shapes do not belong together")
