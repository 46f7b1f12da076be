"""The program `lsamatting`, and `python -m lsamatting`, where it is not on the path."""

from __future__ import annotations

import sys


def run() -> None:
    """Be the program."""
    try:
        # Half a second on a busy machine, in which Ctrl-C should not end in a traceback.
        from lsamatting.cli.main import run as run_commands
    except KeyboardInterrupt:
        sys.exit("interrupted")
    run_commands()


if __name__ == "__main__":
    run()
