from __future__ import annotations

import subprocess
import sys

import pytest

from lsamatting import memory

pytestmark = pytest.mark.skipif(memory._glibc() is None, reason="the C library is not glibc")

HOLES = """
import numpy as np
from lsamatting import memory

{before}
memory.KEPT = 32 * 2**20
memory.give_back_freed_memory()
start = memory.resident_size()
blocks = [np.ones(100_000, np.uint8) for _ in range(2000)]
pins = blocks[::200] + blocks[-1:]
del blocks
grown = memory.resident_size() - start
memory.give_back_freed_memory()
print(grown, memory.resident_size() - start)
"""


def sizes(before: str = "") -> tuple[int, int]:
    """Growth by 200 MB of which 1 MB stays, before and after memory is given back."""
    program = HOLES.format(before=before)
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    grown, left = map(int, outcome.stdout.split())
    return grown, left


def test_holes_between_what_is_used_are_given_back():
    grown, left = sizes()
    assert grown > 100e6
    assert left < 20e6


def test_a_process_that_keeps_them_is_left_alone():
    grown, left = sizes("memory.keep_freed_memory()")
    assert left == pytest.approx(grown, rel=0.05)


def test_a_small_growth_is_left_alone(monkeypatch):
    class Library:
        def malloc_trim(self, _: int) -> None:
            pytest.fail("given back")

    monkeypatch.setattr(memory, "_glibc", Library)
    monkeypatch.setattr(memory, "_floor", memory.resident_size() - memory.KEPT // 2)
    memory.give_back_freed_memory()


def test_what_is_kept_can_be_given_back_after_all():
    grown, left = sizes("memory.keep_freed_memory(); memory.stop_keeping()")
    assert grown > 100e6
    assert left < 20e6
