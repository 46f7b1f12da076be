"""`lsamatting compare`: results of several methods in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.choices import TableFormat
from lsamatting.cli.console import say
from lsamatting.errors import ConfigError

_BY_SUFFIX: dict[str, TableFormat] = {
    ".txt": "text",
    ".md": "markdown",
    ".tex": "latex",
    ".csv": "csv",
}


def compare(
    results: Annotated[
        list[Path], typer.Argument(help="Results of `evaluate`; the first is compared with.")
    ],
    format: Annotated[
        TableFormat | None,
        typer.Option(help="By default as the suffix of --output says (.txt .md .tex .csv) [text]."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file instead.")
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(help="What to call the methods: A,B,... in the order of the files."),
    ] = None,
    common: Annotated[
        bool, typer.Option("--common", help="Only the pictures that all files have.")
    ] = False,
    mad: Annotated[bool, typer.Option("--mad", help="Add the mean absolute difference.")] = False,
    paper: Annotated[
        bool, typer.Option("--paper", help="Add the paper's Table 2: published figures, not ours.")
    ] = False,
    samples: Annotated[int, typer.Option(min=2, help="Samples of the bootstrap.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same intervals.")] = 0,
) -> None:
    """Compare methods on the same pictures: means, differences and how far to trust them."""
    from lsamatting.cli.outputs import refuse_replacing
    from lsamatting.evaluation.comparison import PAPER_MEASURES, compare
    from lsamatting.evaluation.comparison_table import format_comparison
    from lsamatting.evaluation.published_results import TABLE_2
    from lsamatting.evaluation.records import read_records
    from lsamatting.replacing import replacing

    if format is None:
        format = _BY_SUFFIX.get(output.suffix.lower()) if output else "text"
    if format is None:
        raise ConfigError(
            f"{output}: unknown file type (accepted: {', '.join(_BY_SUFFIX)}); or give --format"
        )
    if output is not None:
        refuse_replacing([output], results)
    comparison = compare(
        [read_records(path) for path in results],
        names=None if names is None else [name.strip() for name in names.split(",")],
        measures=(*PAPER_MEASURES, "MAD") if mad else PAPER_MEASURES,
        common=common,
        samples=samples,
        seed=seed,
    )
    table = format_comparison(comparison, style=format, published=TABLE_2 if paper else None)
    if output is None:
        say(table.rstrip("\n"))
        return
    try:
        with replacing(output) as temporary:
            temporary.write_text(table, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error.strerror})") from None
    say(f"{len(results)} methods on {comparison.pictures} pictures -> {output}")
