from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from lsamatting.data.rendering.bodies import Body, ellipsoid
from lsamatting.data.rendering.renderer import Blender, RenderingError
from lsamatting.data.rendering.scene import Camera, Lamp, Matter, Scene, Strands, View, write_scene
from lsamatting.errors import ConfigError

# An interpreter that has bpy, where this one has not.
PYTHON = os.environ.get("LSAMATTING_BPY_PYTHON")
needs_bpy = pytest.mark.skipif(
    PYTHON is None and importlib.util.find_spec("bpy") is None, reason="bpy is not installed"
)


def view(**changes):
    camera = Camera(place=(0, -4, 0), target=(0, 0, 0), lens=36)
    lamp = Lamp(place=(-3, -4, 3), target=(0, 0, 0), size=1, power=500)
    return View(camera, (lamp,), np.full((16, 32, 3), 0.5, np.float32), (96, 128), **changes)


@needs_bpy
@pytest.mark.slow
def test_a_ball_and_a_strand_have_their_exact_opacity(tmp_path):
    ball = Body((ellipsoid((0, 0, 0), (1, 1, 1)),)).surfaces([np.array([0.8, 0.1, 0.1])], Matter())
    points = np.zeros((1, 5, 3), np.float32)
    points[0, :, 0] = 1.2
    points[0, :, 2] = np.linspace(-3, 3, 5)
    radius = np.full((1, 5), 0.01, np.float32)
    strand = Strands(points, radius, np.full_like(points, 0.2), Matter())
    write_scene(tmp_path, Scene([strand], ball), {"one": view(), "two": view()})
    Blender(PYTHON and Path(PYTHON), threads=1)(tmp_path)
    one = np.load(tmp_path / "one.npy")
    assert one.shape == (96, 128, 5)
    opacity = one[..., 4]
    # A sphere of radius 0.99 seen from 4 away; pixels are 128 to the sensor's width.
    seen = 128 * np.tan(np.arcsin(0.99 / 4))
    rows, columns = np.mgrid[:96, :128] + 0.5
    distance = np.hypot(rows - 48, columns - 64)
    np.testing.assert_allclose(opacity[distance < seen - 2], 1)
    right = columns > 64 + 128 * 1.2 / 4 - 3
    assert not opacity[(distance > seen + 2) & ~right].any()
    # The strand covers the same width of every row, whatever pixels it meets: 0.02, of 32 pixels to
    # a unit at its depth, and wider by the slant of its rays.
    width = 0.02 * 32 * np.hypot(4, 1.2) / 4
    covered = np.where(right, opacity, 0).sum(axis=1)
    np.testing.assert_allclose(covered, width, atol=0.12)
    assert covered.mean() == pytest.approx(width, abs=0.02)
    # No background is baked in, and the ball is red.
    assert one[opacity == 0, :3].max() < 0.01
    red, green, _ = one[48, 64, :3]
    assert red > 3 * green > 0
    np.testing.assert_array_equal(np.load(tmp_path / "two.npy"), one)


@needs_bpy
def test_a_failing_process_is_reported(tmp_path):
    with pytest.raises(RenderingError, match="code"):
        Blender(PYTHON and Path(PYTHON), threads=1)(tmp_path / "missing")


def test_an_interpreter_that_cannot_be_run(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing: cannot be run .* Python with bpy"):
        Blender(tmp_path / "nothing").check()
