from __future__ import annotations

import warnings

import numpy as np
import pytest
from numba.core import caching

from lsamatting import compiled as module
from lsamatting.compiled import compiled

# Its name has an underscore in older versions.
Places = getattr(caching, "CacheImpl", None) or caching._CacheImpl


def add(a, b):
    return a + b


def test_a_place_that_can_be_written_needs_no_words():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled()(add)(np.float32(1), np.float32(2)) == 3


def test_where_nothing_can_be_written_it_compiles_anew_and_says_so_once(monkeypatch):
    monkeypatch.setattr(Places, "_locator_classes", [])
    module._warn_once.cache_clear()
    with pytest.warns(UserWarning, match="cannot be kept.*NUMBA_CACHE_DIR") as caught:
        functions = [compiled()(add), compiled(nogil=True)(add)]
    assert len(caught) == 1
    assert [function(1, 2) for function in functions] == [3, 3]
