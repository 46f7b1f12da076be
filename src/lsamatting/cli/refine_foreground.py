"""`lsamatting refine-foreground`: foregrounds made smooth where they hardly show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsamatting.choices import Border, ReestimationMethod
from lsamatting.cli.bar import bar_on
from lsamatting.cli.console import complain, complain_unexpected, say, stderr_console, warn
from lsamatting.cli.options import MaxPixelsOption, MemoryOption, RecursiveOption
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.replacing import is_whole

if TYPE_CHECKING:
    from lsamatting.foreground.folder import Reestimation, Task

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
    memory: MemoryOption = None,
    recursive: RecursiveOption = False,
    max_pixels: MaxPixelsOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there already.")
    ] = False,
) -> None:
    """Re-estimate foregrounds: their colours where opaque, smooth where they hardly show."""
    from lsamatting.batch.pairing import pair_up
    from lsamatting.budget import parse_memory
    from lsamatting.cli.outputs import (
        destination,
        folders_to_make,
        make_folder,
        refuse_among_pictures,
        refuse_replacing,
    )
    from lsamatting.foreground.folder import Reestimation, Task, output_suffix
    from lsamatting.images import DEFAULT_MAX_PIXELS
    from lsamatting.picture_files import check_destination

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
    pairing = pair_up([foreground], alpha, recursive=recursive, leave_out=[output])
    batch = pairing.batch
    tasks = [
        Task(
            Path(pair.image),
            Path(pair.guide),
            destination(
                "--output", output, pair.name, batch=batch, suffix=output_suffix(Path(pair.image))
            ),
        )
        for pair in pairing.pairs
    ]
    refuse_replacing(
        [task.output for task in tasks],
        [path for pair in pairing.pairs for path in (pair.image, pair.guide)],
    )
    if batch:
        refuse_among_pictures([output], [foreground, alpha])
    for task in tasks:
        check_destination(task.output, parent_exists=task.output == output)
    for folder in folders_to_make((output, task.output) for task in tasks):
        make_folder(folder)
    for _, problem in pairing.unpaired:
        complain(problem)
    pending = [task for task in tasks if overwrite or not is_whole(task.output)]
    allowed = None if memory is None else parse_memory(memory)
    how = Reestimation(method, options, max_pixels or DEFAULT_MAX_PIXELS, allowed)
    code = _run_all(pending, how, workers, batch=batch) or (2 if pairing.unpaired else 0)
    kept = len(tasks) - len(pending)
    if kept:
        say(
            f"{kept} of {len(tasks)} kept, done before with whatever options; --overwrite does "
            "them again"
        )
    if code:
        raise typer.Exit(code)


def _run_all(tasks: list[Task], how: Reestimation, workers: int | None, *, batch: bool) -> int:
    """Do the tasks; in a batch an error is reported and the others are done all the same.

    Returns
    -------
    int
        The exit code.
    """
    from lsamatting.foreground.folder import reestimate_files

    code = 0
    console = stderr_console()
    with (
        bar_on(console, shown=batch) as progress,
        reestimate_files(tasks, how, workers=workers) as results,
    ):
        for task, outcome in progress.track(results, total=len(tasks), description="refining"):
            if isinstance(outcome, tuple):
                for note in outcome:
                    warn(note, console)
                say(f"{task.foreground} -> {task.output}")
            elif not batch:
                raise outcome
            elif isinstance(outcome, LsamattingError):
                complain(str(outcome), console)
                code = code or 2
            else:
                complain_unexpected(outcome, console)
                code = 1
    return code
