"""A program of commands run to its end: what becomes of errors and warnings, and its exit code."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from pathlib import Path
from typing import TextIO

import typer

from lsamatting.cli.console import complain, complain_unexpected, warn
from lsamatting.errors import LsamattingError, MissingExtraError, TrimapWarning
from lsamatting.extras import extra_of

DONE, UNEXPECTED, USER_ERROR = 0, 1, 2

_INTERRUPTED = 130
"""What typer makes of Ctrl-C; it is not one of our codes."""

_UNREACHABLE = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
"""What the system says of a path that the user gave and it will not follow."""

_PACKAGE = Path(__file__).parents[1]


def run_program(app: typer.Typer, args: list[str], *, name: str) -> int:
    """Run one command of a program that is called `name`.

    Returns
    -------
    int
        0 done, 2 the user's mistake (one line on stderr), 1 anything else.
    """
    # The hub's own retries and warnings would bury our one line.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    with warnings.catch_warnings():
        # Each command says once, in its own words, what is odd about a trimap.
        warnings.filterwarnings("ignore", category=TrimapWarning)
        warnings.showwarning = _show_warning
        return _run(app, args, name)


def _run(app: typer.Typer, args: list[str], name: str) -> int:
    try:
        app(args, prog_name=name)
    except SystemExit as stop:
        if isinstance(stop.code, int):
            if stop.code == _INTERRUPTED:
                complain("interrupted")
                return UNEXPECTED
            return stop.code
        if stop.code is None:
            return DONE
        complain(stop.code)
        return UNEXPECTED
    except LsamattingError as error:
        complain(str(error))
        return USER_ERROR
    except KeyboardInterrupt:
        complain("interrupted")
        return UNEXPECTED
    except ModuleNotFoundError as error:
        # Most commands ask before they start; this is for what only some of their options need.
        if (extra := extra_of(error.name)) is None:
            complain_unexpected(error)
            return UNEXPECTED
        complain(str(MissingExtraError("this", extra)))
        return USER_ERROR
    except OSError as error:
        if error.errno not in _UNREACHABLE or error.filename is None:
            complain_unexpected(error)
            return UNEXPECTED
        complain(f"{os.fsdecode(error.filename)}: cannot be reached ({error.strerror})")
        return USER_ERROR
    except Exception as error:
        complain_unexpected(error)
        return UNEXPECTED
    return DONE


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of ours as one line, and those of others as Python does."""
    if Path(filename).is_relative_to(_PACKAGE):
        warn(str(message))
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
        (file or sys.stderr).write(text)
