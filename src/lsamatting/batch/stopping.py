"""Ctrl-C in a long run: what is in flight is finished; a second one does not wait for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether the run is to end."""

    requested: bool = False


@contextmanager
def stopping(on_request: Callable[[], None]) -> Iterator[Stop]:
    """Take Ctrl-C, and a request to terminate, as a wish to stop.

    The first one sets what is given and calls `on_request`; a second one raises KeyboardInterrupt.
    Outside of the main thread, where there are no signals, nothing is taken.
    """
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True
        on_request()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
