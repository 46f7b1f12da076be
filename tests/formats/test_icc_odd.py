"""Profiles that nobody should write."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.formats.icc import srgb_profile, to_srgb
from tests.formats.profiles import (
    ADOBE_PROFILE,
    DEEP,
    RGB,
    gamma_curve,
    lut_profile,
    parametric_curve,
    profile,
)


@pytest.mark.parametrize(
    "curve",
    [
        b"",
        b"curv" + bytes(4) + struct.pack(">I", 2**31),
        gamma_curve(0),
        parametric_curve(9, 1, 1),
        parametric_curve(0, -2),
        parametric_curve(1, 2, 0, 1),
        parametric_curve(2, 2, 0, 1, 1),
        parametric_curve(4, 30000, 30000, 30000, 1, 1, 1, 1),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_impossible_grey_curves_leave_the_picture_as_it_is(tmp_path, curve, deep):
    samples = DEEP[..., 0] if deep else RGB[..., 0]
    icc = profile(b"GRAY", {b"kTRC": curve} if curve else {})
    converted = to_srgb(samples[..., None], icc)
    if converted.note is not None and "ignored" in converted.note:
        np.testing.assert_array_equal(converted.colour[..., 0], samples)
    assert np.isfinite(converted.colour).all()


VALID = [
    ADOBE_PROFILE,
    lut_profile(),
    profile(b"GRAY", {b"kTRC": gamma_curve(1.8)}),
    profile(b"GRAY", {b"kTRC": parametric_curve(3, 2.4, 0.9, 0.1, 0.08, 0.04)}),
    profile(b"GRAY", {}),
]


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from(VALID),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=12),
    keep=st.integers(0, 2**16),
    kind=st.sampled_from([np.uint8, np.uint16, np.float32]),
    channels=st.sampled_from([1, 3]),
)
def test_any_profile_gives_finite_colours(start, changes, keep, kind, channels):
    icc = bytearray(start)
    for at, value in changes:
        icc[at % len(icc)] = value
    samples = np.linspace(0, 1 if kind == np.float32 else np.iinfo(kind).max, 24)
    samples = np.repeat(samples.reshape(4, 6, 1), channels, axis=2).astype(kind)
    converted = to_srgb(samples, bytes(icc[: keep + 1]))
    assert converted.colour.shape[:2] == (4, 6)
    assert np.isfinite(converted.colour).all()


@given(st.binary(max_size=400))
def test_any_bytes_are_a_profile_to_ignore(data):
    converted = to_srgb(RGB, data)
    assert "ignored" in converted.note
    np.testing.assert_array_equal(converted.colour, RGB)


def test_our_own_profile_is_srgb_and_always_the_same():
    assert to_srgb(DEEP, srgb_profile()).note is None
    assert srgb_profile()[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
