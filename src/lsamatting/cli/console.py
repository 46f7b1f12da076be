"""What the commands say, and where: results on stdout, everything about them on stderr."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def stderr_console() -> Console:
    """Give a console for progress, warnings and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Print one line of results; what standard output has no letters for is written as escapes."""
    try:
        print(message)
    except UnicodeEncodeError:  # a file may have a name that is no text, or none in this encoding
        encoding = sys.stdout.encoding
        print(message.encode(encoding, "backslashreplace").decode(encoding))


def warn(message: str, console: Console | None = None) -> None:
    """Print one yellow line on stderr."""
    _line(message, "yellow", console)


def complain(message: str, console: Console | None = None) -> None:
    """Print one red line on stderr."""
    _line(message, "red", console)


def complain_unexpected(error: BaseException, console: Console | None = None) -> None:
    """Print an error that no user could cause: one line, or all of it when debugging."""
    if os.environ.get("LSAMATTING_DEBUG"):
        traceback.print_exception(error)
        return
    words = " ".join(str(error).split())
    complain(
        f"unexpected {type(error).__name__}: {words} (LSAMATTING_DEBUG=1 shows the traceback)",
        console,
    )


def _line(message: str, style: str, console: Console | None) -> None:
    from rich.text import Text

    (console or stderr_console()).print(Text(" ".join(message.split()), style=style))
