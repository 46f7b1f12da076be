"""`lsamatting data`: make data to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say
from lsamatting.data.held_out import Part

data_app = typer.Typer(help="Data to train on.", no_args_is_help=True)


_SEVERAL = ("--photos", "--cutouts", "--kinds")
_SINGLE = ("--count", "--seed", "--workers", "--part")


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
    part: Annotated[
        Part, typer.Option(help="Photographs and cutouts to take: one name in eight is held out.")
    ] = "all",
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
        part=part,
    )
    say(f"{count} mattes in {out}; look at {out / 'contact_sheet.jpg'}")


@data_app.command()
def composite(
    out: Annotated[
        Path, typer.Argument(help="Folder of the test set; a started one is continued.")
    ],
    foregrounds: Annotated[Path, typer.Option(help="Folder of the test foregrounds.")],
    alphas: Annotated[Path, typer.Option(help="Folder of their alphas, of the same names.")],
    backgrounds: Annotated[
        Path, typer.Option(help="Folder of the backgrounds (PASCAL VOC's JPEGImages).")
    ],
    fg_names: Annotated[
        Path, typer.Option(help="Adobe's list of foregrounds (test_fg_names.txt), one a line.")
    ],
    bg_names: Annotated[
        Path, typer.Option(help="Adobe's list of backgrounds (test_bg_names.txt), one a line.")
    ],
    trimaps: Annotated[
        Path | None, typer.Option(help="Folder of the trimaps, one per composite, to copy.")
    ] = None,
    per_foreground: Annotated[
        int, typer.Option(min=1, help="Backgrounds per foreground; 100 in the training set.")
    ] = 20,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per processor if not given.")
    ] = None,
) -> None:
    """Compose Composition-1k as Adobe's script does.

    OUT receives merged/, alpha/ and, with --trimaps, trimaps/, as `evaluate` reads them.
    """
    from lsamatting.data.composition import Composition, compose_dataset, read_names

    composition = Composition(
        foregrounds=foregrounds,
        alphas=alphas,
        backgrounds=backgrounds,
        foreground_names=read_names(fg_names),
        background_names=read_names(bg_names),
        trimaps=trimaps,
        per_foreground=per_foreground,
    )
    made = compose_dataset(out, composition, workers=workers)
    say(
        f"{len(composition)} composites of {len(composition.foreground_names)} foregrounds in"
        f" {out} ({len(composition) - made} were there already); all sizes are right"
    )
