"""`lsamatting data`: make data to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say

data_app = typer.Typer(help="Data to train on.", no_args_is_help=True)


_SEVERAL = ("--photos", "--cutouts", "--kinds")
_SINGLE = ("--count", "--seed", "--workers")


def repeat_options(args: list[str]) -> list[str]:
    """Turn `OUT --photos A B` into `OUT --photos A --photos B`, which is what the parser reads.

    OUT may stand anywhere: if no argument stands by itself, it is the very last one.
    """
    places: list[tuple[str, int]] = []
    option, values = "", 0
    for argument in args:
        if argument.startswith("-"):
            option, values = argument, 0
        elif option in _SINGLE and values:
            option = ""
        values += not argument.startswith("-")
        places.append((option, values))
    alone = any(values and option not in (*_SEVERAL, *_SINGLE) for option, values in places)
    repeated: list[str] = []
    for index, (argument, (option, values)) in enumerate(zip(args, places, strict=True)):
        last = index == len(args) - 1
        if option in _SEVERAL and values > 1 and (alone or not last):
            repeated.append(option)
        repeated.append(argument)
    return repeated


@data_app.callback()
def _data() -> None:
    """Keep `synthesize` a command of its own, although it is the only one."""


@data_app.command()
def synthesize(
    out: Annotated[Path, typer.Argument(help="Folder of the dataset; a started one is continued.")],
    photos: Annotated[list[Path], typer.Option(help="Folders of photographs.")],
    count: Annotated[int, typer.Option(min=1, help="Number of mattes.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same dataset.")] = 0,
    cutouts: Annotated[
        list[Path] | None,
        typer.Option(help="Folders of RGBA cutouts to use as bodies."),
    ] = None,
    kinds: Annotated[list[str] | None, typer.Option(help="Only these kinds.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per processor if not given.")
    ] = None,
) -> None:
    """Render procedural mattes.

    OUT receives fg/, alpha/ and bg/, as `train` reads them, and a contact sheet.
    """
    from lsamatting.data.synthesis.dataset import synthesize_dataset

    synthesize_dataset(
        out,
        count=count,
        seed=seed,
        photos=photos,
        cutouts=cutouts or [],
        workers=workers,
        kinds=kinds,
    )
    say(f"{count} mattes in {out}; look at {out / 'contact_sheet.jpg'}")
