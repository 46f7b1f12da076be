"""`lsamatting trimap`: a trimap from a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say, warn
from lsamatting.cli.options import DEFAULT_BAND, DilateOption, ErodeOption, MaxPixelsOption
from lsamatting.errors import ConfigError


def trimap(
    mask: Annotated[
        Path,
        typer.Argument(
            help="A hard or soft mask: a segmentation, or the cutout of a background remover."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The trimap, a grey picture.")],
    erode: ErodeOption = None,
    dilate: DilateOption = None,
    max_pixels: MaxPixelsOption = None,
) -> None:
    """Make a trimap from a mask: a band along its edge becomes unknown."""
    from lsamatting.images import DEFAULT_MAX_PIXELS, check_destination, read_grey
    from lsamatting.trimap import Trimap

    check_destination(output)
    if output.resolve() == mask.resolve():
        raise ConfigError(f"{output}: would replace the mask; choose another file")
    values, _ = read_grey(mask, max_pixels=max_pixels or DEFAULT_MAX_PIXELS)
    made = Trimap.from_mask(
        values,
        erode=DEFAULT_BAND if erode is None else erode,
        dilate=DEFAULT_BAND if dilate is None else dilate,
    )
    made.write(output)
    for warning in made.warnings:
        warn(f"{mask}: {warning}")
    say(f"{mask} -> {output} ({made.describe()})")
