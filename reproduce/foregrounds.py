"""Re-estimated foregrounds, made for the trainings that want them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from lsamatting.data.layout import AimFolder
from lsamatting.errors import ConfigError
from lsamatting.foreground.folder import Reestimation, Task, output_suffix, reestimate_files
from lsamatting.replacing import is_whole, replacing
from reproduce.grid import ADOBES, Foreground

_RECORD = "made_by.json"
"""In a folder of re-estimated foregrounds: the method that made them."""


def missing(foreground: Foreground, train: Path) -> list[tuple[Path, Path]]:
    """Give foreground and alpha of the pictures of a training set that are not there yet."""
    if foreground.method is None:
        return []
    pairs = AimFolder(train, foreground_folder=ADOBES.folder).pairs
    return [pair for pair in pairs if not is_whole(_target(foreground, train, pair[0]))]


def check_method(foreground: Foreground, train: Path) -> None:
    """Refuse a folder whose foregrounds another method made.

    Raises
    ------
    ConfigError
        It is one.
    """
    record = train / foreground.folder / _RECORD
    if foreground.method is None or not record.is_file():
        return
    try:
        method = json.loads(record.read_text(encoding="utf-8"))["method"]
    except (ValueError, TypeError, KeyError):
        raise ConfigError(
            f"{record}: does not say how its folder was made (damaged?); remove that folder"
        ) from None
    if method != foreground.method:
        raise ConfigError(
            f"{record.parent}: holds foregrounds of the method {method}, not {foreground.method}; "
            f"give foregrounds.{foreground.name} another folder"
        )


def prepare(
    foreground: Foreground, train: Path, *, say: Callable[[str], None], workers: int | None = None
) -> None:
    """Make the foregrounds of a training set that are not there yet.

    Parameters
    ----------
    foreground
        What to make, and where.
    train
        The training set's folder.
    say
        Is told what is begun.
    workers
        Processes; one per processor by default.

    Raises
    ------
    ConfigError
        The folder holds those of another method, or cannot be made.
    LsamattingError
        A picture cannot be read or written.
    """
    check_method(foreground, train)
    pairs = missing(foreground, train)
    if foreground.method is None or not pairs:
        return
    folder = train / foreground.folder
    say(f"making {len(pairs)} foregrounds by {foreground.method} -> {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / _RECORD) as temporary:
            temporary.write_text(json.dumps({"method": foreground.method}), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror or error})") from None
    tasks = [Task(*pair, _target(foreground, train, pair[0])) for pair in pairs]
    how = Reestimation(method=foreground.method)
    console = Console(stderr=True)
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
        reestimate_files(tasks, how, workers=workers) as results,
    ):
        for _, outcome in progress.track(results, total=len(tasks), description=foreground.name):
            if isinstance(outcome, Exception):
                raise outcome


def _target(foreground: Foreground, train: Path, colours: Path) -> Path:
    return train / foreground.folder / f"{colours.stem}{output_suffix(colours)}"
