"""`lsamatting trimap`: trimaps from masks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from lsamatting.batch.addresses import STREAM, named
from lsamatting.cli.console import complain, say, warn
from lsamatting.cli.options import (
    DilateOption,
    ErodeOption,
    MaxPixelsOption,
    RecursiveOption,
)
from lsamatting.errors import LsamattingError

if TYPE_CHECKING:
    from lsamatting.trimap import Trimap


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
            help="The trimap, a grey picture; or a folder, as for several masks; - writes PNG to "
            "standard output.",
        ),
    ],
    image: Annotated[
        Path | None,
        typer.Option(
            help="The picture, or the folder of pictures named as the masks are: whiskers, hair "
            "and chains that it shows beyond a rough mask become unknown too."
        ),
    ] = None,
    erode: ErodeOption = None,
    dilate: DilateOption = None,
    recursive: RecursiveOption = False,
    max_pixels: MaxPixelsOption = None,
) -> None:
    """Make trimaps from masks: a band along their edges becomes unknown."""
    from lsamatting.batch.addresses import fetch, save
    from lsamatting.batch.pairing import Found, pair_up, search
    from lsamatting.cli.outputs import (
        destination,
        folders_to_make,
        make_folder,
        refuse_replacing,
        refuse_twice,
    )
    from lsamatting.images import DEFAULT_MAX_PIXELS
    from lsamatting.picture_files import check_destination
    from lsamatting.trimap import Trimap, check_format

    limit = max_pixels or DEFAULT_MAX_PIXELS
    seen_with: dict[str, str] = {}
    unpaired: list[tuple[str, str]] = []
    if image is None:
        looked = search(masks, recursive=recursive, leave_out=[output])
        found, skipped, batch = looked.found, looked.skipped, looked.batch
    else:
        pairing = pair_up(masks, image, recursive=recursive, leave_out=[output])
        found = [Found(pair.image, pair.name) for pair in pairing.pairs]
        seen_with = {pair.image: pair.guide for pair in pairing.pairs}
        skipped, batch, unpaired = pairing.skipped, pairing.batch, pairing.unpaired
    outputs = [destination("--output", output, item.name, batch=batch) for item in found]
    refuse_replacing(outputs, [*(item.address for item in found), *seen_with.values()])
    refuse_twice(outputs)
    for path in outputs:
        if str(path) != STREAM:
            check_destination(path, parent_exists=path == output)
            check_format(path)
    for folder in folders_to_make((output, path) for path in outputs):
        make_folder(folder)
    for _, problem in unpaired:
        complain(problem)
    failed = len(unpaired)
    for item, path in zip(found, outputs, strict=True):
        seen = seen_with.get(item.address)
        try:
            made = Trimap.from_mask(
                fetch(item.address).source,
                image=seen,
                erode=erode,
                dilate=dilate,
                max_pixels=limit,
            )
            save(str(path), partial(_write, made))
        except LsamattingError as error:
            if not batch:
                raise
            complain(str(error))
            failed += 1
            continue
        for warning in made.warnings:
            warn(f"{named(item.address)}: {warning}")
        if str(path) != STREAM:
            say(f"{named(item.address)} -> {path} ({made.describe()})")
    for file, reason in skipped:
        say(f"{file}: skipped, {reason}")
    if failed:
        raise typer.Exit(2)


def _write(made: Trimap, target: Path | BinaryIO, suffix: str | None) -> None:
    made.write(target, suffix=suffix)
