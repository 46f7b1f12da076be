from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.rendering.scene import Matter, Scene, Strands
from lsamatting.data.rendering.subject import Subject
from lsamatting.data.rendering.views import coverage, draw_view


@pytest.fixture
def subject():
    points = np.random.default_rng(0).normal(size=(500, 8, 3)).astype(np.float32)
    strands = Strands(points, np.full((500, 8), 0.01, np.float32), points, Matter())
    return Subject(Scene([strands]), elevations=(0, 20), azimuths=(-30, 30))


def test_views_are_a_function_of_the_seed(subject, photos):
    first, second, other = (
        draw_view(np.random.default_rng(seed), subject, photos, seed=0) for seed in (1, 1, 2)
    )
    assert first.camera == second.camera
    assert first.lamps == second.lamps
    assert first.camera != other.camera


@pytest.mark.parametrize("seed", range(8))
def test_the_subject_is_in_the_picture(subject, photos, seed):
    view = draw_view(np.random.default_rng(seed), subject, photos, seed=0)
    assert min(view.size) >= 512
    cloud = subject.outline(np.random.default_rng(0))
    place, target = np.array(view.camera.place), np.array(view.camera.target)
    assert coverage(cloud, place, target, view.camera.lens, view.size) > 0.1
    # The front is at -y, and azimuths are at most 30° off it.
    assert place[1] - target[1] < 0
    assert 1 <= len(view.lamps) <= 4


@pytest.mark.parametrize("seed", range(12))
def test_what_is_nearest_blurs_but_does_not_veil_the_picture(photos, seed):
    points = np.random.default_rng(0).normal(size=(500, 8, 3)).astype(np.float32)
    # A few stalks stand close to where the camera will be.
    points[:20] = points[:20] * 0.01 + (0, -4.5, 0.5)
    strands = Strands(points, np.full((500, 8), 0.01, np.float32), points, Matter())
    subject = Subject(Scene([strands]), elevations=(0, 20), azimuths=(-30, 30))
    camera = draw_view(np.random.default_rng(seed), subject, photos, seed=0).camera
    place, target = np.array(camera.place), np.array(camera.target)
    depths = (points - place) @ (target - place) / np.linalg.norm(target - place)
    near = depths[depths > 0.05].min()
    f = camera.lens / 1000
    # f-number times the circle of confusion, over the sensor's width.
    blur = f * f / (camera.focus - f) * abs(camera.focus - near) / near / 0.036
    assert camera.aperture == 0 or blur < 0.16 * camera.aperture


def test_coverage_of_a_plane_that_fills_half_the_picture():
    x, z = np.meshgrid(np.linspace(-2, 0, 200), np.linspace(-2, 2, 200))
    plane = np.stack([x, np.zeros_like(x), z], axis=-1).reshape(-1, 3)
    place, target = np.array([0, -2.0, 0]), np.zeros(3)
    covered = coverage(plane, place, target, 36, (500, 500))
    assert covered == pytest.approx(0.5, abs=0.04)
    assert coverage(plane, place, place * 2, 36, (500, 500)) == 0
