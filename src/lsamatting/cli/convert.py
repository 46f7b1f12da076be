"""`lsamatting convert`: one of the authors' checkpoints in, a weights folder out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.extras import require


def convert(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT", help="The authors' checkpoint, a file that PyTorch saved."
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(metavar="OUT_DIR", help="Folder for config.json and model.safetensors."),
    ],
    half: Annotated[
        bool, typer.Option("--half", help="Store float16: half the size, no longer their digits.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that holds files already.")
    ] = False,
) -> None:
    """Convert a checkpoint of the paper's authors to weights for all other commands."""
    require("torch", "converting checkpoints")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: not a folder; choose another name")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise ConfigError(f"{folder}: not empty; --overwrite writes into it all the same")

    from safetensors import SafetensorError

    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.network.authors_checkpoint import authors_key, read_authors_checkpoint
    from lsamatting.network.files import CONFIG_FILE, WEIGHTS_FILE

    refuse_replacing([folder / CONFIG_FILE, folder / WEIGHTS_FILE], [checkpoint])
    read = read_authors_checkpoint(checkpoint)
    if half and (name := read.network.beyond_half()):
        raise WeightsError(
            f"{checkpoint}: {authors_key(name)} has values beyond 65504, the largest of float16, "
            "which --half cannot hold"
        )
    try:
        read.network.save_pretrained(folder, half=half)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{folder}: cannot be written ({error})") from error
    epoch = "" if read.epoch is None else f"epoch {read.epoch}, "
    size = f"{read.tensors} tensors, {read.parameters / 1e6:.1f} million parameters"
    say(f"{checkpoint} -> {folder} ({epoch}{size}, {'float16' if half else 'float32'})")
    say(
        "as the authors run it: lsamatting matte PHOTO TRIMAP -o ALPHA "
        f"--weights {shlex.quote(str(folder))} --padding published --tta"
    )
    say("with refinement: --refine --boundary published")
