"""Bars that tell how far the work is, on standard error, gone when it is done."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, TextIO

from lsamatting.cli.console import stderr_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn


def bar_on(console: Console, *columns: str | ProgressColumn, shown: bool = True) -> Progress:
    """Make bars that are gone when their context ends; none where the console is no terminal."""
    from rich.progress import Progress

    return Progress(
        *columns,
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
        # Results stay on stdout when that is a file or a pipe.
        redirect_stdout=_is_terminal(sys.stdout),
    )


class Bar:
    """Tells how far a picture is, once there is more than one step; gone when its context ends.

    Called with the steps done and their number.

    Parameters
    ----------
    console:
        Where; the standard error stream if not given. Nothing is drawn if that is no terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._shown: Progress | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, done: int, total: int) -> None:
        """Show that so many of all steps are done. Their number may change on the way."""
        seen = _is_terminal(sys.stderr) if self._console is None else self._console.is_terminal
        if total < 2 or not seen:
            return
        if self._shown is None:
            # Most pictures are one step, and need not wait for what draws bars.
            self._shown = self._stack.enter_context(bar_on(self._console or stderr_console()))
            self._shown.add_task("runs and steps", total=None)
        self._shown.update(self._shown.task_ids[0], completed=done, total=total)


def _is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream is looked at; it is None where a service started us without one."""
    return stream is not None and stream.isatty()
