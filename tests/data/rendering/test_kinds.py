from __future__ import annotations

import importlib

import numpy as np
import pytest

from lsamatting.data.rendering.dataset import KINDS
from lsamatting.data.rendering.scene import write_scene


def arrays(subject):
    for part in subject.scene.strands:
        yield from (part.points, part.radius, part.colour)
    for surface in subject.scene.surfaces:
        yield from (surface.vertices, surface.triangles, surface.colour)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_a_function_of_the_seed(kind, tmp_path):
    build = importlib.import_module(f"lsamatting.data.rendering.{kind}").build
    first, second = (build(np.random.default_rng(4)) for _ in range(2))
    for one, other in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_array_equal(one, other)
    write_scene(tmp_path, first.scene, {})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_scenes_are_sound(kind, seed):
    subject = importlib.import_module(f"lsamatting.data.rendering.{kind}").build(
        np.random.default_rng(seed)
    )
    for array in arrays(subject):
        assert np.isfinite(array).all()
    for part in subject.scene.strands:
        assert (part.radius > 0).all()
        assert (part.colour >= 0).all()
    for surface in subject.scene.surfaces:
        assert surface.colour.min() >= 0
        assert surface.colour.max() <= 1.6


@pytest.mark.parametrize("kind", ["hair", "fur"])
def test_thousands_of_strands_thinner_than_a_pixel(kind):
    subject = importlib.import_module(f"lsamatting.data.rendering.{kind}").build(
        np.random.default_rng(0)
    )
    strands = max(subject.scene.strands, key=lambda part: len(part.points))
    assert len(strands.points) > 5000
    extent = np.ptp(strands.points.reshape(-1, 3), axis=0).max()
    assert 2 * np.median(strands.radius) < extent / 400
