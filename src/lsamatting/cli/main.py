"""`lsamatting`: the commands put together, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, TextIO

import typer

from lsamatting import __version__
from lsamatting.cli.ablate import ablate
from lsamatting.cli.compare import compare
from lsamatting.cli.console import complain, complain_unexpected, warn
from lsamatting.cli.convert import convert
from lsamatting.cli.data import data_app
from lsamatting.cli.demo import demo
from lsamatting.cli.evaluate import evaluate
from lsamatting.cli.figure import figure_app
from lsamatting.cli.info import info
from lsamatting.cli.matte import matte
from lsamatting.cli.refine_foreground import refine_foreground
from lsamatting.cli.serve import serve
from lsamatting.cli.train import train
from lsamatting.cli.trimap import trimap
from lsamatting.errors import LsamattingError, TrimapWarning
from lsamatting.memory import keep_freed_memory

DONE, UNEXPECTED, USER_ERROR = 0, 1, 2

_INTERRUPTED = 130
"""What typer makes of Ctrl-C; it is not one of our codes."""

_PACKAGE = Path(__file__).parents[1]

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
app.command()(trimap)
app.command("refine-foreground")(refine_foreground)
app.command()(evaluate)
app.command()(compare)
app.command()(ablate)
app.command()(convert)
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
    """Run one command.

    Returns
    -------
    int
        0 done, 2 the user's mistake (one line on stderr), 1 anything else.
    """
    # The hub's own retries and warnings would bury our one line.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    with warnings.catch_warnings():
        # Each command says once, in its own words, what is odd about a trimap.
        warnings.filterwarnings("ignore", category=TrimapWarning)
        warnings.showwarning = _show_warning
        return _run_app(args)


def _run_app(args: list[str]) -> int:
    try:
        app(args, prog_name="lsamatting")
    except SystemExit as stop:
        if isinstance(stop.code, int):
            if stop.code == _INTERRUPTED:
                complain("interrupted")
                return UNEXPECTED
            return stop.code
        if stop.code is None:
            return DONE
        complain(stop.code)
        return UNEXPECTED
    except LsamattingError as error:
        complain(str(error))
        return USER_ERROR
    except KeyboardInterrupt:
        complain("interrupted")
        return UNEXPECTED
    except Exception as error:
        complain_unexpected(error)
        return UNEXPECTED
    return DONE


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of ours as one line, and those of others as Python does."""
    if Path(filename).is_relative_to(_PACKAGE):
        warn(str(message))
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
        (file or sys.stderr).write(text)


def run() -> None:
    """Be the program `lsamatting`."""
    keep_freed_memory()
    sys.exit(main(sys.argv[1:]))
