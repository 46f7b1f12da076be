"""`lsamatting`: the commands put together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lsamatting import __version__
from lsamatting.cli.batch import batch
from lsamatting.cli.compare import compare
from lsamatting.cli.convert import convert
from lsamatting.cli.data import data_app
from lsamatting.cli.demo import demo
from lsamatting.cli.evaluate import evaluate
from lsamatting.cli.export import export
from lsamatting.cli.figure import figure_app
from lsamatting.cli.info import info
from lsamatting.cli.matte import matte
from lsamatting.cli.program import run_program
from lsamatting.cli.refine_foreground import refine_foreground
from lsamatting.cli.serve import serve
from lsamatting.cli.train import train
from lsamatting.cli.trimap import trimap
from lsamatting.memory import keep_freed_memory

app = typer.Typer(
    name="lsamatting",
    help="A matte from a photograph: the exact opacity of hair, fur and glass from a trimap.",
    no_args_is_help=True,
    add_completion=False,
    # Plain help: it starts in half the time of the framed one and is easier to read.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lsamatting {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass


app.command()(matte)
app.command()(batch)
app.command()(trimap)
app.command("refine-foreground")(refine_foreground)
app.command()(evaluate)
app.command()(compare)
app.command()(convert)
app.command()(export)
app.command()(info)
app.command()(demo)
app.command()(serve)
app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)(train)
app.add_typer(data_app, name="data")
app.add_typer(figure_app, name="figure")


def main(args: list[str]) -> int:
    """Run one command; give the exit code, as `run_program` does."""
    return run_program(app, args, name="lsamatting")


def run() -> None:
    """Be the program `lsamatting`."""
    keep_freed_memory()
    sys.exit(main(sys.argv[1:]))
