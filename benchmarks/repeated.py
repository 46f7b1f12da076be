"""How long a function takes at best, and how much memory it needs at its peak."""

from __future__ import annotations

import ctypes
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Measured(NamedTuple):
    """Best time, peak memory above that at the start, and what the function gave."""

    seconds: float
    bytes: int
    result: Any


def measure_repeated(function: Callable[[], Any], repeat: int) -> Measured:
    """Call a function `repeat` times in this process."""
    # What was freed so far would otherwise be used again unseen.
    ctypes.CDLL(None).malloc_trim(0)
    before, peak, stop = _resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.002):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    stop.set()
    watcher.join()
    return Measured(min(times), peak - before, result)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
