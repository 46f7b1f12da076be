from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from lsamatting.cli.spread import spread


@dataclass(frozen=True, kw_only=True)
class Size:
    width: Annotated[int, typer.Option(min=1, help="How wide.")] = 3
    flat: Annotated[bool, typer.Option("--flat/--round")] = True


@spread
def draw(
    name: str,
    size: Size,
    colour: Annotated[str, typer.Option()] = "red",
) -> None:
    """Draw something."""
    typer.echo(f"{name} {size} {colour}")


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(draw)
    return lambda *words: CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["box"], f"box {Size()} red"),
        (["box", "--width", "7", "--round"], f"box {Size(width=7, flat=False)} red"),
        (["--colour", "blue", "--width", "1", "box"], f"box {Size(width=1)} blue"),
    ],
)
def test_fields_are_options_and_arrive_as_one_parameter(run, words, printed):
    result = run(*words)
    assert (result.exit_code, result.stdout.strip()) == (0, printed)


def test_their_bounds_and_help_are_those_of_options(run):
    assert "How wide." in run("--help").stdout
    assert "Draw something." in run("--help").stdout
    assert run("box", "--width", "0").exit_code == 2
    assert run("box", "--size", "3").exit_code == 2
