"""`lsamatting matte`: pictures and trimaps in, mattes out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsamatting import __version__
from lsamatting.batch.addresses import STREAM
from lsamatting.cli.bar import Bar
from lsamatting.cli.console import complain, say, warn
from lsamatting.cli.options import RecursiveOption, ThreadsOption, WorkersOption
from lsamatting.cli.program import UNEXPECTED, USER_ERROR
from lsamatting.cli.recipes import RecipeOptions
from lsamatting.cli.spread import spread
from lsamatting.errors import ConfigError
from lsamatting.replacing import is_whole

if TYPE_CHECKING:
    from lsamatting.batch.job import Job
    from lsamatting.batch.recipe import Recipe


@spread
def matte(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE... TRIMAP",
            help="Pictures or folders of them (- reads standard input), then the trimap, one for "
            "all or a folder of trimaps that are named as the pictures are. With --mask: pictures "
            "only.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Opacity, a grey picture; or a folder, as for several pictures; - writes PNG "
            "to standard output. Without any output: IMAGE-alpha.png in the current folder.",
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="A mask, or folder of masks, from which the trimap is made."),
    ] = None,
    cutout: Annotated[
        Path | None, typer.Option(help="The subject alone: RGBA, not premultiplied.")
    ] = None,
    foreground: Annotated[Path | None, typer.Option(help="The subject's own colours.")] = None,
    composite: Annotated[Path | None, typer.Option(help="The subject on what --on says.")] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Picture, trimap, opacity and composite side by side, to look at."),
    ] = None,
    strokes: Annotated[
        Path | None,
        typer.Option(
            help="Corrections, painted in grey (the opacity wanted) on a "
            "transparent picture of the photograph's size."
        ),
    ] = None,
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
    *,
    options: RecipeOptions,
    recursive: RecursiveOption = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite/--keep", help="Replace what is there, or skip pictures that are done."
        ),
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done and how long it took as JSON.")
    ] = False,
) -> None:
    """Estimate how opaque every pixel of a picture is."""
    if mask is None and len(paths) < 2:
        raise ConfigError("matte needs a picture and a trimap, or a picture and --mask")
    options.check_guides(
        masks=mask is not None,
        trimaps=mask is None,
    )
    if composite is not None and options.on is None:
        raise ConfigError("--composite needs --on, a colour or a picture")
    if options.on is not None and composite is None and overlay is None:
        raise ConfigError("--on goes with --composite or --overlay")
    wanted = {
        "alpha": output,
        "cutout": cutout,
        "foreground": foreground,
        "composite": composite,
        "overlay": overlay,
    }

    from lsamatting.batch.job import Job
    from lsamatting.batch.pairing import pair_up
    from lsamatting.cli.outputs import check_outputs, make_folder, refuse_among_pictures
    from lsamatting.picture_files import is_picture

    given = [path for path in wanted.values() if path is not None]
    if (
        mask is not None
        and len(paths) == 2
        and not any(path.is_dir() for path in (*paths, mask))
        and any(map(is_picture, given))
    ):
        raise ConfigError(
            f"with --mask every path is a picture, found {paths[0]} and {paths[1]}, which need a "
            "folder to write to; leave out a trimap"
        )
    pairing = pair_up(
        paths if mask is not None else paths[:-1],
        mask if mask is not None else paths[-1],
        recursive=recursive,
        leave_out=given,
    )
    pairs, batch = pairing.pairs, pairing.batch
    if batch:
        refuse_among_pictures(given, paths)
    if strokes is not None and batch:
        raise ConfigError(f"{strokes}: strokes are for one picture, found several")
    if not any(wanted.values()):
        if batch:
            raise ConfigError(
                "several pictures, and nowhere to write: give -o, --cutout, --composite "
                "or another output"
            )
        image = pairs[0].image
        wanted["alpha"] = Path(STREAM if image == STREAM else f"{pairs[0].name}-alpha.png")
    jobs = [
        Job(
            pair.image,
            pair.guide,
            _outputs(pair.name, wanted, batch=batch),
            is_mask=mask is not None,
        )
        for pair in pairs
    ]
    to_stream = Path(STREAM) in wanted.values()
    if as_json and to_stream:
        raise ConfigError("standard output (-) holds one thing: a picture, or what --json prints")
    if options.layer is not None and not any(
        job.image == STREAM or job.image.lower().endswith(".exr") for job in jobs
    ):
        raise ConfigError("--layer goes with pictures in OpenEXR (.exr)")
    further_inputs = [strokes, None if options.on is None else Path(options.on)]
    folders = check_outputs(jobs, options.depth, options.quality, further_inputs, asked=wanted)
    recipe = options.recipe()
    pending = [
        job
        for job in jobs
        if overwrite or not all(is_whole(Path(path)) for path in job.outputs.values())
    ]
    start = time.perf_counter()
    quiet = as_json or to_stream
    for folder in folders:
        make_folder(folder)
    if batch:
        ended = _do_several(
            pending,
            recipe,
            workers=workers,
            threads=threads,
            quiet=quiet,
            unpaired=pairing.unpaired,
        )
    else:
        ended = _do_one(pending, recipe, strokes=strokes, threads=threads, quiet=quiet)
    kept = [job.image for job in jobs if job not in pending]
    if as_json:
        report = {
            "version": __version__,
            "weights": options.weights,
            "runtime": ended.runtime,
            "device": ended.device,
            "threads": ended.threads,
            "padding": options.padding,
            "precision": ended.precision,
            "tta": asdict(recipe.model.tta) if recipe.model.tta else None,
            "refine": {**asdict(recipe.refine), "boundary": recipe.model.boundary}
            if recipe.refine
            else None,
            "pictures": ended.done,
            "kept": kept,
            "failed": ended.failed,
            "skipped": [{"file": path, "reason": why} for path, why in pairing.skipped],
            "not_reached": ended.not_reached,
            "seconds": round(time.perf_counter() - start, 4),
        }
        typer.echo(json.dumps(report, indent=2))
    elif batch:
        say(_summary(ended, kept=kept, skipped=pairing.skipped))
    elif not quiet:
        for name in kept:
            say(f"{name}: kept, its files are there")
    if ended.not_reached:
        complain("interrupted; the same command with --keep goes on")
        raise typer.Exit(UNEXPECTED)
    if ended.code:
        raise typer.Exit(ended.code)


@dataclass
class _Ended:
    """What became of all pictures."""

    runtime: str
    device: str
    precision: str
    threads: int
    done: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    not_reached: list[str] = field(default_factory=list)
    code: int = 0


def _do_one(
    pending: list[Job], recipe: Recipe, *, strokes: Path | None, threads: int | None, quiet: bool
) -> _Ended:
    """Do the only picture; what is wrong with it ends the command."""
    from lsamatting.batch.work import Work
    from lsamatting.painted import read_corrections
    from lsamatting.threads import limit_threads, thread_count

    if threads is not None:
        limit_threads(threads)
    limit = recipe.reading.max_pixels
    work = Work.of(
        recipe,
        strokes=None if strokes is None else partial(read_corrections, strokes, max_pixels=limit),
        ahead=True,
    )
    done = []
    for job in pending:
        with Bar() as bar:
            report = work.do(job, None if quiet else bar)
        done.append(report)
        _tell(report, quiet=quiet)
    runtime, precision = work.model.runtime, work.model.options.precision
    return _Ended(runtime.name, runtime.device, precision, thread_count(), done)


def _do_several(
    pending: list[Job],
    recipe: Recipe,
    *,
    workers: int | None,
    threads: int | None,
    quiet: bool,
    unpaired: list[tuple[str, str]],
) -> _Ended:
    """Do pictures side by side; what is wrong with one is told, and the others are done."""
    from lsamatting.batch.job import Done, Failed, Outcome
    from lsamatting.batch.planning import plan
    from lsamatting.cli.batching import choose_engine, complain_of, run_shown

    done: list[Done] = []
    failed: list[dict[str, str]] = []

    def tell(outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            failed.append({"image": outcome.job.image, "error": outcome.reason})
            complain_of(outcome)
        else:
            done.append(outcome)
            _tell(outcome.report, quiet=quiet)

    for image, problem in unpaired:
        failed.append({"image": image, "error": problem})
        complain(problem)
    if workers is None and len(pending) <= 1:
        workers = 0  # starting a process for it would take longer
    engine = choose_engine(pending, recipe, workers=workers, threads=threads, account=False)
    tally = run_shown(plan(pending).pending, engine, quiet=quiet, tell=tell)
    order = {job.key: number for number, job in enumerate(pending)}
    done.sort(key=lambda outcome: order[outcome.job.key])
    return _Ended(
        engine.runtime,
        engine.device,
        engine.precision,
        engine.threads,
        [outcome.report for outcome in done],
        failed,
        [job.image for job in sorted(tally.not_reached, key=lambda job: order[job.key])],
        code=UNEXPECTED if tally.unexpected else USER_ERROR if failed else 0,
    )


def _tell(report: dict[str, Any], *, quiet: bool) -> None:
    for note in report["notes"]:
        warn(note)
    if not quiet:
        files = ", ".join(report["outputs"].values())
        say(f"{report['image']} -> {files} ({report['seconds']['total']:.2f} s)")


def _summary(
    ended: _Ended, *, kept: list[str], skipped: list[tuple[str, str]], named: int = 5
) -> str:
    """Say in one line what became of a batch, with the first of the files that were passed over."""
    counts = [f"{len(ended.done)} done"]
    for items, what in (
        (ended.failed, "failed"),
        (kept, "kept, their files are there"),
        (ended.not_reached, "not reached"),
    ):
        if items:
            counts.append(f"{len(items)} {what}")
    if skipped:
        names = [f"{Path(path).name}: {reason}" for path, reason in skipped[:named]]
        more = f" and {len(skipped) - named} more" if len(skipped) > named else ""
        counts.append(f"{len(skipped)} skipped ({'; '.join(names)}{more})")
    return ", ".join(counts)


def _outputs(name: str, wanted: dict[str, Path | None], *, batch: bool) -> dict[str, str]:
    from lsamatting.cli.outputs import destination

    return {
        kind: str(
            destination("--output" if kind == "alpha" else f"--{kind}", path, name, batch=batch)
        )
        for kind, path in wanted.items()
        if path is not None
    }
