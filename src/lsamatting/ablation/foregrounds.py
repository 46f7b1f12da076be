"""Re-estimated foregrounds, made for the trainings that want them."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.console import Console
from rich.progress import Progress

from lsamatting.ablation.grid import ADOBES, Foreground
from lsamatting.data.layout import AimFolder
from lsamatting.errors import ConfigError, DatasetError
from lsamatting.replacing import replacing

if TYPE_CHECKING:
    from lsamatting.choices import SmoothingMethod

_RECORD = "made_by.json"
"""In a folder of re-estimated foregrounds: the method that made them."""


def missing(foreground: Foreground, train: Path) -> list[tuple[Path, Path]]:
    """Give foreground and alpha of the pictures of a training set that are not there yet."""
    if foreground.method is None:
        return []
    pairs = AimFolder(train, foreground_folder=ADOBES.folder).pairs
    return [pair for pair in pairs if not _target(foreground, train, pair[0]).is_file()]


def check_method(foreground: Foreground, train: Path) -> None:
    """Refuse a folder whose foregrounds another method made.

    Raises
    ------
    ConfigError
        It is one.
    """
    record = train / foreground.folder / _RECORD
    if not record.is_file():
        return
    method = json.loads(record.read_text(encoding="utf-8")).get("method")
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
    pairs = missing(foreground, train)
    if not pairs:
        return
    check_method(foreground, train)
    folder = train / foreground.folder
    say(f"making {len(pairs)} foregrounds by {foreground.method} -> {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / _RECORD) as temporary:
            temporary.write_text(json.dumps({"method": foreground.method}), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror or error})") from None
    tasks = [(str(foreground.method), *pair, _target(foreground, train, pair[0])) for pair in pairs]
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        done = _in_processes(tasks, min(workers or os.cpu_count() or 1, len(tasks)))
        for _ in progress.track(done, total=len(tasks), description=foreground.name):
            pass


def _in_processes(tasks: list[tuple[str, Path, Path, Path]], workers: int) -> Iterator[None]:
    """Do the tasks, and yield after each."""
    if workers <= 1:
        for task in tasks:
            _make(*task)
            yield
        return
    # Spawned, not forked: a fork of a process with running threads may hang.
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start
    )
    try:
        for future in as_completed([pool.submit(_make, *task) for task in tasks]):
            future.result()
            yield
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    # Pictures side by side are faster than threads within one. Numba reads this when it is loaded.
    os.environ["NUMBA_NUM_THREADS"] = "1"
    # Ctrl-C is for the process that started this one; what is being written is finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _target(foreground: Foreground, train: Path, colours: Path) -> Path:
    return train / foreground.folder / f"{colours.stem}.png"


def _make(method: str, colours: Path, alpha: Path, target: Path) -> None:
    from lsamatting.foreground import refine_foreground
    from lsamatting.foreground.closed_form import closed_form_foreground
    from lsamatting.images import best_depth, read_grey, read_picture, write_picture

    picture = read_picture(colours)
    opacity, _ = read_grey(alpha)
    if opacity.shape != picture.pixels.shape[:2]:
        raise DatasetError(f"{alpha}: not of the size of {colours}")
    if method == "closed-form":
        result = closed_form_foreground(picture.pixels, opacity)
    else:
        result = refine_foreground(picture.pixels, opacity, method=cast("SmoothingMethod", method))
    write_picture(target, result, depth=best_depth(target, picture.depth))
