"""Keeping what a library prints to itself, in the thread that called it only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO, cast

_STDERR = 2
_one_at_a_time = threading.Lock()


class _Others:
    """The stream as it was, except that it is deaf to one thread."""

    def __init__(self, stream: TextIO, thread: int) -> None:
        self._stream = stream
        self._thread = thread

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Drop what Python code of this thread prints, and what C code writes to standard error.

    As `silence_prints`; but what other threads send to standard error meanwhile is lost, for a
    process has only one: keep the block as short as the call that needs it.
    """
    with silence_prints(), _closed_stderr():
        yield


@contextlib.contextmanager
def silence_prints() -> Iterator[None]:
    """Drop what Python code of this thread prints to standard output.

    One thread at a time is inside; the others' prints arrive. A stream that somebody else puts in
    place meanwhile stays.
    """
    with _one_at_a_time:
        before = sys.stdout
        muted = cast(TextIO, _Others(before, threading.get_ident()))
        sys.stdout = muted
        try:
            yield
        finally:
            if sys.stdout is muted:
                sys.stdout = before


@contextlib.contextmanager
def _closed_stderr() -> Iterator[None]:
    try:
        kept = os.dup(_STDERR)
    except OSError:  # closed, so nothing can reach it
        yield
        return
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, _STDERR)
        os.close(nothing)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
