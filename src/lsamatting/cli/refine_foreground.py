"""`lsamatting refine-foreground`: foregrounds made smooth where they hardly show."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsamatting.choices import Border, ReestimationMethod
from lsamatting.cli.console import complain, complain_unexpected, say, stderr_console, warn
from lsamatting.cli.options import MaxPixelsOption
from lsamatting.errors import ConfigError, ImageError, LsamattingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lsamatting.cli.pairing import Pair


# What each option means something to.
_APPLIES: dict[str, tuple[ReestimationMethod, ...]] = {
    "kappa": ("exact", "multilevel", "jacobi"),
    "scales": ("multilevel",),
    "iterations": ("multilevel", "jacobi"),
    "tolerance": ("exact",),
    "border": ("exact", "multilevel", "jacobi"),
}


def refine_foreground(
    foreground: Annotated[
        Path, typer.Argument(metavar="FG", help="A foreground, or a folder of them.")
    ],
    alpha: Annotated[
        Path,
        typer.Argument(
            metavar="ALPHA", help="Its opacity, or the folder of those named as the foregrounds."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The result; for folders a folder, of PNG (TIFF and OpenEXR stay what they are).",
        ),
    ],
    method: Annotated[
        ReestimationMethod,
        typer.Option(
            help="exact: the minimiser; multilevel, jacobi: the paper's Algorithms 2 and 1; "
            "closed-form: the foreground of Levin et al., blended."
        ),
    ] = "exact",
    kappa: Annotated[float | None, typer.Option(help="Weight of smoothness [1].")] = None,
    scales: Annotated[int | None, typer.Option(help="Scales of multilevel [6].")] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Sweeps of jacobi, and of multilevel at full size [20].")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Relative residual at which exact stops [0.0001].")
    ] = None,
    border: Annotated[
        Border | None,
        typer.Option(
            help="Neighbours beyond the border: inside, there are none [exact]; reflect, mirrored "
            "[multilevel, jacobi]."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per processor if not given.")
    ] = None,
    max_pixels: MaxPixelsOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there already.")
    ] = False,
) -> None:
    """Re-estimate foregrounds: their colours where opaque, smooth where they hardly show."""
    from lsamatting.cli.pairing import destination, make_folder, pair_up
    from lsamatting.images import DEFAULT_MAX_PIXELS, check_destination

    options = {
        name: value
        for name, value in (
            ("kappa", kappa),
            ("scales", scales),
            ("iterations", iterations),
            ("tolerance", tolerance),
            ("border", border),
        )
        if value is not None
    }
    for name in options:
        if method not in _APPLIES[name]:
            able = ", ".join(_APPLIES[name])
            raise ConfigError(f"--{name} goes with --method {able}, not with {method}")
    pairs, batch = pair_up([foreground], alpha)
    tasks = [
        _Task(
            pair,
            destination(
                "--output", output, pair.image, batch=batch, suffix=_suffix(pair.image, batch)
            ),
        )
        for pair in pairs
    ]
    inputs = {path.resolve() for pair in pairs for path in (pair.image, pair.guide)}
    for task in tasks:
        if task.output.resolve() in inputs:
            raise ConfigError(f"{task.output}: would replace an input; choose another place")
        check_destination(task.output, parent_exists=not batch)
    if batch:
        make_folder(output)
    pending = [task for task in tasks if overwrite or not task.output.exists()]
    work = _Work(method, options, max_pixels or DEFAULT_MAX_PIXELS)
    code = _run_all(pending, work, workers or os.cpu_count() or 1, batch=batch)
    kept = len(tasks) - len(pending)
    if kept:
        say(f"{kept} of {len(tasks)} kept, done before; --overwrite does them again")
    if code:
        raise typer.Exit(code)


def _suffix(foreground: Path, batch: bool) -> str:
    # PNG cannot hold floats, which these may.
    keeps = batch and foreground.suffix.lower() in (".exr", ".tif", ".tiff")
    return foreground.suffix if keeps else ".png"


@dataclass(frozen=True)
class _Task:
    pair: Pair
    output: Path


@dataclass(frozen=True)
class _Work:
    """What is done with every pair of files."""

    method: ReestimationMethod
    options: dict[str, Any] = field(default_factory=dict)
    max_pixels: int = 0

    def do(self, task: _Task) -> tuple[str, ...]:
        """Write one result; give the notes on what was read."""
        from lsamatting.images import best_depth, read_grey, read_picture, write_picture

        picture = read_picture(task.pair.image, max_pixels=self.max_pixels)
        opacity, _ = read_grey(task.pair.guide, max_pixels=self.max_pixels)
        if opacity.shape != picture.pixels.shape[:2]:
            raise ImageError(
                f"{task.pair.guide}: {opacity.shape[1]}x{opacity.shape[0]} pixels, but "
                f"{task.pair.image} has {picture.size[0]}x{picture.size[1]}"
            )
        write_picture(
            task.output,
            self._refine(picture.pixels, opacity),
            depth=best_depth(task.output, picture.depth),
            linear=picture.linear,
        )
        return tuple(f"{task.pair.image}: {note}" for note in picture.notes)

    def _refine(
        self, colours: NDArray[np.float32], opacity: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        if self.method == "closed-form":
            from lsamatting.foreground.closed_form import closed_form_foreground

            return closed_form_foreground(colours, opacity)
        from lsamatting.foreground import refine_foreground as refine

        return refine(colours, opacity, method=self.method, **self.options)


def _run_all(tasks: list[_Task], work: _Work, workers: int, *, batch: bool) -> int:
    """Do the tasks; in a batch an error is reported and the others are done all the same.

    Returns
    -------
    int
        The exit code.
    """
    from rich.progress import Progress

    code = 0
    console = stderr_console()
    shown = batch and console.is_terminal
    with (
        Progress(
            console=console,
            transient=True,
            disable=not shown,
            # Results stay on stdout when that is a file or a pipe.
            redirect_stdout=sys.stdout.isatty(),
        ) as progress,
        _results(tasks, work, workers) as results,
    ):
        for task, outcome in progress.track(results, total=len(tasks), description="refining"):
            if isinstance(outcome, tuple):
                for note in outcome:
                    warn(note, console)
                say(f"{task.pair.image} -> {task.output}")
            elif not batch:
                raise outcome
            elif isinstance(outcome, LsamattingError):
                complain(str(outcome), console)
                code = code or 2
            else:
                complain_unexpected(outcome, console)
                code = 1
    return code


_Results = Iterator[tuple[_Task, "tuple[str, ...] | Exception"]]


@contextmanager
def _results(tasks: list[_Task], work: _Work, workers: int) -> Iterator[_Results]:
    """Give what each task ends with, notes or an error, as they end."""
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield ((task, _attempt(work, task)) for task in tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    # Spawned, not forked: a fork of a process with running threads may hang.
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start
    )
    try:
        futures = {pool.submit(_attempt, work, task): task for task in tasks}
        yield ((futures[future], future.result()) for future in as_completed(futures))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    # Pictures side by side are faster than threads within one. Numba reads this when it is loaded.
    os.environ["NUMBA_NUM_THREADS"] = "1"
    import cv2

    cv2.setNumThreads(1)
    # Ctrl-C is for the process that started this one; what is being written is finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _attempt(work: _Work, task: _Task) -> tuple[str, ...] | Exception:
    try:
        return work.do(task)
    except Exception as error:
        return error
