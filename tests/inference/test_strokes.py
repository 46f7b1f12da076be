from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsamatting.errors import ConfigError, TrimapError
from lsamatting.inference.strokes import Stroke, check_stroke, paint_strokes, with_strokes

SHAPE = (5, 7)


@given(
    seed=st.integers(0, 99),
    values=st.lists(st.sampled_from([0.0, 1.0, 0.3]), max_size=5),
)
def test_each_pixel_is_what_the_latest_stroke_says(seed, values):
    rng = np.random.default_rng(seed)
    trimap = rng.choice(np.uint8([0, 128, 255]), SHAPE)
    strokes = [Stroke(rng.random(SHAPE) < 0.4, value) for value in values]
    before = trimap.copy()
    marks = with_strokes(trimap, strokes)
    alpha = np.full(SHAPE, 0.7, np.float32)
    paint_strokes(alpha, strokes)
    np.testing.assert_array_equal(trimap, before)
    for place in np.ndindex(SHAPE):
        over = [value for mask, value in strokes if mask[place]]
        assert marks[place] == ({0.0: 0, 1.0: 255, 0.3: 128}[over[-1]] if over else trimap[place])
        assert alpha[place] == np.float32(over[-1] if over else 0.7)


def test_what_is_no_stroke_is_refused():
    mask = np.ones(SHAPE, bool)
    assert check_stroke(mask.astype(np.uint8), 1, SHAPE).mask.dtype == bool
    for wrong, words in ((mask[1:], "7×4 pixels"), (np.float64(1), "a single number but")):
        with pytest.raises(TrimapError, match=words):
            check_stroke(wrong, 1, SHAPE)
    with pytest.raises(TrimapError, match="no pixel"):
        check_stroke(~mask, 1, SHAPE)
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="from 0 to 1"):
            check_stroke(mask, value, SHAPE)
