"""A file that one process at a time may write."""

from __future__ import annotations

import errno
import os
import sys
from typing import IO, Any

# Where Windows is asked to lock a byte: far beyond what any file holds, for it keeps readers out.
_BEYOND = 2**62


def lock(file: IO[Any]) -> bool:
    """Take an open file for this process, until it is closed; tell whether that succeeded.

    The operating system lets go of it when the process ends, however it ends. A file system that
    knows no locks gives none, and the file counts as taken.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            before = file.tell()
            os.lseek(file.fileno(), _BEYOND, os.SEEK_SET)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(file.fileno(), before, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
    return True
