"""A training in a process of its own: `python -m reproduce.training_process CONFIG`.

Lightning starts further processes with this process's own command line where a configuration asks
for several devices, so it must be a module.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from lsamatting.errors import LsamattingError

_USER_ERROR = 2


def train_in_a_process(config: Path) -> int:
    """Start or continue a training; give its exit code.

    What it says goes to stderr. An exception here, as of Ctrl-C, asks it to save and stop, and
    waits until it has.
    """
    command = [sys.executable, "-m", __name__, str(config)]
    # It need not be called from the repository's root.
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    # In a session of its own it does not receive the terminal's Ctrl-C, which would cut a step
    # short: it is told to stop by the signal on which it saves.
    child = subprocess.Popen(
        command,
        stdout=sys.__stderr__,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        return child.wait()
    except BaseException:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise


def _main(config: str) -> None:
    from lsamatting.training.cli import main

    try:
        main([config, "--resume"])
    except LsamattingError as error:
        print(error, file=sys.stderr)
        sys.exit(_USER_ERROR)


if __name__ == "__main__":
    _main(sys.argv[1])
