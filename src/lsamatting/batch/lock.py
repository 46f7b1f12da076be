"""One run at a time in one folder of results."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lsamatting.batch.addresses import file_system, is_url, join, save_bytes
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.locking import lock

NAME = ".lock"

BEAT = 10.0
"""Seconds after which a run that writes to a URL says again that it is there."""

SILENCE = 6 * BEAT
"""Seconds without such a sign after which it counts as dead."""


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other runs out of a folder.

    On a disk the operating system keeps the lock, and lets go of it however this process ends. At a
    URL a file says that there is a run, every `BEAT` seconds.

    Raises
    ------
    ConfigError
        Another run is there.
    """
    if is_url(folder):
        with _beating(join(folder, NAME), folder):
            yield
        return
    path = Path(folder) / NAME
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror or error})") from None
    with file:
        if not lock(file):
            raise ConfigError(
                f"{folder}: another run is writing its results there; wait for it, or give "
                "another folder"
            )
        yield


@contextmanager
def _beating(address: str, folder: str) -> Iterator[None]:
    system, path = file_system(address)
    system.invalidate_cache()
    if system.exists(path):
        other = json.loads(system.cat_file(path))
        age = time.time() - other["time"]
        if age < SILENCE:
            raise ConfigError(
                f"{folder}: another run is writing its results there ({other['by']}, seen "
                f"{max(age, 0):.0f} s ago); wait for it, or if it is dead, for {SILENCE:.0f} s"
            )
    over = threading.Event()

    def beat() -> None:
        by = f"process {os.getpid()} on {socket.gethostname()}"
        save_bytes(address, json.dumps({"by": by, "time": time.time()}).encode())

    def keep_beating() -> None:
        while not over.wait(BEAT):
            # A server that did not answer this time may do so the next.
            with suppress(LsamattingError):
                beat()

    beat()
    thread = threading.Thread(target=keep_beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        system.rm(path)
