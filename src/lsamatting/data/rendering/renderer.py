"""Blender in a process of its own: neither its crashes nor its memory are ours."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lsamatting.errors import ConfigError, MissingExtraError

_PROGRAM = Path(__file__).with_name("blender.py")
_PROBE = "import importlib.util, sys; sys.exit(importlib.util.find_spec('bpy') is None)"


class RenderingError(Exception):
    """The renderer ended before all its pictures were there."""


@dataclass(frozen=True)
class Blender:
    """Renders the scenes of folders.

    python: an interpreter that has bpy, by default this one. Blender comes for one version of
    Python only, which need not be the one that runs the package. threads: all cores by default.
    """

    python: Path | None = None
    threads: int | None = None

    def check(self) -> None:
        """Raise MissingExtraError without bpy, ConfigError where `python` cannot be run."""
        try:
            probed = subprocess.run([self._interpreter, "-c", _PROBE], capture_output=True)
        except OSError as error:
            raise ConfigError(
                f"{self.python}: cannot be run ({error.strerror}); wanted: a Python with bpy"
            ) from None
        if probed.returncode:
            raise MissingExtraError("rendering", "render")

    def __call__(self, folder: Path) -> None:
        """Render the views of the scene in `folder`.

        Raises RenderingError where the process fails.
        """
        threads = self.threads or os.cpu_count() or 1
        ended = subprocess.run(
            [self._interpreter, str(_PROGRAM), str(folder), str(threads)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if ended.returncode:
            said = ended.stderr.strip().splitlines() or ["it said nothing"]
            raise RenderingError(f"the renderer ended with code {ended.returncode}: {said[-1]}")

    @property
    def _interpreter(self) -> str:
        return sys.executable if self.python is None else str(self.python)
