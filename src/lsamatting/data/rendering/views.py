"""Views of a subject: where the camera stands, what is in focus, and the light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.rendering.environment import photographed_light
from lsamatting.data.rendering.scene import Camera, Lamp, View
from lsamatting.data.rendering.subject import Subject
from lsamatting.data.synthesis.photos import Photos

Doubles = NDArray[np.float64]

_SIDES = (512, 560)
_TRIES = 24
_COVERED = (0.12, 0.8)
"""Share of a picture that the subject should fill; outside it there is little matte to learn."""
_MOST_BLUR = 0.15
"""Of the nearest thing, as a share of the picture's width: one in the lens would veil all of it."""


def draw_view(rng: np.random.Generator, subject: Subject, photos: Photos, *, seed: int) -> View:
    """Choose camera, focus, lamps and surroundings at random."""
    height, width = (int(side) for side in rng.integers(*_SIDES, size=2, endpoint=True))
    cloud = subject.outline(rng)
    camera = _camera(rng, subject, cloud, (height, width))
    middle = cloud.mean(axis=0)
    reach = float(np.quantile(np.linalg.norm(cloud - middle, axis=1), 0.95))
    return View(
        camera=camera,
        lamps=_lamps(rng, np.asarray(camera.place), middle, reach),
        environment=photographed_light(rng, photos) * np.float32(rng.uniform(0.25, 1.3)),
        size=(height, width),
        samples=128 if subject.transparent else 5,
        opacity_samples=0 if subject.transparent else 56,
        bounces=subject.bounces,
        seed=seed,
    )


def _camera(
    rng: np.random.Generator, subject: Subject, cloud: Doubles, size: tuple[int, int]
) -> Camera:
    middle = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
    reach = float(np.quantile(np.linalg.norm(cloud - middle, axis=1), 0.98))
    best, best_error = None, np.inf
    whole = rng.random() < 0.4
    for _ in range(_TRIES):
        lens = float(rng.uniform(45, 110))
        azimuth = np.radians(rng.uniform(*subject.azimuths) - 90)
        elevation = np.radians(rng.uniform(*subject.elevations))
        back = np.array(
            [
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            ]
        )
        if whole:
            target = middle + rng.normal(0, 0.06 * reach, 3)
            extent = 2 * reach * rng.uniform(0.75, 1.05)
        else:
            target = cloud[rng.integers(len(cloud))] * 0.75 + middle * 0.25
            extent = 2 * reach * np.exp(rng.uniform(np.log(subject.closest), np.log(0.9)))
        distance = float(extent * lens / 36)
        # Near things of a deep subject must not stand in the camera.
        distance = max(distance, reach * 1.3)
        lens = float(distance * 36 / extent)
        place = target + back * distance
        covered = coverage(cloud, place, target, lens, size)
        error = max(_COVERED[0] - covered, covered - _COVERED[1], 0)
        if error < best_error:
            best, best_error = (place, target, lens, distance), error
        if error == 0:
            break
    assert best is not None
    place, target, lens, distance = best
    forward = (target - place) / np.linalg.norm(target - place)
    # Focus lies on something that is in the picture, towards the camera or, rarely, beyond.
    depths = (cloud - place) @ forward
    focus = float(np.quantile(depths[depths > 0.05], rng.beta(1.2, 2.5)))
    extent = distance * 36 / lens
    aperture = 0.0
    if rng.random() < 0.5:
        # Blur of a point one tenth of the extent out of focus, as a share of the picture's width.
        blur = np.exp(rng.uniform(np.log(0.002), np.log(0.03)))
        off = extent / 10
        near = float(depths[depths > 0.05].min())
        aperture = max(
            _f_number(lens, focus=distance, depth=distance + off, off=off, blur=blur),
            _f_number(lens, focus=focus, depth=near, off=focus - near, blur=_MOST_BLUR),
        )
    return Camera(
        place=_place(place), target=_place(target), lens=lens, aperture=aperture, focus=focus
    )


def _f_number(lens: float, *, focus: float, depth: float, off: float, blur: float) -> float:
    """Give the f-number at which a point so far off the focus blurs over a share of the width.

    c = f²/(N (d-f)) · Δ/depth with f and c in metres of the scene, over the sensor's width.
    """
    f = lens / 1000
    return f * f / max(focus - f, 1e-3) * off / depth / (0.036 * blur)


def coverage(
    cloud: Doubles, place: Doubles, target: Doubles, lens: float, size: tuple[int, int]
) -> float:
    """Share of a picture, size (height, width), in which points of a cloud are seen, roughly.

    Nothing where most of the cloud's near points lie behind the camera.
    """
    forward = (target - place) / np.linalg.norm(target - place)
    side = np.cross(forward, [0.0, 0.0, 1.0])
    side /= max(float(np.linalg.norm(side)), 1e-6)
    up = np.cross(side, forward)
    relative = cloud - place
    depth = relative @ forward
    seen = depth > 1e-3
    x, y = (relative[seen] @ axis / depth[seen] * lens / 36 for axis in (side, up))
    height, width = size
    longer = max(height, width)
    cells = 32
    rows = np.floor((y * longer / height + 0.5) * cells).astype(np.intp)
    columns = np.floor((x * longer / width + 0.5) * cells).astype(np.intp)
    inside = (rows >= 0) & (rows < cells) & (columns >= 0) & (columns < cells)
    filled = np.zeros((cells, cells), dtype=bool)
    filled[rows[inside], columns[inside]] = True
    return float(filled.mean())


def _lamps(
    rng: np.random.Generator, camera: Doubles, middle: Doubles, reach: float
) -> tuple[Lamp, ...]:
    """One to four lamps: a main one, perhaps one to fill, often one or two from behind."""
    towards = camera - middle
    facing = float(np.arctan2(towards[1], towards[0]))
    lamps = [_lamp(rng, middle, reach, facing + rng.uniform(-1.5, 1.5), rng.uniform(0.5, 2))]
    if rng.random() < 0.4:
        lamps.append(
            _lamp(rng, middle, reach, facing + rng.uniform(-1.5, 1.5), rng.uniform(0.2, 0.8))
        )
    for _ in range(int(rng.choice(3, p=[0.35, 0.45, 0.2]))):
        behind = facing + np.pi + rng.uniform(-0.9, 0.9)
        lamps.append(_lamp(rng, middle, reach, behind, rng.uniform(1, 5)))
    return tuple(lamps)


def _lamp(
    rng: np.random.Generator, middle: Doubles, reach: float, azimuth: float, strength: float
) -> Lamp:
    distance = reach * rng.uniform(2.5, 5)
    elevation = rng.uniform(-0.1, 1.2)
    direction = np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ]
    )
    warmth = rng.normal(0, 0.12)
    colour = (1 + warmth, 1.0, 1 - warmth)
    return Lamp(
        place=_place(middle + direction * distance),
        target=_place(middle),
        size=float(reach * np.exp(rng.uniform(np.log(0.15), np.log(2)))),
        # Watts for a radiance of about `strength` off white paper.
        power=float(strength * 4 * np.pi * distance**2),
        colour=colour,
    )


def _place(values: Doubles) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
