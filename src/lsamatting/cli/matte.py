"""`lsamatting matte`: pictures and trimaps in, mattes out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lsamatting import __version__
from lsamatting.choices import Depth, ForegroundMethod, trimap_thresholds
from lsamatting.cli.batch import OVERLAY_COLOUR, Guide, Reading, Task, Work, run_all, summary
from lsamatting.cli.console import say
from lsamatting.cli.options import (
    BoundaryOption,
    DeviceOption,
    DilateOption,
    ErodeOption,
    LayerOption,
    LinearOption,
    MaxPixelsOption,
    PaddingOption,
    PrecisionOption,
    QualityOption,
    RecursiveOption,
    RefineOptimiserOption,
    RefineOption,
    RefineRateOption,
    RefineStepsOption,
    RuntimeOption,
    ThreadsOption,
    TtaOption,
    TtaScalesOption,
    TtaSymmetriesOption,
    WeightsOption,
)
from lsamatting.cli.streams import STREAM, STREAM_SUFFIX
from lsamatting.cli.techniques import averaging, refine_options
from lsamatting.errors import ConfigError
from lsamatting.replacing import is_whole
from lsamatting.weights import DEFAULT_WEIGHTS


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
    erode: ErodeOption = None,
    dilate: DilateOption = None,
    cutout: Annotated[
        Path | None, typer.Option(help="The subject alone: RGBA, not premultiplied.")
    ] = None,
    foreground: Annotated[Path | None, typer.Option(help="The subject's own colours.")] = None,
    composite: Annotated[Path | None, typer.Option(help="The subject on what --on says.")] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR|IMAGE", help="Colour (white, #2a6, 20,90,60) or picture behind it."
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Picture, trimap, opacity and composite side by side, to look at."),
    ] = None,
    foreground_method: Annotated[
        ForegroundMethod, typer.Option(help="How the subject's own colours are found.")
    ] = "blur-fusion",
    refine: RefineOption = False,
    strokes: Annotated[
        Path | None,
        typer.Option(
            help="Corrections, painted in grey (the opacity wanted) on a "
            "transparent picture of the photograph's size."
        ),
    ] = None,
    refine_steps: RefineStepsOption = None,
    refine_rate: RefineRateOption = None,
    refine_optimiser: RefineOptimiserOption = None,
    boundary: BoundaryOption = None,
    tta: TtaOption = False,
    tta_scales: TtaScalesOption = None,
    tta_symmetries: TtaSymmetriesOption = None,
    padding: PaddingOption = "window",
    precision: PrecisionOption = None,
    weights: WeightsOption = DEFAULT_WEIGHTS,
    runtime: RuntimeOption = "auto",
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    depth: Annotated[
        Depth | None, typer.Option(help="Bits per channel; the picture's own if not given.")
    ] = None,
    background_below: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=255,
            help="Trimap values below this are background [85; with --padding published 50].",
        ),
    ] = None,
    foreground_above: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=255,
            help="Trimap values above this are foreground [170; with --padding published 200].",
        ),
    ] = None,
    linear: LinearOption = None,
    layer: LayerOption = None,
    own_opacity: Annotated[
        bool,
        typer.Option(
            "--own-opacity/--ignore-opacity",
            help="Multiply the opacity that a picture comes with into the result, or ignore it.",
        ),
    ] = True,
    quality: QualityOption = None,
    metadata: Annotated[
        bool,
        typer.Option(
            "--metadata/--no-metadata",
            help="Carry the picture's resolution and camera data, without place and owner, on to "
            "the results.",
        ),
    ] = True,
    recursive: RecursiveOption = False,
    max_pixels: MaxPixelsOption = None,
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
    if mask is None and (erode is not None or dilate is not None):
        raise ConfigError("--erode and --dilate go with --mask; a trimap is taken as it is")
    thresholds = {
        name: value
        for name, value in (
            ("background_below", background_below),
            ("foreground_above", foreground_above),
        )
        if value is not None
    }
    if mask is not None and thresholds:
        raise ConfigError("--background-below and --foreground-above go with a trimap, not --mask")
    if composite is not None and on is None:
        raise ConfigError("--composite needs --on, a colour or a picture")
    if on is not None and composite is None and overlay is None:
        raise ConfigError("--on goes with --composite or --overlay")
    wanted = {
        "alpha": output,
        "cutout": cutout,
        "foreground": foreground,
        "composite": composite,
        "overlay": overlay,
    }

    refining = refine_options(
        refine,
        steps=refine_steps,
        rate=refine_rate,
        optimiser=refine_optimiser,
        boundary=boundary,
        padding=padding,
    )
    averaged = averaging(tta, scales=tta_scales, symmetries=tta_symmetries)

    from lsamatting.cli.outputs import make_folder
    from lsamatting.cli.pairing import pair_up

    pairing = pair_up(
        paths if mask is not None else paths[:-1],
        mask if mask is not None else paths[-1],
        recursive=recursive,
        leave_out=[path for path in wanted.values() if path is not None],
    )
    pairs, batch = pairing.pairs, pairing.batch
    if strokes is not None and batch:
        raise ConfigError(f"{strokes}: strokes are for one picture, found several")
    if not any(wanted.values()):
        if batch:
            raise ConfigError(
                "several pictures, and nowhere to write: give -o, --cutout, --composite "
                "or another output"
            )
        image = pairs[0].image
        wanted["alpha"] = STREAM if image == STREAM else Path(f"{pairs[0].name}-alpha.png")
    tasks = [Task(pair, _outputs(pair.name, wanted, batch=batch)) for pair in pairs]
    if as_json and STREAM in wanted.values():
        raise ConfigError("standard output (-) holds one thing: a picture, or what --json prints")
    folders = _check_outputs(
        tasks, wanted, depth, quality, [strokes, None if on is None else Path(on)]
    )

    from lsamatting.compositing.backdrop import read_backdrop
    from lsamatting.images import DEFAULT_MAX_PIXELS
    from lsamatting.matting import Matting
    from lsamatting.threads import limit_threads, thread_count

    if threads is not None:
        limit_threads(threads)
    limit = max_pixels or DEFAULT_MAX_PIXELS
    if mask is None:
        thresholds = {**trimap_thresholds(padding), **thresholds}
    model = Matting.from_pretrained(
        weights,
        runtime=runtime,
        device=device,
        padding=padding,
        boundary=boundary or "paper",
        tta=averaged,
        precision=precision,
    )
    if refining:
        model.runtime.check_refines()
    work = Work(
        model=model,
        refine=refining or False,
        strokes=strokes,
        guide=Guide(
            is_mask=mask is not None,
            erode=erode,
            dilate=dilate,
            thresholds=thresholds,
            max_pixels=limit,
        ),
        backdrop=OVERLAY_COLOUR if on is None else read_backdrop(on, max_pixels=limit),
        reading=Reading(
            max_pixels=limit,
            transfer=None if linear is None else "linear" if linear else "gamma",
            layer=layer,
            opacity=own_opacity,
            metadata=metadata,
        ),
        foreground_method=foreground_method,
        depth=depth,
        quality=quality,
    )
    for folder in folders:
        make_folder(folder)
    pending = [
        task
        for task in tasks
        if overwrite or not all(is_whole(path) for path in task.outputs.values())
    ]
    start = time.perf_counter()
    quiet = as_json or STREAM in wanted.values()
    outcome = run_all(pending, work, batch=batch, quiet=quiet, unpaired=pairing.unpaired)
    kept = [str(task.pair.image) for task in tasks if task not in pending]
    if as_json:
        report = {
            "version": __version__,
            "weights": weights,
            "runtime": model.runtime.name,
            "device": model.runtime.device,
            "threads": thread_count(),
            "padding": padding,
            "precision": model.options.precision,
            "tta": asdict(averaged) if averaged else None,
            "refine": {**asdict(refining), "boundary": model.options.boundary}
            if refining
            else None,
            "pictures": outcome.done,
            "kept": kept,
            "failed": outcome.failed,
            "skipped": [{"file": str(path), "reason": why} for path, why in pairing.skipped],
            "not_reached": [str(task.pair.image) for task in outcome.pending],
            "seconds": round(time.perf_counter() - start, 4),
        }
        typer.echo(json.dumps(report, indent=2))
    elif batch:
        say(summary(outcome, kept=kept, skipped=pairing.skipped))
    elif not quiet:
        for name in kept:
            say(f"{name}: kept, its files are there")
    if outcome.pending:
        raise KeyboardInterrupt
    if outcome.code:
        raise typer.Exit(outcome.code)


def _outputs(name: str, wanted: dict[str, Path | None], *, batch: bool) -> dict[str, Path]:
    from lsamatting.cli.outputs import destination

    return {
        kind: destination("--output" if kind == "alpha" else f"--{kind}", path, name, batch=batch)
        for kind, path in wanted.items()
        if path is not None
    }


def _check_outputs(
    tasks: list[Task],
    wanted: dict[str, Path | None],
    depth: Depth | None,
    quality: int | None,
    further_inputs: list[Path | None],
) -> set[Path]:
    """Refuse, before anything is computed, what cannot or should not be written.

    Gives the folders that are to be made.
    """
    from lsamatting.cli.outputs import folders_to_make, refuse_replacing, refuse_twice
    from lsamatting.picture_files import LOSSY_SUFFIXES, check_destination

    outputs = [path for task in tasks for path in task.outputs.values()]
    inputs = [path for task in tasks for path in (task.pair.image, task.pair.guide)]
    refuse_replacing(outputs, [*inputs, *further_inputs])
    refuse_twice(outputs)
    for task in tasks:
        for name, path in task.outputs.items():
            check_destination(
                Path(f"stdout{STREAM_SUFFIX}") if path == STREAM else path,
                alpha=name == "cutout",
                depth=None if name == "overlay" else depth,
                parent_exists=path == wanted[name],
            )
    if quality is not None and not any(path.suffix.lower() in LOSSY_SUFFIXES for path in outputs):
        raise ConfigError(f"--quality goes with an output in {', '.join(LOSSY_SUFFIXES)}")
    return folders_to_make(
        (wanted[name] or path, path) for task in tasks for name, path in task.outputs.items()
    )
