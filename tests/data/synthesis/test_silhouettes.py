from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.synthesis.silhouettes import animal, person, signed_distance


def test_signed_distance_of_a_disc_is_the_distance_to_its_rim():
    y, x = np.mgrid[:120, :140]
    radial = np.hypot(x - 70, y - 60)
    distance = signed_distance(radial < 40)
    ring = (radial > 10) & (radial < 55)
    assert np.abs(distance - (radial - 40))[ring].max() < 1.2


@pytest.mark.parametrize("inside", [True, False])
def test_signed_distance_without_any_border_is_bounded(inside):
    distance = signed_distance(np.full((20, 30), inside))
    assert np.isfinite(distance).all()
    assert np.abs(distance).max() <= 30.01
    assert ((distance < 0) == inside).all()


@pytest.mark.parametrize("draw", [animal, person])
def test_bodies_fill_part_of_the_frame_and_hold_their_head(draw):
    for seed in range(12):
        body = draw(np.random.default_rng(seed), (210, 260))
        assert body.distance.shape == (210, 260)
        assert 0.03 < (body.distance < 0).mean() < 0.97
        x, y, radius = body.head
        assert radius > 5
        if 0 <= x < 260 and 0 <= y < 210:
            assert body.distance[int(y), int(x)] < 0
