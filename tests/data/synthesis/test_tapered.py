from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.data.synthesis.tapered import draw_tapered, empty_canvas


def stroke(points, radius, colour=(1.0, 0.5, 0.25), opacity=1.0):
    """Arrays for strokes whose attributes are constant along them."""
    points = np.asarray(points, dtype=np.float32)
    outline = points.shape[:2]
    return points, {
        "radius": np.broadcast_to(np.asarray(radius, np.float32), outline),
        "colour": np.broadcast_to(np.asarray(colour, np.float32), (*outline, 3)),
        "opacity": np.broadcast_to(np.asarray(opacity, np.float32), outline),
    }


@settings(max_examples=60, deadline=None)
@given(
    angle=st.floats(0, 2 * math.pi),
    radius=st.floats(0.05, 4),
    offset=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
)
def test_area_of_straight_line_is_exact(angle, radius, offset):
    canvas = empty_canvas((128, 128))
    centre = np.array([64.0, 64.0]) + offset
    half = 40 * np.array([math.cos(angle), math.sin(angle)])
    points, attributes = stroke([[centre - half, centre + half]], radius)
    draw_tapered(canvas, points, **attributes)
    # The cut ends are the only approximation: their two corners each.
    assert canvas[..., 3].sum() == pytest.approx(2 * radius * 80, rel=0.002, abs=0.12)


def test_pixels_of_a_line_equal_finely_sampled_coverage():
    canvas = empty_canvas((24, 24))
    start, end, radius = np.array([4.3, 6.1]), np.array([19.2, 15.7]), 0.8
    points, attributes = stroke([[start, end]], radius)
    draw_tapered(canvas, points, **attributes)
    fine = 32
    steps = (np.arange(24 * fine) + 0.5) / fine - 0.5
    y, x = np.meshgrid(steps, steps, indexing="ij")
    length = np.linalg.norm(end - start)
    ux, uy = (end - start) / length
    along = (x - start[0]) * ux + (y - start[1]) * uy
    across = (x - start[0]) * uy - (y - start[1]) * ux
    inside = (along > 0) & (along < length) & (np.abs(across) < radius)
    expected = inside.reshape(24, fine, 24, fine).mean(axis=(1, 3))
    error = np.abs(canvas[..., 3] - expected)
    rows, columns = np.mgrid[:24, :24]
    near_ends = np.minimum(
        np.hypot(columns - start[0], rows - start[1]), np.hypot(columns - end[0], rows - end[1])
    )
    assert error[near_ends > 2.5].max() < 0.005
    assert error.max() < 0.15


def test_strokes_accumulate_as_a_slow_loop_does():
    rng = np.random.default_rng(0)
    points = rng.uniform(2, 30, (12, 5, 2)).astype(np.float32)
    radius = rng.uniform(0.2, 3, (12, 5)).astype(np.float32)
    colour = rng.uniform(0, 1, (12, 5, 3)).astype(np.float32)
    opacity = rng.uniform(0.2, 1, (12, 5)).astype(np.float32)
    together = empty_canvas((32, 32))
    draw_tapered(together, points, radius=radius, colour=colour, opacity=opacity)
    clear = np.ones((32, 32))
    light = np.zeros((32, 32, 3))
    for n in range(12):
        one = empty_canvas((32, 32))
        at = slice(n, n + 1)
        draw_tapered(one, points[at], radius=radius[at], colour=colour[at], opacity=opacity[at])
        clear *= 1 - one[..., 3]
        light = light * (1 - one[..., 3:]) + one[..., :3]
    np.testing.assert_allclose(together[..., 3], 1 - clear, atol=1e-5)
    np.testing.assert_allclose(together[..., :3], light, atol=1e-5)


def test_joints_do_not_show():
    straight, broken = empty_canvas((40, 40)), empty_canvas((40, 40))
    start, end = np.array([5.2, 8.4]), np.array([33.1, 29.3])
    points, attributes = stroke([[start, end]], 0.7, opacity=0.5)
    draw_tapered(straight, points, **attributes)
    parts = np.linspace(0, 1, 9)[:, None]
    points, attributes = stroke([start * (1 - parts) + end * parts], 0.7, opacity=0.5)
    draw_tapered(broken, points, **attributes)
    np.testing.assert_allclose(broken, straight, atol=1e-4)


def test_colour_and_opacity_vary_along_a_stroke():
    canvas = empty_canvas((9, 60))
    points = np.array([[[5, 4], [55, 4]]], np.float32)
    draw_tapered(
        canvas,
        points,
        radius=np.full((1, 2), 3, np.float32),
        colour=np.array([[[0, 0, 0], [1, 0.5, 0]]], np.float32),
        opacity=np.array([[1, 0.5]], np.float32),
    )
    t = (np.arange(10, 50) - 5) / 50
    np.testing.assert_allclose(canvas[4, 10:50, 3], 1 - 0.5 * t, atol=1e-5)
    colour = canvas[4, 10:50, :3] / canvas[4, 10:50, 3:]
    np.testing.assert_allclose(colour, np.stack([t, t / 2, 0 * t], axis=1), atol=1e-5)


def test_what_lies_outside_or_is_not_a_number_is_not_drawn():
    canvas = empty_canvas((16, 16))
    points, attributes = stroke(
        [[[-50, -50], [-20, -40]], [[np.nan, 3], [8, 8]], [[5, 5], [5, 5]]], 2
    )
    draw_tapered(canvas, points, **attributes)
    assert not canvas.any()


def test_mismatching_arrays_are_refused():
    points, attributes = stroke([[[0, 0], [5, 5]]], 1)
    with pytest.raises(ValueError, match="at least 2"):
        draw_tapered(empty_canvas((8, 8)), points[:, :1], **attributes)
    with pytest.raises(ValueError, match="does not match"):
        draw_tapered(
            empty_canvas((8, 8)), points, **{**attributes, "radius": np.ones((2, 2), np.float32)}
        )
