"""`lsamatting trimap`: trimaps from masks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import complain, say, warn
from lsamatting.cli.options import (
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
    from lsamatting.cli.outputs import (
        destination,
        folders_to_make,
        make_folder,
        refuse_replacing,
        refuse_twice,
    )
    from lsamatting.cli.pairing import Found, pair_up, search
    from lsamatting.images import DEFAULT_MAX_PIXELS, read_picture
    from lsamatting.picture_files import check_destination
    from lsamatting.trimap import Trimap, check_format

    limit = max_pixels or DEFAULT_MAX_PIXELS
    seen_with: dict[Path, Path] = {}
    unpaired: list[tuple[Path, str]] = []
    if image is None:
        looked = search(masks, recursive=recursive, leave_out=[output])
        found, skipped, batch = looked.found, looked.skipped, looked.batch
    else:
        pairing = pair_up(masks, image, recursive=recursive, leave_out=[output])
        found = [Found(pair.image, pair.name) for pair in pairing.pairs]
        seen_with = {pair.image: pair.guide for pair in pairing.pairs}
        skipped, batch, unpaired = pairing.skipped, pairing.batch, pairing.unpaired
    outputs = [destination("--output", output, item.name, batch=batch) for item in found]
    refuse_replacing(outputs, [*(item.path for item in found), *seen_with.values()])
    refuse_twice(outputs)
    for path in outputs:
        if path != STREAM:
            check_destination(path, parent_exists=path == output)
            check_format(path)
    for folder in folders_to_make((output, path) for path in outputs):
        make_folder(folder)
    for _, problem in unpaired:
        complain(problem)
    failed = len(unpaired)
    for item, path in zip(found, outputs, strict=True):
        seen = seen_with.get(item.path)
        try:
            made = Trimap.from_mask(
                readable(item.path),
                image=None if seen is None else read_picture(seen, max_pixels=limit).visible(),
                erode=erode,
                dilate=dilate,
                max_pixels=limit,
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
    for path, reason in skipped:
        say(f"{path}: skipped, {reason}")
    if failed:
        raise typer.Exit(2)
