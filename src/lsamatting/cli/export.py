"""`lsamatting export`: weights as an ONNX file, or the graph that lies beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lsamatting.choices import OnnxNumbers
from lsamatting.cli.console import say
from lsamatting.errors import ConfigError
from lsamatting.extras import require
from lsamatting.weights import DEFAULT_WEIGHTS


def export(
    output: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    weights: Annotated[
        str, typer.Option(help="Bundled name, folder, or Hugging Face repository (owner/name).")
    ] = DEFAULT_WEIGHTS,
    numbers: Annotated[
        OnnxNumbers,
        typer.Option(help="Number format: exact, half the size, or a quarter (needs --examples)."),
    ] = "float32",
    examples: Annotated[
        Path | None,
        typer.Option(
            help="With --numbers int8: a test set, as for evaluate, whose pictures give the "
            "ranges of features."
        ),
    ] = None,
    graph_only: Annotated[
        bool,
        typer.Option(
            "--graph-only",
            help="Write what is computed without the numbers, to lie beside model.safetensors as "
            "graph.onnx.",
        ),
    ] = False,
) -> None:
    """Write weights as an ONNX file, which runs without PyTorch (extra: export).

    A file is checked against PyTorch on six sizes before it is there.
    """
    require("export", "exporting")
    if output.suffix != ".onnx":
        raise ConfigError(f"{output}: accepted is a name in .onnx")
    if not output.parent.is_dir():
        raise ConfigError(f"{output}: there is no folder {output.parent}")
    if output.is_dir():
        raise ConfigError(f"{output}: is a folder; a file name is needed")
    if (examples is not None) != (numbers == "int8"):
        raise ConfigError("--examples and --numbers int8 go together")
    if graph_only and numbers != "float32":
        raise ConfigError("--graph-only writes no numbers: --numbers does not go with it")

    from lsamatting.cli.outputs import check_can_be_made
    from lsamatting.network.files import (
        GRAPH_FILE,
        WEIGHTS_FILE,
        find_weights,
        is_graph,
        read_config,
    )

    folder = find_weights(weights)
    if is_graph(folder):
        raise ConfigError(f"{folder}: is an ONNX file already; accepted: a weights folder")
    if output.resolve() == (folder / GRAPH_FILE).resolve() and not graph_only:
        raise ConfigError(
            f"{output}: stands for the graph beside {folder / WEIGHTS_FILE}; it is written with "
            "--graph-only"
        )
    check_can_be_made(output.parent)
    if graph_only:
        from lsamatting.export.graph import OPSET, build_graph
        from lsamatting.replacing import replacing

        graph = build_graph(read_config(folder)).SerializeToString(deterministic=True)
        with _telling(output), replacing(output) as temporary:
            temporary.write_bytes(graph)
        say(f"{weights} -> {output} (graph, opset {OPSET}, {len(graph) / 1e3:.0f} kB)")
        return

    from lsamatting.export.examples import read_examples
    from lsamatting.export.export import export_onnx

    laid = () if examples is None else read_examples(examples, read_config(folder))
    with _telling(output):
        written = export_onnx(folder, output, name=weights, numbers=numbers, examples=laid)
    size = f"opset {written.opset}, {numbers}, {written.bytes / 1e6:.1f} MB"
    say(f"{weights} -> {output} ({size})")
    for (height, width), difference in written.differences.items():
        say(f"differs from PyTorch by {difference:.1e} at most at {width}x{height}")


@contextmanager
def _telling(output: Path) -> Iterator[None]:
    """Say in words what the disk says."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{output}: cannot be written ({reason})") from None
