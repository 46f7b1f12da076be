from __future__ import annotations

import re
import sys

import pytest

from lsamatting.budget import parse_memory
from lsamatting.errors import ImageError
from lsamatting.foreground import fit

GIB = 2**30


@pytest.fixture(autouse=True)
def _small_process(monkeypatch):
    monkeypatch.setattr(fit, "resident_size", lambda: 200 * 2**20)
    # Whether the compiler is loaded already must not depend on the tests before.
    monkeypatch.setitem(sys.modules, "numba", None)


def choose(width, height, memory, **options):
    options = {"method": "exact", "name": "a.png"} | options
    return fit.choose_rows(width, height, memory=memory, **options)


@pytest.mark.parametrize("method", ["exact", "multilevel", "jacobi", "closed-form"])
def test_what_fits_is_computed_at_once(method):
    assert choose(600, 400, GIB, method=method, sweeps=20) is None


@pytest.mark.parametrize("method", ["exact", "multilevel", "jacobi"])
def test_what_does_not_is_computed_some_rows_at_a_time(method):
    rows = choose(6000, 4000, round(1.3 * GIB), method=method, sweeps=20)
    assert rows is not None
    # No more than is worth its memory.
    assert 40 <= rows <= 2**20 // 6000
    assert choose(6000, 4000, 4 * GIB, method=method, sweeps=20) is None


def test_rows_are_more_where_many_have_to_be_seen_beside_them():
    assert choose(6000, 4000, 2 * GIB, method="jacobi", sweeps=300) == 600


@pytest.mark.parametrize("method", ["exact", "multilevel", "jacobi", "closed-form"])
def test_what_fits_in_no_way_is_refused_with_what_would_do(method):
    with pytest.raises(ImageError, match=r"a.png: 6000x4000 pixels: .* needs about") as told:
        choose(6000, 4000, GIB // 2, method=method, sweeps=20)
    line = str(told.value)
    assert f"{method} needs" in line
    assert "512 MiB may be used by each process; allow more (--memory)" in line
    asked = re.search(r"about ([\d.]+ .iB) ", line)[1]
    choose(6000, 4000, round(1.1 * parse_memory(asked)), method=method, sweeps=20)


def test_half_of_what_is_free_is_taken_if_nothing_is_said(monkeypatch):
    monkeypatch.setattr(fit, "default_memory", lambda: GIB)
    assert choose(6000, 2500, None) is not None
    monkeypatch.setattr(fit, "default_memory", lambda: 8 * GIB)
    assert choose(6000, 2500, None) is None
