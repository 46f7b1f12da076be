"""`lsamatting data`: make data to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say
from lsamatting.cli.options import DatasetArgument, KindsOption, PhotosOption, SeedOption
from lsamatting.cli.render import render
from lsamatting.data.held_out import Part

data_app = typer.Typer(help="Data to train on.", no_args_is_help=True)
data_app.command()(render)


@data_app.command()
def synthesize(
    out: DatasetArgument,
    photos: PhotosOption,
    count: Annotated[int, typer.Option(min=1, help="Number of mattes.")] = 2000,
    seed: SeedOption = 0,
    cutouts: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of RGBA cutouts to use as bodies; may be given repeatedly."),
    ] = None,
    kinds: KindsOption = None,
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
    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.data.synthesis.dataset import synthesize_dataset

    made = [out, *(out / name for name in ("fg", "alpha", "bg"))]
    refuse_replacing(made, [*photos, *(cutouts or [])])

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
    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.data.composition import Composition, compose_dataset, read_names

    refuse_replacing(
        [out, *(out / name for name in ("merged", "alpha", "trimaps"))],
        [foregrounds, alphas, backgrounds, trimaps],
    )

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


@data_app.command()
def extract(
    out: Annotated[
        Path, typer.Argument(help="Folder of the foregrounds; a started one is continued.")
    ],
    subjects: Annotated[
        Path,
        typer.Option("--list", help="Where the subjects are, as configs/photo_cutouts.toml."),
    ],
    photos: Annotated[
        list[Path], typer.Option(help="A folder of photographs; may be given repeatedly.")
    ],
) -> None:
    """Cut subjects out of photographs.

    OUT receives fg/ and alpha/, as `train` mixes them in, named after the photographs.
    """
    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.data.extraction.extract import extract_dataset
    from lsamatting.data.extraction.subjects import read_subjects

    refuse_replacing([out, out / "fg", out / "alpha"], photos)
    listed = read_subjects(subjects)
    made = extract_dataset(out, listed, photos)
    say(f"{len(listed)} foregrounds in {out} ({len(listed) - made} were there already)")


@data_app.command()
def wide(
    out: Annotated[
        Path, typer.Argument(help="Folder of the test set; a started one is continued.")
    ],
    photos: Annotated[
        list[Path], typer.Option(help="A folder of photographs; may be given repeatedly.")
    ],
    foregrounds: Annotated[
        list[Path] | None,
        typer.Option(help="A folder with fg/ and alpha/; may be given repeatedly."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Number of composites.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same set.")] = 0,
) -> None:
    """Compose a test set of large pictures with wide and painted trimaps.

    It takes only pictures that are held out by their names, and so never trained on with
    --data.part training. OUT receives image/, alpha/ and trimap/, as `evaluate` reads them.
    """
    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.data.wide_set import WideSet, make_wide_set

    read = [folder / name for folder in foregrounds or [] for name in ("fg", "alpha")]
    made_folders = [out, *(out / name for name in ("image", "alpha", "trimap"))]
    refuse_replacing(made_folders, [*photos, *read])

    recipe = WideSet(seed, tuple(photos), tuple(foregrounds or ()))
    made = make_wide_set(out, recipe, count=count)
    there = sum(1 for _ in (out / "trimap").glob("*.png"))
    say(f"{there} composites in {out} ({there - made} were there already)")
