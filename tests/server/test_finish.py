from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.errors import ConfigError
from lsamatting.server.finish import Finish, disc

ALPHA = np.random.default_rng(0).random((23, 31), np.float32)


def test_the_default_changes_nothing():
    assert np.array_equal(Finish().alpha(ALPHA), ALPHA)
    picture, foreground = np.zeros((2, 2, 3), np.float32), np.ones((2, 2, 3), np.float32)
    assert Finish().colours(picture, foreground) is foreground


@pytest.mark.parametrize(("radius", "least"), [(1, min), (3, min), (2, max)])
def test_shift_takes_the_extreme_within_a_disc(radius, least):
    found = Finish(shift=radius if least is max else -radius).alpha(ALPHA)
    reach = disc(radius)
    for row, column in [(5, 5), (0, 0), (22, 30), (11, 3)]:
        near = [
            ALPHA[row + i - radius, column + j - radius]
            for i, j in np.argwhere(reach)
            if 0 <= row + i - radius < 23 and 0 <= column + j - radius < 31
        ]
        assert found[row, column] == least(near)


def test_half_a_pixel_lies_between_whole_ones():
    one, two = Finish(shift=1).alpha(ALPHA), Finish(shift=2).alpha(ALPHA)
    assert np.allclose(Finish(shift=1.5).alpha(ALPHA), (one + two) / 2, atol=1e-6)


def test_feather_keeps_a_mean_and_softens_an_edge():
    edge = np.zeros((40, 40), np.float32)
    edge[:, 20:] = 1
    soft = Finish(feather=2).alpha(edge)
    assert soft[20, 0] == 0
    assert soft[20, 39] == 1
    assert soft[20, 19] + soft[20, 20] == pytest.approx(1, abs=1e-5)
    assert np.all(np.diff(soft[20]) >= 0)


def test_levels_stretch_between_low_and_high():
    found = Finish(low=0.25, high=0.75).alpha(ALPHA)
    assert np.allclose(found, np.clip((ALPHA - 0.25) / 0.5, 0, 1), atol=1e-6)


def test_colours_are_mixed_in_proportion():
    picture, foreground = np.zeros((2, 2, 3), np.float32), np.ones((2, 2, 3), np.float32)
    assert np.allclose(Finish(decontaminate=0.3).colours(picture, foreground), 0.3)


@pytest.mark.parametrize(
    "values",
    [{"shift": 99}, {"feather": -1}, {"low": 0.5, "high": 0.5}, {"decontaminate": 1.1}],
)
def test_refuses_what_is_out_of_range(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        Finish(**values)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-4, 4),
    st.floats(0, 2),
    st.tuples(st.integers(0, 12), st.integers(0, 8), st.integers(1, 18), st.integers(1, 14)),
)
def test_a_part_with_its_reach_equals_the_same_part_of_the_whole(shift, feather, window):
    finish = Finish(shift=shift, feather=feather, low=0.1, high=0.9)
    x, y, width, height = window
    whole = finish.alpha(ALPHA)[y : y + height, x : x + width]
    top, left, reach = max(y - finish.reach, 0), max(x - finish.reach, 0), finish.reach
    around = np.ascontiguousarray(ALPHA[top : y + height + reach, left : x + width + reach])
    part = finish.alpha(around)[y - top :, x - left :][:height, :width]
    assert np.allclose(part, whole, atol=1e-4)
