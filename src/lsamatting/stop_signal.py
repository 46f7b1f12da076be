"""A stop signal that ends work as Ctrl-C does: through `finally`, and with what was started."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_signal_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt at a stop signal (SIGTERM), which would leave child processes behind.

    Outside of the main thread, which alone can say what signals do, nothing changes.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
