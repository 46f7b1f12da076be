"""`lsamatting data render`: mattes that a path tracer draws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say
from lsamatting.cli.options import DatasetArgument, KindsOption, PhotosOption, SeedOption
from lsamatting.data.held_out import Part
from lsamatting.stop_signal import stop_signal_as_interrupt


def render(
    out: DatasetArgument,
    photos: PhotosOption,
    count: Annotated[int, typer.Option(min=1, help="Number of mattes.")] = 200,
    seed: SeedOption = 0,
    kinds: KindsOption = None,
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
    # Blender, in a process of its own, would go on.
    with stop_signal_as_interrupt():
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
