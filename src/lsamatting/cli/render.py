"""`lsamatting data render`: mattes that a path tracer draws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say
from lsamatting.data.held_out import Part


def render(
    out: Annotated[Path, typer.Argument(help="Folder of the dataset; a started one is continued.")],
    photos: Annotated[
        list[Path], typer.Option(help="A folder of photographs; may be given repeatedly.")
    ],
    count: Annotated[int, typer.Option(min=1, help="Number of mattes.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same dataset.")] = 0,
    kinds: Annotated[
        list[str] | None, typer.Option(help="Only this kind; may be given repeatedly.")
    ] = None,
    part: Annotated[
        Part, typer.Option(help="Photographs to take: one name in eight is held out.")
    ] = "all",
    python: Annotated[
        Path | None, typer.Option(help="An interpreter that has bpy; this one if not given.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of the renderer; one per processor if not given.")
    ] = None,
) -> None:
    """Render hair, fur, feathers, plants and glass with Blender (extra: render).

    OUT receives fg/ and alpha/, as `train` mixes them in, and a contact sheet.
    """
    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.data.rendering.dataset import render_dataset

    refuse_replacing([out, out / "fg", out / "alpha"], photos)
    made = render_dataset(
        out,
        count=count,
        seed=seed,
        photos=photos,
        kinds=kinds,
        part=part,
        python=python,
        threads=threads,
    )
    say(
        f"{count} mattes in {out} ({count - made} were there already);"
        f" look at {out / 'contact_sheet.jpg'}"
    )
