from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lsamatting.trimap.boundary import two_sided_boundary


@given(st.data(), array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7))
def test_a_pixel_whose_cross_meets_both_sides(data, shape):
    counted = data.draw(arrays(bool, shape))
    region = data.draw(arrays(bool, shape)) & counted
    expected = np.zeros(shape, bool)
    for y, x in zip(*np.nonzero(counted), strict=True):
        cross = [(y, x), (y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        there = [
            region[row, column]
            for row, column in cross
            if 0 <= row < shape[0] and 0 <= column < shape[1] and counted[row, column]
        ]
        expected[y, x] = any(there) and not all(there)
    np.testing.assert_array_equal(two_sided_boundary(region, counted), expected)
    if counted.all():
        np.testing.assert_array_equal(two_sided_boundary(region), expected)
