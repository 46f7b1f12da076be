import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.inference.tiles import OVERLAP, RAMP, SMALLEST, cut
from lsamatting.network.config import STRIDE


def regions(height, width, seed):
    """Some rectangles of unknown pixels."""
    rng = np.random.default_rng(seed)
    unknown = np.zeros((height, width), bool)
    for _ in range(rng.integers(0, 4)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        unknown[top : top + rng.integers(1, 200), left : left + rng.integers(1, 200)] = True
    return unknown


shapes = st.tuples(st.integers(1, 24), st.integers(1, 24))


@given(shape=shapes, side=st.integers(SMALLEST, 500), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_tiles_cover_what_is_unknown_and_their_shares_sum_to_one(shape, side, seed):
    height, width = (STRIDE * number for number in shape)
    unknown = regions(height, width, seed)
    total = np.zeros((height, width))
    for tile in cut(unknown, side):
        assert unknown[tile.used].any()
        total[tile.used] += tile.weights
        assert (tile.weights >= 0).all()
    np.testing.assert_allclose(total[unknown], 1, atol=1e-6)


@given(shape=shapes, side=st.integers(SMALLEST, 500), everywhere=st.booleans())
@settings(max_examples=60, deadline=None)
def test_cores_are_a_partition_on_the_networks_grid(shape, side, everywhere):
    height, width = (STRIDE * number for number in shape)
    unknown = np.ones((height, width), bool)
    if everywhere:
        unknown[:] = False
    seen = np.zeros((height, width), int)
    for tile in cut(unknown, side, everywhere=everywhere):
        seen[tile.seen] += tile.counted()
        for part, length in zip(tile.core, (height, width), strict=True):
            assert part.start % STRIDE == 0
            assert part.stop % STRIDE == 0
            assert part.stop - part.start <= max(side, SMALLEST) + STRIDE
            assert 0 <= part.start < part.stop <= length
    np.testing.assert_array_equal(seen, 1)


@given(shape=shapes, side=st.integers(SMALLEST, 500), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_tile_sees_the_overlap_around_what_it_is_used_for(shape, side, seed):
    height, width = (STRIDE * number for number in shape)
    for tile in cut(regions(height, width, seed), side):
        for used, seen, length in zip(tile.used, tile.seen, (height, width), strict=True):
            assert seen.start % STRIDE == seen.stop % STRIDE == 0
            assert seen.start == 0 or seen.start <= used.start - OVERLAP
            assert seen.stop == length or seen.stop >= used.stop + OVERLAP
            assert seen.stop - seen.start <= side + 2 * (OVERLAP + RAMP) + 3 * STRIDE
        inner = np.zeros((height, width))[tile.seen][tile.used_within]
        assert inner.shape == tile.weights.shape


def test_nothing_unknown_needs_no_tile():
    assert list(cut(np.zeros((256, 256), bool), 128)) == []


@pytest.mark.parametrize("side", [SMALLEST, 10**6])
def test_ramps_are_smooth(side):
    unknown = np.ones((32, 512), bool)
    for tile in cut(unknown, side):
        assert np.abs(np.diff(tile.weights, axis=1)).max(initial=0) < 0.06
