"""`lsamatting`: the commands put together."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from lsamatting import __version__
from lsamatting.cli.console import complain
from lsamatting.cli.program import USER_ERROR, run_program
from lsamatting.memory import keep_freed_memory

COMMANDS = (
    "matte",
    "batch",
    "trimap",
    "refine-foreground",
    "evaluate",
    "compare",
    "convert",
    "export",
    "info",
    "demo",
    "serve",
    "train",
)
"""Each is the function of its name, in the module of its name."""

GROUPS = ("data", "figure")
"""Each is the `…_app` of its name, in the module of its name."""

_PASSES_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""How a command leaves its arguments to another program."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lsamatting {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass


def assemble(*names: str) -> typer.Typer:
    """Put the program together, of some commands or groups: to build all takes a while."""
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
    app.callback()(_root)
    for name in names:
        identifier = name.replace("-", "_")
        module = import_module(f"lsamatting.cli.{identifier}")
        if name in GROUPS:
            app.add_typer(getattr(module, f"{identifier}_app"), name=name)
        else:
            settings = _PASSES_ON if name == "train" else None
            app.command(name, context_settings=settings)(getattr(module, identifier))
    return app


def _empty(args: list[str]) -> str | None:
    """Name the argument that is empty, as an unset variable of the shell leaves it; None if none.

    A path that is empty would be taken for the current folder. Settings of trainings may be empty.
    """
    if args[:1] == ["train"]:
        return None
    for before, arg in zip(["", *args], args, strict=False):
        if arg.startswith("--") and arg.find("=") == len(arg) - 1:
            return arg[:-1]
        if not arg:
            return before if before.startswith("-") and len(before) > 1 else "an argument"
    return None


def main(args: list[str]) -> int:
    """Run one command; give the exit code, as `run_program` does."""
    if (empty := _empty(args)) is not None:
        complain(f"{empty} is empty: give a value, or leave it out")
        return USER_ERROR
    every = (*COMMANDS, *GROUPS)
    app = assemble(*args[:1]) if args and args[0] in every else assemble(*every)
    return run_program(app, args, name="lsamatting")


def run() -> None:
    """Be the program `lsamatting`."""
    keep_freed_memory()
    sys.exit(main(sys.argv[1:]))
