"""Writing a file under another name first, so that no half file is ever seen."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a hidden name in the same folder to write to; it becomes `path` if all went well.

    The name ends in the suffix of `path`. After an error, or Ctrl-C, nothing is left of it, and
    `path` is what it was.
    """
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def is_whole(path: Path) -> bool:
    """Tell whether a result is there; an empty file is what a full disk or a crash leaves."""
    return path.is_file() and path.stat().st_size > 0
