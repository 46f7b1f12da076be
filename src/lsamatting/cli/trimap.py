"""`lsamatting trimap`: trimaps from masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import complain, say, warn
from lsamatting.cli.options import (
    DEFAULT_BAND,
    DilateOption,
    ErodeOption,
    MaxPixelsOption,
    RecursiveOption,
)
from lsamatting.cli.streams import STREAM, named, readable, writable
from lsamatting.errors import LsamattingError


def trimap(
    masks: Annotated[
        list[Path],
        typer.Argument(
            metavar="MASK...",
            help="Hard or soft masks, or folders of them: segmentations, or the cutouts of a "
            "background remover. - reads standard input.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The trimap, a grey picture; for several masks a folder; - writes PNG to standard "
            "output.",
        ),
    ],
    erode: ErodeOption = None,
    dilate: DilateOption = None,
    recursive: RecursiveOption = False,
    max_pixels: MaxPixelsOption = None,
) -> None:
    """Make trimaps from masks: a band along their edges becomes unknown."""
    from lsamatting.cli.outputs import (
        check_can_be_made,
        destination,
        make_folder,
        refuse_replacing,
        refuse_twice,
    )
    from lsamatting.cli.pairing import search
    from lsamatting.images import DEFAULT_MAX_PIXELS, check_destination
    from lsamatting.trimap import Trimap, check_format

    looked = search(masks, recursive=recursive, leave_out=[output])
    batch = looked.batch
    outputs = [destination("--output", output, item.name, batch=batch) for item in looked.found]
    refuse_replacing(outputs, [item.path for item in looked.found])
    refuse_twice(outputs)
    for path in outputs:
        if path != STREAM:
            check_destination(path, parent_exists=not batch)
            check_format(path)
    if batch:
        folders = {path.parent for path in outputs}
        for folder in folders:
            check_can_be_made(folder)
        for folder in folders:
            make_folder(folder)
    failed = 0
    for item, path in zip(looked.found, outputs, strict=True):
        try:
            made = Trimap.from_mask(
                readable(item.path),
                erode=DEFAULT_BAND if erode is None else erode,
                dilate=DEFAULT_BAND if dilate is None else dilate,
                max_pixels=max_pixels or DEFAULT_MAX_PIXELS,
            )
            target, suffix = writable(path)
            made.write(target, suffix=suffix)
        except LsamattingError as error:
            if not batch:
                raise
            complain(str(error))
            failed += 1
            continue
        for warning in made.warnings:
            warn(f"{named(item.path)}: {warning}")
        if path != STREAM:
            say(f"{named(item.path)} -> {path} ({made.describe()})")
    for path, reason in looked.skipped:
        say(f"{path}: skipped, {reason}")
    if failed:
        raise typer.Exit(2)
