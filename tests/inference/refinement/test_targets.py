import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lsamatting.inference.refinement.targets import boundary_targets

FOUR = ((-1, 0), (1, 0), (0, -1), (0, 1))
EIGHT = (*FOUR, (-1, -1), (-1, 1), (1, -1), (1, 1))


def marks_of(drawing):
    return np.array([[{"0": 0, "?": 128, "1": 255}[c] for c in row] for row in drawing], np.uint8)


def mask_of(drawing):
    return np.array([[c == "x" for c in row] for row in drawing])


TRIMAP = marks_of(["000000", "0000??", "00????", "??????", "???1??", "??????"])


def test_the_papers_boundary_has_a_layer_on_both_sides():
    targets = boundary_targets(TRIMAP, np.ones(TRIMAP.shape, bool))
    zero = mask_of(["....xx", "..xxxx", "xxxx..", "xx....", "......", "......"])
    one = mask_of(["......", "......", "......", "...x..", "..xxx.", "...x.."])
    np.testing.assert_array_equal(targets.zero, zero)
    np.testing.assert_array_equal(targets.one, one)
    np.testing.assert_array_equal(targets.unknown, TRIMAP == 128)
    assert targets.added == 0
    assert targets.clamp_initial
    assert targets.strokes == ()


def test_the_published_boundary_is_unknown_and_has_eight_neighbours():
    targets = boundary_targets(TRIMAP, np.ones(TRIMAP.shape, bool), boundary="published")
    zero = mask_of(["......", "....xx", "..xxx.", "xxx...", "......", "......"])
    one = mask_of(["......", "......", "......", "..xxx.", "..x.x.", "..xxx."])
    np.testing.assert_array_equal(targets.zero, zero)
    np.testing.assert_array_equal(targets.one, one)
    assert targets.added == 0.1
    assert not targets.clamp_initial


def in_loops(marks, counted, value, boundary):
    height, width = marks.shape
    found = np.zeros(marks.shape, bool)
    for y, x in np.argwhere(counted):
        offsets = FOUR if boundary == "paper" else EIGHT
        near = [(y + dy, x + dx) for dy, dx in offsets]
        near = [p for p in near if 0 <= p[0] < height and 0 <= p[1] < width and counted[p]]
        sides = {bool(marks[p] == value) for p in [(y, x), *near]}
        if boundary == "paper":
            found[y, x] = len(sides) == 2
        else:
            found[y, x] = marks[y, x] == 128 and True in sides
    return found


@given(
    marks=arrays(
        np.uint8,
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        elements=st.sampled_from([0, 128, 255]),
    ),
    boundary=st.sampled_from(["paper", "published"]),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_targets_equal_a_loop_over_the_definition(marks, boundary, data):
    counted = data.draw(arrays(np.bool_, marks.shape))
    targets = boundary_targets(marks, counted, boundary=boundary)
    np.testing.assert_array_equal(targets.zero, in_loops(marks, counted, 0, boundary))
    np.testing.assert_array_equal(targets.one, in_loops(marks, counted, 255, boundary))
    np.testing.assert_array_equal(targets.unknown, (marks == 128) & counted)


@pytest.mark.parametrize("boundary", ["paper", "published"])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_trimap_of_one_value_has_no_boundary(value, boundary):
    marks = np.full((5, 6), value, np.uint8)
    targets = boundary_targets(marks, np.ones(marks.shape, bool), boundary=boundary)
    assert not targets.zero.any()
    assert not targets.one.any()
