from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from lsamatting.server.brush import BrushStroke

numbers = st.floats(-30, 60, allow_nan=False).map(lambda x: round(x, 2))
radii = st.floats(0, 15).map(lambda x: round(x, 2))


def covers(stroke: BrushStroke, row: int, column: int) -> bool:
    """The definition, by trying many places of the brush on every line."""
    x, y = column + 0.5, row + 0.5
    points = stroke.points
    for start, end in zip(points, points[1:] or points, strict=False):
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = dx * dx + dy * dy
        share = 0.0 if length == 0 else ((x - start[0]) * dx + (y - start[1]) * dy) / length
        share = min(max(share, 0.0), 1.0)
        radius = start[2] + share * (end[2] - start[2])
        if math.hypot(x - start[0] - share * dx, y - start[1] - share * dy) <= radius:
            return True
    return any(math.floor(px) == column and math.floor(py) == row for px, py, _ in points)


@given(st.lists(st.tuples(numbers, numbers, radii), min_size=1, max_size=4))
def test_a_stroke_covers_what_the_brush_passed_over(points):
    stroke = BrushStroke(tuple(points), 1.0)
    slow = np.array([[covers(stroke, row, column) for column in range(23)] for row in range(17)])
    differing = np.argwhere(stroke.mask(17, 23) != slow)
    # The two may round a distance that equals the radius differently.
    assert len(differing) <= 1


def test_a_thin_brush_still_marks_its_pixel():
    mask = BrushStroke(((4.2, 2.9, 0.0),), 1.0).mask(5, 8)
    assert np.argwhere(mask).tolist() == [[2, 4]]


def test_nothing_outside_the_picture():
    assert not BrushStroke(((-50, -50, 3.0), (-60, 10, 3.0)), 0.0).mask(10, 10).any()


def test_a_round_brush():
    mask = BrushStroke(((10.0, 10.0, 5.0),), 0.5).mask(20, 20)
    rows, columns = np.mgrid[:20, :20]
    assert np.array_equal(mask, np.hypot(rows - 9.5, columns - 9.5) <= 5)


@given(
    st.lists(st.tuples(numbers, numbers, radii), min_size=1, max_size=3),
    st.floats(0, 0.95),
)
@example([(0.0, 0.0, 0.0), (1.0, 3.0, 0.0)], 0.0)
def test_a_soft_stroke_fades_out_towards_its_rim(points, hardness):
    stroke = BrushStroke(tuple(points), 1.0, exact=True, hardness=hardness)
    weights = stroke.weights(17, 23)
    assert np.all((weights >= 0) & (weights <= 1))
    covered = stroke.mask(17, 23)
    assert not weights[~covered].any()
    # Where a hard brush of the inner radius passes it counts in full.
    inner = BrushStroke(tuple((x, y, hardness * radius) for x, y, radius in points), 1.0)
    assert np.all(weights[inner.mask(17, 23)] > 1 - 1e-6)


def test_half_way_to_the_rim_it_counts_half():
    stroke = BrushStroke(((10.5, 10.5, 8.0),), 1.0, exact=True, hardness=0.5)
    weights = stroke.weights(21, 21)
    assert weights[10, 10:20].tolist() == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0]
    hard = BrushStroke(stroke.points, 1.0)
    assert np.array_equal(hard.weights(21, 21), hard.mask(21, 21))
