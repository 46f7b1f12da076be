"""`lsamatting batch`: thousands of pictures, to a good end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsamatting.batch.addresses import STREAM, absolute, is_url, join
from lsamatting.choices import EngineName
from lsamatting.cli.clusters import check_cluster_options
from lsamatting.cli.console import complain, say, warn
from lsamatting.cli.options import RecursiveOption, WorkersOption
from lsamatting.cli.program import UNEXPECTED, USER_ERROR
from lsamatting.cli.recipes import RecipeOptions
from lsamatting.cli.spread import spread
from lsamatting.errors import ConfigError

if TYPE_CHECKING:
    from lsamatting.batch.job import Job, Outcome
    from lsamatting.cli.batching import Engine


@spread
def batch(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="MANIFEST | IMAGE...",
            help="A manifest (.csv, .jsonl or .parquet with columns image, and trimap or mask), or "
            "pictures: files, folders, patterns such as 'photos/**/*.jpg'. Paths, or URLs such as "
            "s3://bucket/photos.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="Folder or URL for opacities, and for results.jsonl, failed.jsonl, summary.json "
            "and worst.jpg, a sheet of the most doubtful mattes. The same command goes on there.",
        ),
    ],
    trimaps: Annotated[
        str | None,
        typer.Option(help="Folder or pattern of trimaps named as the pictures, or one for all."),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(
            help="The same of masks, from which trimaps are made: segmentations, or the cutouts "
            "of a background remover."
        ),
    ] = None,
    cutouts: Annotated[
        str | None, typer.Option(help="Folder for the subjects alone: RGBA, not premultiplied.")
    ] = None,
    foregrounds: Annotated[
        str | None, typer.Option(help="Folder for the subjects' own colours.")
    ] = None,
    composites: Annotated[
        str | None, typer.Option(help="Folder for the subjects on what --on says.")
    ] = None,
    overlays: Annotated[
        str | None,
        typer.Option(help="Folder for picture, trimap, opacity and composite side by side."),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again what failed before, though nothing changed.")
    ] = False,
    workers: WorkersOption = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Processor threads of each worker [1; all with --workers 0]."),
    ] = None,
    picture_timeout: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="What takes longer has failed, and its worker is replaced [no limit].",
        ),
    ] = None,
    engine: Annotated[
        EngineName,
        typer.Option(
            help="What does the work: processes of this machine, or a Ray cluster (extra: "
            "cluster), on which --workers is the most that are started."
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="With --engine ray: the cluster's address [RAY_ADDRESS, else this machine]."
        ),
    ] = None,
    least_workers: Annotated[
        int | None, typer.Option(min=1, help="With --engine ray: workers kept at least [1].")
    ] = None,
    gpus: Annotated[
        float | None,
        typer.Option(min=0, help="With --engine ray: GPUs of each worker, such as 0.25 [0]."),
    ] = None,
    at_a_time: Annotated[
        int | None,
        typer.Option(
            min=1, max=4, help="With --engine ray: pictures that a worker is handed at a time [2]."
        ),
    ] = None,
    *,
    options: RecipeOptions,
    recursive: RecursiveOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make the mattes of many pictures side by side, and go on where an earlier run ended."""
    places = (output, trimaps, masks, cutouts, foregrounds, composites, overlays)
    if STREAM in (*places, *sources):
        raise ConfigError("a batch reads and writes files and URLs, not standard input and output")
    cluster: dict[str, Any] = {
        "address": address,
        "least_workers": least_workers,
        "gpus": gpus,
        "at_a_time": at_a_time,
    }
    check_cluster_options(engine, workers=workers, **cluster)
    if picture_timeout is not None and engine == "ray":
        raise ConfigError("--picture-timeout goes with --engine local, not with ray")
    out = absolute(output)
    folders = {
        "alpha": out,
        "cutout": cutouts,
        "foreground": foregrounds,
        "composite": composites,
        "overlay": overlays,
    }
    wanted = {kind: absolute(folder) for kind, folder in folders.items() if folder is not None}
    jobs, unpaired, skipped = _find(
        sources, trimaps=trimaps, masks=masks, wanted=wanted, out=out, recursive=recursive
    )
    options.check_guides(
        masks=any(job.is_mask for job in jobs),
        trimaps=not all(job.is_mask for job in jobs),
    )
    composed = {kind for job in jobs for kind in job.outputs} & {"composite", "overlay"}
    if "composite" in composed and options.on is None:
        raise ConfigError("--composites needs --on, a colour or a picture")
    if options.on is not None and not composed:
        raise ConfigError("--on goes with --composites or --overlays")

    from lsamatting.cli.outputs import check_outputs, make_folder, refuse_among_pictures

    refuse_among_pictures(wanted.values(), sources)
    own = {join(out, name) for name in _own_files()}
    for address in (address for job in jobs for address in job.outputs.values()):
        if address in own:
            raise ConfigError(f"{address}: a file of the run itself; choose another name")
    check_outputs(
        jobs,
        options.depth,
        options.quality,
        [*sources, trimaps, masks, None if options.on is None else Path(options.on)],
        asked={},
    )
    recipe = options.recipe()
    if not is_url(out):
        make_folder(Path(out))

    from lsamatting.batch.job import Failed
    from lsamatting.batch.lock import locked
    from lsamatting.batch.planning import plan, stamps
    from lsamatting.batch.results import Results
    from lsamatting.batch.sheet import write_worst
    from lsamatting.batch.summary import lines, summarise, write_summary
    from lsamatting.cli.batching import choose_engine, complain_of, run_shown
    from lsamatting.cli.clusters import EngineOfCluster, cluster_engine
    from lsamatting.network.files import find_weights, weights_digest

    def tell(outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            complain_of(outcome)

    start = time.perf_counter()
    with locked(out):
        results = Results(
            out, recipe=recipe.digest(), weights=weights_digest(find_weights(options.weights))
        )
        results.keep_failures({job.key for job in jobs})
        for job, problem in unpaired:
            complain(problem)
            results.fail(job, problem, stamps(job), expected=True)
        planned = plan(jobs, results, retry=retry)
        doer: Engine | EngineOfCluster
        if engine == "ray":
            doer = cluster_engine(
                planned.pending,
                recipe,
                out=out,
                results=results,
                workers=workers,
                threads=threads,
                **cluster,
            )
        else:
            doer = choose_engine(
                planned.pending,
                recipe,
                workers=workers,
                threads=threads,
                account=True,
                picture_timeout=picture_timeout,
            )
        tally = run_shown(
            planned.pending, doer, quiet=as_json, lines=True, results=results, tell=tell
        )
        if isinstance(doer, EngineOfCluster):
            doer.settle()
        everything = [*jobs, *(job for job, _ in unpaired)]
        summary = summarise(
            everything, results, tally, seconds=time.perf_counter() - start, skipped=skipped
        )
        write_summary(out, summary)
        done = [results.done[job.key] for job in jobs if job.key in results.done]
        if done and not tally.not_reached:
            write_worst(out, done, max_pixels=recipe.reading.max_pixels)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
    else:
        for line in lines(summary):
            say(line)
    if planned.failed:
        warn(f"{len(planned.failed)} failed before and were left alone; --retry tries them again")
    if tally.not_reached:
        complain(f"stopped with {len(tally.not_reached)} pictures to go; the same command goes on")
    if tally.unexpected or tally.not_reached:
        raise typer.Exit(UNEXPECTED)
    if summary["failed"]:
        raise typer.Exit(USER_ERROR)


def _find(
    sources: list[str],
    *,
    trimaps: str | None,
    masks: str | None,
    wanted: dict[str, str],
    out: str,
    recursive: bool,
) -> tuple[list[Job], list[tuple[Job, str]], list[tuple[str, str]]]:
    """Give the jobs, those that have no guide and why, and the files that were passed over."""
    from lsamatting.batch.job import Job
    from lsamatting.batch.manifest import SUFFIXES, is_manifest, jobs_of, read_manifest
    from lsamatting.batch.pairing import pair_up

    if trimaps is not None and masks is not None:
        raise ConfigError("--trimaps and --masks: give one of them; a manifest can have both")
    guide = trimaps or masks
    if guide is None:
        if len(sources) == 1 and is_manifest(sources[0]):
            return jobs_of(read_manifest(sources[0]), wanted, out), [], []
        raise ConfigError(
            f"{sources[0]}: pictures need --trimaps or --masks; a manifest ends in "
            f"{', '.join(SUFFIXES)}"
        )
    if any(is_manifest(source) for source in sources):
        raise ConfigError(f"{sources[0]}: a manifest says itself what the trimaps or masks are")
    pairing = pair_up(sources, guide, recursive=recursive, leave_out=wanted.values())
    jobs = [
        Job(
            absolute(pair.image),
            absolute(pair.guide),
            {kind: join(folder, f"{pair.name}.png") for kind, folder in wanted.items()},
            is_mask=masks is not None,
        )
        for pair in pairing.pairs
    ]
    unpaired = [
        (Job(absolute(image), "", {}, is_mask=masks is not None), problem)
        for image, problem in pairing.unpaired
    ]
    return jobs, unpaired, pairing.skipped


def _own_files() -> tuple[str, ...]:
    """Name what a run writes into its folder beside pictures."""
    from lsamatting.batch import claims, lock, results, sheet, summary

    return results.DONE, results.FAILED, summary.NAME, sheet.NAME, lock.NAME, claims.FOLDER
