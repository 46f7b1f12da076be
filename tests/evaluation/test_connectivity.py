from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from lsamatting.evaluation.connectivity import last_connected_level


def largest_component(mask: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """Breadth-first search from every pixel in column-major order; the first largest wins."""
    height, width = mask.shape
    left = {(y, x) for x in range(width) for y in range(height) if mask[y, x]}
    best: set[tuple[int, int]] = set()
    for x in range(width):
        for y in range(height):
            if (y, x) not in left:
                continue
            left.remove((y, x))
            component, queue = {(y, x)}, deque([(y, x)])
            while queue:
                v, u = queue.popleft()
                for neighbour in ((v - 1, u), (v + 1, u), (v, u - 1), (v, u + 1)):
                    if neighbour in left:
                        left.remove(neighbour)
                        component.add(neighbour)
                        queue.append(neighbour)
            if len(component) > len(best):
                best = component
    return best


def slow_last_connected_level(levels: NDArray[np.uint8], top: int) -> NDArray[np.uint8]:
    result = np.full(levels.shape, top, np.uint8)
    gone = np.zeros(levels.shape, bool)
    for level in range(1, top + 1):
        component = largest_component(levels >= level)
        for y, x in np.ndindex(levels.shape):
            if (y, x) not in component and not gone[y, x]:
                gone[y, x] = True
                result[y, x] = level - 1
    return result


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 4))
)
def test_small_pictures_agree_with_a_search_at_every_level(levels: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(
        last_connected_level(levels, top=4), slow_last_connected_level(levels, 4)
    )


@pytest.mark.parametrize("seed", range(6))
def test_blotchy_pictures_agree_with_a_search_at_every_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 11, (7, 9)).repeat(rng.integers(1, 5), 0).repeat(3, 1)
    levels = np.minimum(blocks + rng.integers(0, 2, blocks.shape), 10).astype(np.uint8)
    np.testing.assert_array_equal(
        last_connected_level(levels, top=10), slow_last_connected_level(levels, 10)
    )


def test_the_first_of_equal_components_in_column_major_order_wins() -> None:
    levels = np.zeros((5, 6), np.uint8)
    levels[0, 4:6] = 1  # first by rows
    levels[3, 0:2] = 1  # first by columns
    expected = np.zeros_like(levels)
    expected[3, 0:2] = 1
    np.testing.assert_array_equal(last_connected_level(levels, top=1), expected)


def test_a_pixel_that_left_stays_out() -> None:
    # Level 1: the long bar on the right. Level 2: the block on the left, which level 1 left out.
    levels = np.zeros((4, 9), np.uint8)
    levels[0:2, 0:2] = 2
    levels[:, 5:9] = 1
    expected = np.zeros_like(levels)
    expected[:, 5:9] = 1
    np.testing.assert_array_equal(last_connected_level(levels, top=2), expected)


def test_corners_do_not_connect() -> None:
    levels = np.eye(4, dtype=np.uint8)
    assert last_connected_level(levels, top=1).sum() == 1


def test_nothing_passes() -> None:
    assert not last_connected_level(np.zeros((3, 4), np.uint8), top=10).any()
