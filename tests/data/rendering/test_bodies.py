from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.data.rendering.bodies import Body, ellipsoid, limb

SPHERES = Body(
    (ellipsoid((0, 0, 0), (1, 1, 1)), ellipsoid((1.2, 0, 0), (0.5, 0.8, 0.6), towards=(1, 1, 0)))
)


def test_roots_lie_on_the_surface_of_the_union():
    points, normals, owners = SPHERES.roots(np.random.default_rng(0), 2000)
    assert len(points) == 2000
    for index, member in enumerate(SPHERES.members):
        distance = np.linalg.norm(member.to_sphere(points), axis=1)
        np.testing.assert_allclose(distance[owners == index], 1, atol=1e-9)
        assert (distance[owners != index] > 0.98).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    # A step along its normal leads outwards.
    stepped = points + 0.001 * normals
    for index, member in enumerate(SPHERES.members):
        own = owners == index
        assert (np.linalg.norm(member.to_sphere(stepped[own]), axis=1) > 1).all()


def test_roots_are_even_on_a_long_ellipsoid():
    long = Body((ellipsoid((0, 0, 0), (0.2, 0.2, 2)),))
    points, _, _ = long.roots(np.random.default_rng(0), 20000)
    # The area of a prolate spheroid's middle zone, by integration.
    z = np.linspace(-2, 2, 40001)
    radius = 0.2 * np.sqrt(1 - (z / 2) ** 2)
    zone = radius * np.sqrt(1 + np.gradient(radius, z) ** 2)
    zone[[0, -1]] = 0
    expected = zone[np.abs(z) < 1].sum() / zone.sum()
    assert np.mean(np.abs(points[:, 2]) < 1) == pytest.approx(expected, abs=0.015)


def test_area_of_a_sphere():
    assert ellipsoid((3, 1, 2), (2, 2, 2)).area == pytest.approx(16 * np.pi, rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 0.1))
def test_nothing_stays_inside(seed, margin):
    points = np.random.default_rng(seed).uniform(-2, 2, (50, 3))
    moved = Body(SPHERES.members[:1]).push_out(points, margin)
    distance = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(moved, axis=1), np.maximum(distance, 1 + margin), rtol=1e-9
    )
    outside = distance > 1 + margin
    np.testing.assert_array_equal(moved[outside], points[outside])


def test_a_limb_covers_its_path():
    path = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1.5]], dtype=float)
    members = limb(path, np.array([0.3, 0.2, 0.1]), part="leg")
    way = np.linspace(0, 1, 50)[:, None]
    for start, end in ((path[0], path[1]), (path[1], path[2])):
        points = start + way * (end - start)
        inside = [np.linalg.norm(member.to_sphere(points), axis=1) < 1 for member in members]
        assert np.any(inside, axis=0).all()


def test_meshes_are_inside_their_members():
    surfaces = SPHERES.surfaces([np.ones(3), np.zeros(3)], material=None)
    for member, surface in zip(SPHERES.members, surfaces, strict=True):
        distance = np.linalg.norm(member.to_sphere(surface.vertices), axis=1)
        np.testing.assert_allclose(distance, 0.99, atol=1e-5)
        assert surface.triangles.max() == len(surface.vertices) - 1
