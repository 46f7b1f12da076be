"""A bar that tells how far a picture is, once there is more than one step to tell of."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from lsamatting.cli.console import is_terminal, stderr_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class Bar:
    """Called with the steps done and their number; it is gone when its context ends.

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
        seen = is_terminal(sys.stderr) if self._console is None else self._console.is_terminal
        if total < 2 or not seen:
            return
        if self._shown is None:
            # Most pictures are one step, and need not wait for what draws bars.
            from rich.progress import Progress

            shown = Progress(
                console=self._console or stderr_console(),
                transient=True,
                # Results stay on stdout when that is a file or a pipe.
                redirect_stdout=is_terminal(sys.stdout),
            )
            self._shown = self._stack.enter_context(shown)
            self._shown.add_task("runs and steps", total=None)
        self._shown.update(self._shown.task_ids[0], completed=done, total=total)
