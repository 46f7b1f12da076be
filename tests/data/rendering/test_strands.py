from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.rendering.bodies import Body, ellipsoid
from lsamatting.data.rendering.strands import (
    Bending,
    curl,
    cut,
    follow,
    frizz,
    grow_guides,
    tapered,
)

STRAIGHT = Bending((0, 0, 0), 0)


def lengths_of(strands):
    return np.linalg.norm(np.diff(strands, axis=1), axis=2).sum(axis=1)


def grown(seed=0, bending=STRAIGHT, **more):
    roots = np.random.default_rng(1).uniform(-1, 1, (20, 3))
    directions = np.tile([1.0, 0, 0], (20, 1))
    return grow_guides(
        np.random.default_rng(seed),
        roots,
        directions,
        np.linspace(0.5, 2, 20),
        points=12,
        bending=bending,
        **more,
    )


def test_unbent_guides_are_straight_and_as_long_as_asked():
    strands = grown()
    np.testing.assert_allclose(lengths_of(strands), np.linspace(0.5, 2, 20))
    np.testing.assert_allclose(strands[:, -1, 1:], strands[:, 0, 1:], atol=1e-12)


def test_pull_bends_towards_it_and_keeps_the_length():
    strands = grown(bending=Bending((0, 0, -3), 0))
    assert (np.diff(strands[:, :, 2], axis=1) < 0).all()
    np.testing.assert_allclose(lengths_of(strands), np.linspace(0.5, 2, 20))
    # The longer, the more it hangs.
    heading = strands[:, -1] - strands[:, -2]
    steepness = -heading[:, 2] / np.linalg.norm(heading, axis=1)
    assert (np.diff(steepness) > 0).all()


def test_guides_are_a_function_of_the_seed():
    bending = Bending((0, 0, -1), 0.3)
    np.testing.assert_array_equal(grown(5, bending), grown(5, bending))
    assert not np.array_equal(grown(5, bending), grown(6, bending))


def test_guides_do_not_enter_the_body():
    ball = Body((ellipsoid((0, 0, 0), (1, 1, 1)),))
    rng = np.random.default_rng(0)
    roots, normals, _ = ball.roots(rng, 200)
    strands = grow_guides(
        rng,
        roots,
        normals,
        np.full(200, 2.0),
        points=16,
        bending=Bending((0, 0, -4), 0.2),
        body=ball,
        margin=0.05,
    )
    assert np.linalg.norm(strands[:, 1:], axis=2).min() > 1.049
    np.testing.assert_array_equal(strands[:, 0], roots)


def test_tips_of_a_full_clump_meet():
    guides = grown(bending=Bending((0, 0, -1), 0.2))
    roots = np.random.default_rng(2).uniform(-1, 1, (300, 3))
    strands, own = follow(np.random.default_rng(0), roots, guides, clump=1, spread=0)
    np.testing.assert_allclose(strands[:, 0], roots)
    np.testing.assert_allclose(strands[:, -1], guides[own, -1])
    # Each belongs to the guide nearest to its root.
    distances = np.linalg.norm(roots[:, None] - guides[None, :, 0], axis=2)
    np.testing.assert_array_equal(own, distances.argmin(axis=1))


def test_without_clumps_strands_run_beside_a_guide():
    guide = grown(bending=Bending((0, 0, -1), 0.2))[:1]
    roots = guide[:, 0] + np.array([[0, 0.1, 0], [0, 0, 0.2]])
    strands, _ = follow(np.random.default_rng(0), roots, guide, clump=0)
    np.testing.assert_allclose(strands - roots[:, None], np.repeat(guide - guide[:, :1], 2, axis=0))


def test_a_curl_is_a_helix_of_its_radius():
    line = np.zeros((1, 101, 3))
    line[0, :, 0] = np.linspace(0, 1, 101)
    wound = curl(line, radius=0.1, turns=4, phase=0, onset=0.3)[0]
    distance = np.hypot(wound[:, 1], wound[:, 2])
    np.testing.assert_allclose(distance[30:], 0.1)
    assert distance[0] == 0
    angle = np.unwrap(np.arctan2(wound[30:, 2], wound[30:, 1]))
    assert abs(angle[-1] - angle[0]) == pytest.approx(2 * np.pi * 4 * 0.7)


def test_frizz_keeps_roots_and_none_changes_nothing():
    strands = grown()
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(frizz(rng, strands, 0), strands)
    bent = frizz(rng, strands, 0.1)
    np.testing.assert_array_equal(bent[:, 0], strands[:, 0])
    assert not np.allclose(bent[:, -1], strands[:, -1])


def test_cutting_a_straight_strand():
    strands = grown()
    share = np.linspace(0.2, 1, 20)
    shortened = cut(strands, share)
    np.testing.assert_allclose(lengths_of(shortened), share * lengths_of(strands))
    np.testing.assert_allclose(shortened[-1], strands[-1])


def test_strands_taper():
    radii = tapered(np.random.default_rng(0), 5, 9, thickness=0.01, tip=0.2)
    assert radii.shape == (5, 9)
    assert (np.diff(radii, axis=1) < 0).all()
    np.testing.assert_allclose(radii[:, -1], 0.2 * radii[:, 0])
