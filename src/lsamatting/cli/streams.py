"""`-` on a command line: standard input and standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

STREAM = Path("-")

STREAM_SUFFIX = ".png"
"""What standard output gets; it has no name that could say otherwise."""


def readable(path: Path) -> Path | BinaryIO:
    """Give what a picture is read from: the path itself, or standard input for `-`."""
    return sys.stdin.buffer if path == STREAM else path


def writable(path: Path) -> tuple[Path | BinaryIO, str | None]:
    """Give what a picture is written to, and the suffix that says how if the path does not."""
    return (sys.stdout.buffer, STREAM_SUFFIX) if path == STREAM else (path, None)


def named(path: Path) -> str:
    """Name a path in a message."""
    return "standard input" if path == STREAM else str(path)
