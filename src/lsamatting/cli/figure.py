"""`lsamatting figure`: the paper's figures, drawn for any picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsamatting.choices import SmoothingMethod, trimap_thresholds
from lsamatting.cli.console import say, stderr_console, warn
from lsamatting.cli.options import (
    BoundaryOption,
    DeviceOption,
    MaxPixelsOption,
    PaddingOption,
    RefineOptimiserOption,
    RefineRateOption,
    RefineStepsOption,
    ThreadsOption,
    WeightsOption,
)
from lsamatting.errors import ConfigError
from lsamatting.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from lsamatting.inference.refinement.options import RefinementOptions


figure_app = typer.Typer(
    help="The paper's figures, drawn for any picture (extra: figures).", no_args_is_help=True
)


@figure_app.command()
def fig2(
    foreground: Annotated[Path, typer.Argument(help="A foreground, as a training set has it.")],
    alpha: Annotated[Path, typer.Argument(help="Its opacity.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The figure, a PNG file.")] = Path(
        "fig2.png"
    ),
    method: Annotated[
        SmoothingMethod,
        typer.Option(help="The exact minimiser, or the paper's Algorithm 2 or 1."),
    ] = "exact",
) -> None:
    """Show how smooth a foreground is before and after re-estimation, and where it is opaque."""
    _check_png(output, foreground, alpha)

    from lsamatting.figures.fig2 import fig2 as draw

    draw(foreground, alpha, output, method=method)
    say(f"{foreground} -> {output}")


@figure_app.command()
def fig3(
    image: Annotated[Path, typer.Argument(help="A picture.")],
    trimap: Annotated[Path, typer.Argument(help="Its trimap.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The figure, a PNG file.")] = Path(
        "fig3.png"
    ),
    threshold: Annotated[
        float, typer.Option(help="Error in opacity from which a boundary pixel is marked.")
    ] = 0.1,
    refine_steps: RefineStepsOption = None,
    refine_rate: RefineRateOption = None,
    refine_optimiser: RefineOptimiserOption = None,
    boundary: BoundaryOption = None,
    padding: PaddingOption = "window",
    weights: WeightsOption = DEFAULT_WEIGHTS,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    max_pixels: MaxPixelsOption = None,
) -> None:
    """Show which known boundary pixels an opacity contradicts, before and after refinement."""
    _check_png(output, image, trimap)

    from rich.progress import Progress

    from lsamatting.cli.techniques import refine_options
    from lsamatting.figures.fig3 import fig3 as draw
    from lsamatting.images import DEFAULT_MAX_PIXELS, read_picture
    from lsamatting.matting import Matting
    from lsamatting.threads import limit_threads
    from lsamatting.trimap import Trimap

    options: RefinementOptions | None = refine_options(
        True,
        steps=refine_steps,
        rate=refine_rate,
        optimiser=refine_optimiser,
        boundary=boundary,
        padding=padding,
    )
    if threads is not None:
        limit_threads(threads)
    limit = max_pixels or DEFAULT_MAX_PIXELS
    picture = read_picture(image, max_pixels=limit)
    marks = Trimap.read(trimap, max_pixels=limit, **trimap_thresholds(padding))
    marks.check_size(picture.samples.shape[:2], str(image), called=str(trimap))
    for note in marks.warnings:
        warn(f"{trimap}: {note}")
    model = Matting.from_pretrained(weights, runtime="torch", device=device)
    with Progress(console=stderr_console(), transient=True) as progress:
        bar = progress.add_task("steps", total=None)
        before, after = draw(
            model.runtime,
            picture.visible(),
            marks.values,
            output,
            padding=padding,
            boundary=boundary or "paper",
            options=options,
            threshold=threshold,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    say(f"{image} -> {output} ({before.count} violated boundary pixels became {after.count})")


def _check_png(output: Path, *inputs: Path) -> None:
    """Refuse, before anything is computed, a file that cannot or should not be written."""
    from lsamatting.cli.outputs import refuse_replacing

    if output.suffix.lower() != ".png":
        raise ConfigError(f"{output}: a figure is a PNG file; accepted: a name in .png")
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"{output}: there is no folder {output.parent}")
    refuse_replacing([output], inputs)
