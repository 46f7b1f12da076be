import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lsamatting.inference.symmetry import Symmetry, square_symmetries

ARRAYS = hnp.arrays(
    np.uint8, st.one_of(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7))
)
CORNER = np.array([[1, 2, 3], [4, 5, 6]])
ALL = {
    (0, False): [[1, 2, 3], [4, 5, 6]],
    (1, False): [[3, 6], [2, 5], [1, 4]],
    (2, False): [[6, 5, 4], [3, 2, 1]],
    (3, False): [[4, 1], [5, 2], [6, 3]],
    (0, True): [[3, 2, 1], [6, 5, 4]],
    (1, True): [[1, 4], [2, 5], [3, 6]],
    (2, True): [[4, 5, 6], [1, 2, 3]],
    (3, True): [[6, 3], [5, 2], [4, 1]],
}


@given(array=ARRAYS)
@settings(max_examples=100, deadline=None)
def test_each_of_the_eight_is_undone_exactly(array):
    for symmetry in square_symmetries(8):
        turned = symmetry.apply(array)
        assert sorted(turned.shape[:2]) == sorted(array.shape[:2])
        assert turned.shape[2:] == array.shape[2:]
        np.testing.assert_array_equal(symmetry.undo(turned), array)
        np.testing.assert_array_equal(symmetry.apply(symmetry.undo(array)), array)


@given(array=ARRAYS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_part_of_the_turned_is_the_turned_part(array, data):
    for symmetry in square_symmetries(8):
        turned = symmetry.apply(array)
        part = tuple(
            slice(min(ends), max(ends) + 1)
            for ends in (
                [data.draw(st.integers(0, length - 1)) for _ in range(2)]
                for length in turned.shape[:2]
            )
        )
        source = symmetry.source(part, turned.shape[:2])
        np.testing.assert_array_equal(symmetry.apply(array[source]), turned[part])


@pytest.mark.parametrize("key", ALL)
def test_what_each_does_to_rows_and_columns(key):
    symmetry = Symmetry(*key)
    np.testing.assert_array_equal(symmetry.apply(CORNER), ALL[key])
    # Channels go along unchanged.
    np.testing.assert_array_equal(
        symmetry.apply(np.stack([CORNER, -CORNER], axis=2))[..., 1], np.negative(ALL[key])
    )


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_each_count_is_a_group_of_so_many(count):
    group = square_symmetries(count)
    images = {symmetry.apply(CORNER).tobytes(): symmetry for symmetry in group}
    assert len(images) == len(group) == count
    assert group[0] == Symmetry(0, False)
    for first in group:
        for second in group:
            assert second.apply(first.apply(CORNER)).tobytes() in images
