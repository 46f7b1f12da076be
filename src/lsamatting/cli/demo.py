"""`lsamatting demo`: a photograph that comes with scikit-image, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import say
from lsamatting.cli.options import DeviceOption, ThreadsOption, WeightsOption
from lsamatting.extras import require
from lsamatting.weights import DEFAULT_WEIGHTS


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write into; made if missing.")
    ] = Path("demo-output"),
    weights: WeightsOption = DEFAULT_WEIGHTS,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Make the matte of an astronaut's portrait and say where the files are (extra: demo)."""
    require("demo", "the demo's photograph")

    import numpy as np
    from numpy.typing import NDArray
    from skimage import data

    from lsamatting.batch.job import Job
    from lsamatting.batch.recipe import Model, Recipe
    from lsamatting.batch.work import Work
    from lsamatting.cli.outputs import make_folder
    from lsamatting.demo import ASTRONAUT_TRIMAP
    from lsamatting.images import read_picture, write_picture
    from lsamatting.threads import limit_threads

    if threads is not None:
        limit_threads(threads)
    work = Work.of(Recipe(Model(weights, device)))
    make_folder(output)
    portrait: NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]
    photograph = output / "astronaut.png"
    write_picture(photograph, read_picture(portrait).pixels)
    files = {
        "alpha": output / "alpha.png",
        "cutout": output / "cutout.png",
        "overlay": output / "overlay.png",
    }
    outputs = {name: str(path) for name, path in files.items()}
    report = work.do(Job(str(photograph), str(ASTRONAUT_TRIMAP), outputs))
    say(f"photograph  {photograph}")
    say(f"trimap      {ASTRONAUT_TRIMAP}")
    for name, path in files.items():
        say(f"{name:<10}  {path}")
    seconds = report["seconds"]
    times = ", ".join(f"{name} {seconds[name]:.2f}" for name in seconds if name != "total")
    say(f"time        {seconds['total']:.2f} s ({times})")
