from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lsamatting.windows import window_around


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.integers(0, 4))
def test_it_holds_all_pixels_within_the_margin_and_no_more(mask, margin):
    window = window_around(mask, margin)
    if not mask.any():
        assert window is None
        return
    ys, xs = np.nonzero(mask)
    rows, columns = np.indices(mask.shape)
    wanted = (
        (rows >= ys.min() - margin)
        & (rows <= ys.max() + margin)
        & (columns >= xs.min() - margin)
        & (columns <= xs.max() + margin)
    )
    inside = np.zeros(mask.shape, bool)
    inside[window] = True
    np.testing.assert_array_equal(inside, wanted)
