"""Memory that has been freed: when it is kept for the next picture, and when it is given back.

It stays in the hands of the C library. One that is not glibc (on macOS, Windows and Alpine Linux)
has settings of its own, and nothing is done here.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

KEPT = 128 * 2**20
"""Bytes by which the process may have grown since memory was last given back."""

# From glibc's malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_MMAP_MAX = -4
_MANY = 65536
_LARGE = 4 * 2**20
_MOST_KEPT = 2**30

_floor: int | None = None
_keeping = False


def keep_freed_memory() -> None:
    """Keep what is freed, up to 1 GiB at the heap's end, for the life of this process.

    Mapping and clearing pages anew for every large array takes some 15 % of the processor time of a
    large picture. For a process that makes mattes and ends; a host's settings are its own.
    """
    global _keeping
    if (library := _glibc()) is not None:
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, _MOST_KEPT)
        _keeping = True


def stop_keeping() -> None:
    """Undo `keep_freed_memory`, for a picture that has to fit: give back what is freed at once."""
    global _keeping
    if _keeping and (library := _glibc()) is not None:
        library.mallopt(_MMAP_MAX, _MANY)
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_TRIM_THRESHOLD, _LARGE)
        library.malloc_trim(0)
        _keeping = False


def give_back_freed_memory() -> None:
    """Give freed memory back to the system if the process has grown by more than `KEPT`.

    Pictures of changing sizes leave holes of changing sizes, so that a process would grow with each
    of them for a while. Does nothing after `keep_freed_memory`.
    """
    global _floor
    size = resident_size()
    if size is None or _keeping or (_floor is not None and size - _floor <= KEPT):
        return
    if (library := _glibc()) is not None:
        library.malloc_trim(0)
        _floor = resident_size()


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def resident_size() -> int | None:
    """Give the bytes of memory that this process holds; None where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
