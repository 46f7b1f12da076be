"""Processor threads: how many there are, and what becomes of them in a forked process.

A fork copies the calling thread and no other: PyTorch and OpenCV would wait in it for their threads
for ever.
"""

from __future__ import annotations

import os
import sys
from functools import cache

from lsamatting.errors import ConfigError

MOST_PER_PROCESSOR = 8
"""More threads than this per processor gain nothing, and starting too many ends the process."""

_orphaned = False
_wanted: int | None = None


def thread_count() -> int:
    """Give how many processor threads are to be used.

    As many as were asked for; else what OMP_NUM_THREADS says, which PyTorch follows, too, unless
    MKL_NUM_THREADS says less; else one for each processor that this process may use.
    """
    if _wanted is not None:
        return _wanted
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdigit() and int(said) > 0:
        return int(said)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processors() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(count: int) -> None:
    """Raise ConfigError if `count` is not positive, or more than eight per processor."""
    most = MOST_PER_PROCESSOR * (os.cpu_count() or 1)
    if not 1 <= count <= most:
        raise ConfigError(f"threads: found {count}; accepted on this machine: 1 to {most}")


def limit_threads(count: int) -> None:
    """Let PyTorch, ONNX Runtime, OpenCV and numba use at most `count` processor threads.

    Raises
    ------
    ConfigError
        As `check_threads`.
    """
    check_threads(count)
    global _wanted
    _wanted = count
    import cv2

    # Numba first: as it starts its threads, it sets the number for the others that use OpenMP.
    if (numba := sys.modules.get("numba")) is not None:
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    else:
        # It is read when numba is imported, which takes long and may never happen.
        os.environ["NUMBA_NUM_THREADS"] = str(count)
    set_torch_threads()
    cv2.setNumThreads(count)


def set_torch_threads() -> None:
    """Let PyTorch, if it is imported, use as many threads as were asked for."""
    if _wanted is not None and (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(_wanted)


@cache
def survive_forks() -> None:
    """Let processes that are forked from this one from now on compute, each on one thread."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_compute_alone)


def check_numba() -> None:
    """Refuse to start numba's threads in a process that has lost them.

    Raises
    ------
    ConfigError
        This process was forked after numba had started threads, whose library would end it.
    """
    if _orphaned:
        raise ConfigError(
            "this process was forked from one in which numba's threads had run; start processes "
            "with multiprocessing.get_context('spawn')"
        )


def _compute_alone() -> None:
    """Set a forked process up."""
    global _orphaned, _wanted
    _wanted = 1
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
    if (cv2 := sys.modules.get("cv2")) is not None:
        # Not 1: that would wait for threads that are not there to end. 0 never asks for them.
        cv2.setNumThreads(0)
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    _orphaned = _orphaned or bool(getattr(parallel, "_is_initialized", False))
