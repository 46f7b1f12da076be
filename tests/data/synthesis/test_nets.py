from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.data.synthesis.nets import (
    hexagon_net,
    knotted_net,
    lace,
    square_net,
    thread_coverage,
    web,
)


def flat(side, pitch, half):
    """Cloth coordinates without warp: `pitch` pixels per cell, threads of half width `half`."""
    ticks = np.arange(side) / pitch
    u, v = np.meshgrid(ticks, ticks)
    full = np.ones((side, side))
    return u, v, full * pitch, full * half


@settings(deadline=None)
@given(st.floats(0.05, 6), st.floats(0, 1))
def test_thread_coverage_sums_to_the_thread_width(half, offset):
    distance = np.abs(np.arange(-20, 21) - offset)
    assert thread_coverage(distance, half).sum() == pytest.approx(2 * half, rel=1e-4)


@pytest.mark.parametrize(("pitch", "width"), [(20, 3.0), (8, 0.4), (16, 1.0), (10, 5.5)])
def test_square_net_covers_the_closed_form_share(pitch, width):
    threads = square_net(*flat(20 * pitch, pitch, width / 2))
    # A pixel is covered unless it lies in the gap of both families.
    expected = 1 - (1 - width / pitch) ** 2
    assert threads.coverage.mean() == pytest.approx(expected, abs=1e-3)


def test_hexagon_net_covers_the_closed_form_share():
    # Cells whose flats are 1 apart: area √3/2, perimeter 2√3, half a wall's width on each side.
    width, pitch = 1.5, 40.0
    threads = hexagon_net(*flat(800, pitch, width / 2))
    gap = (1 - width / pitch) ** 2
    assert threads.coverage.mean() == pytest.approx(1 - gap, abs=0.01)


def test_hexagon_walls_are_straight_between_neighbouring_cells():
    u = np.array([[0.0, 0.5, 0.25, 1.0]])
    v = np.array([[0.0, 0.0, math.sqrt(3) / 4, 0.0]])
    ones = np.ones_like(u)
    threads = hexagon_net(u, v, ones * 100, ones)
    np.testing.assert_allclose(threads.coverage, [[0, 1, 1, 0]])


def test_thinner_threads_cover_less():
    for net in (square_net, hexagon_net, lambda *a: knotted_net(*a, slack=0.2)):
        thin, thick = (net(*flat(200, 20, half)).coverage.mean() for half in (0.3, 1.2))
        assert thin < thick


def test_patterns_are_in_range():
    grid = flat(160, 12, 0.7)
    patterns = [
        square_net(*grid),
        hexagon_net(*grid),
        knotted_net(*grid, slack=0.25),
        lace(np.random.default_rng(0), *grid),
        web(np.random.default_rng(1), (160, 120), thread=1.5),
    ]
    for threads in patterns:
        for values in (threads.coverage, threads.across):
            assert values.dtype == np.float32
            assert values.min() >= 0
            assert values.max() <= 1
        assert 0.01 < threads.coverage.mean() < 0.99
