"""`python -m reproduce`: the paper's ablation tables, trained and measured here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.cli.console import complain, complain_unexpected, say, stderr_console
from lsamatting.cli.options import DeviceOption
from lsamatting.cli.program import run_program
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.extras import require

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def reproduce(
    grid: Annotated[
        Path, typer.Argument(metavar="GRID.yaml", help="The rows, as configs/ablation.yaml.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of everything; a started one is continued."),
    ],
    rows: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[,NAME…]", help="Only these rows; may be given repeatedly."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A path of the grid (train=/data/AIM) or a setting of all trainings "
            "(data.workers=16); may be given repeatedly.",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW=WEIGHTS",
            help="Evaluate these weights in that row instead of training; may be given repeatedly.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say what would be done, and stop.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Train and evaluate the rows of ablation tables (extra: train).

    Prints the tables beside the published figures. The same command continues what was
    interrupted and adds rows that are missing.
    """
    require("train", "ablations")
    from reproduce.plan import make_plan
    from reproduce.reading import read_grid

    declared = read_grid(grid, changes=_pairs("--set", set_), weights=_pairs("--weights", weights))
    names = [name for several in rows or [] for name in several.split(",")]
    plan = make_plan(declared, output, names)

    from reproduce import table
    from reproduce.checks import check
    from reproduce.run import figures, run

    check(plan)
    if dry_run:
        for line in plan.describe():
            say(line)
        return

    console = stderr_console()
    codes = {0}

    def fail(row: str, error: Exception) -> None:
        if isinstance(error, LsamattingError):
            complain(f"row {row}: {error}", console)
            codes.add(2)
        else:
            console.print(f"row {row}:", style="red")
            complain_unexpected(error, console)
            codes.add(1)

    def tell(line: str) -> None:
        console.print(line, markup=False)

    run(plan, device=device, say=tell, on_failure=fail)
    say(table.as_text(declared, figures(plan)).rstrip())
    tell(f"Markdown: {output / 'table.md'}")
    # An error that is no user's is the graver one.
    code = 1 if 1 in codes else max(codes)
    if code:
        raise typer.Exit(code)


def main(args: list[str]) -> int:
    """Run the command; give the exit code, as `run_program` does."""
    return run_program(app, args, name="python -m reproduce")


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise ConfigError(f"{option} {text}: accepted is a name, =, and a value")
        pairs[key] = value
    return pairs
