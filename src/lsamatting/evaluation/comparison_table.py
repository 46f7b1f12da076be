"""A comparison as a table: text for reading, Markdown and LaTeX for papers, CSV for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence

from lsamatting.choices import TableFormat
from lsamatting.evaluation.bootstrap import LEVEL
from lsamatting.evaluation.comparison import Comparison, Difference
from lsamatting.evaluation.published_results import PublishedRow, PublishedTable
from lsamatting.text_table import align, column_widths

MEASURED = "measured"
"""What `source` says of our own rows in a CSV file."""

_DIGITS = {"MSE": 5, "MAD": 5}
_USUAL_DIGITS = 3
_ABSENT = "–"
_SIGNED = re.compile(r"[+-][\d.]+")
_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def format_comparison(
    comparison: Comparison, *, style: TableFormat = "text", published: PublishedTable | None = None
) -> str:
    """Print a comparison.

    Every method has a row of means and, but for the first, a row of differences to the first with
    their intervals; in CSV these are columns, at full precision. An asterisk marks an interval that
    leaves out 0.

    Parameters
    ----------
    comparison
        From `lsamatting.evaluation.comparison.compare`.
    style
        ``text``, ``markdown``, ``latex`` (of the package booktabs) or ``csv``.
    published
        A table to print below, marked as published figures, not ours.

    Returns
    -------
    str
        Lines, each with its end.
    """
    return _WRITERS[style](comparison, published)


def _text(comparison: Comparison, published: PublishedTable | None) -> str:
    head = ["", *comparison.measures]
    measured = _measured_cells(comparison)
    theirs: list[list[str]] = []
    if published is not None:
        theirs = [_published_cells(row, comparison.measures) for row in published.rows]
    widths = column_widths([head, *measured, *theirs])
    rule = ["-" * (sum(widths) + 2 * (len(widths) - 1))]
    lines = [head, rule, *measured]
    if published is not None:
        lines += [rule, [f"{published.title}:"], *theirs]
    return "\n".join([*align(lines), "", *_notes(comparison, published)]) + "\n"


def _markdown(comparison: Comparison, published: PublishedTable | None) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    measures = comparison.measures
    printed = [line(["", *measures]), line(["---", *["---:"] * len(measures)])]
    printed += [line([_escape_stars(cell) for cell in row]) for row in _measured_cells(comparison)]
    if published is not None:
        printed.append(line([f"**{published.title}**", *[""] * len(measures)]))
        printed += [line(_published_cells(row, measures)) for row in published.rows]
    return "\n".join([*printed, "", *map(_escape_stars, _notes(comparison, published))]) + "\n"


def _escape_stars(text: str) -> str:
    return text.replace("*", "\\*")


def _latex(comparison: Comparison, published: PublishedTable | None) -> str:
    def line(cells: Sequence[str]) -> str:
        method, *figures = cells
        # Behind a \\, a bracket or star at a line's start would be taken for its argument.
        start = "{}" if method.startswith(("[", "*")) else ""
        numbers = (_SIGNED.sub(r"$\g<0>$", figure) for figure in figures)
        return f"  {start}{' & '.join([_escape_latex(method), *numbers])} \\\\"

    measures = comparison.measures
    printed = [rf"\begin{{tabular}}{{l{'r' * len(measures)}}}", r"  \toprule"]
    printed += [line(["", *measures]), r"  \midrule"]
    printed += [line(row) for row in _measured_cells(comparison)]
    if published is not None:
        title = _escape_latex(published.title)
        printed += [
            r"  \midrule",
            rf"  \multicolumn{{{len(measures) + 1}}}{{l}}{{\emph{{{title}}}}} \\",
            *(line(_published_cells(row, measures)) for row in published.rows),
        ]
    printed += [r"  \bottomrule", r"\end{tabular}"]
    comments = [f"% {note}" for note in (*_notes(comparison, published), "Needs booktabs.")]
    return "\n".join([*comments, *printed]) + "\n"


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _csv(comparison: Comparison, published: PublishedTable | None) -> str:
    statistics = ("", " difference", " low", " high")
    columns = ["method", "source", "dataset", "pictures"]
    columns += [measure + what for measure in comparison.measures for what in statistics]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in comparison.rows:
        values: dict[str, object] = {
            "method": row.method,
            "source": MEASURED,
            "dataset": comparison.dataset,
            "pictures": comparison.pictures,
            **row.means,
        }
        for measure, difference in row.differences.items():
            values[f"{measure} difference"] = difference.mean
            values[f"{measure} low"] = difference.low
            values[f"{measure} high"] = difference.high
        writer.writerow(values)
    if published is not None:
        for theirs in published.rows:
            kept = {m: f for m, f in theirs.figures.items() if m in comparison.measures}
            writer.writerow(
                {
                    "method": theirs.method,
                    "source": published.title,
                    "dataset": published.dataset,
                    "pictures": published.pictures,
                    **kept,
                }
            )
    return stream.getvalue()


_WRITERS: dict[TableFormat, Callable[[Comparison, PublishedTable | None], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": _latex,
    "csv": _csv,
}


def _measured_cells(comparison: Comparison) -> list[list[str]]:
    """Give the lines of our own methods: means, and differences below them."""
    lines = []
    for row in comparison.rows:
        lines.append([row.method, *(_number(m, row.means[m]) for m in comparison.measures)])
        if row.differences:
            cells = [_difference(m, row.differences[m]) for m in comparison.measures]
            lines.append([f"difference to {comparison.rows[0].method}", *cells])
    return lines


def _published_cells(row: PublishedRow, measures: Sequence[str]) -> list[str]:
    return [row.method, *(row.figures.get(measure, _ABSENT) for measure in measures)]


def _number(measure: str, value: float, sign: str = "") -> str:
    return f"{value:{sign}.{_DIGITS.get(measure, _USUAL_DIGITS)}f}"


def _difference(measure: str, difference: Difference) -> str:
    low, high = (_number(measure, bound, "+") for bound in (difference.low, difference.high))
    mark = "*" if difference.is_clear else ""
    return f"{_number(measure, difference.mean, '+')} [{low}, {high}]{mark}"


def _notes(comparison: Comparison, published: PublishedTable | None) -> list[str]:
    """Say what the figures are of."""
    ours = f"{comparison.dataset} ({comparison.layout}, {comparison.pictures} pictures)"
    notes = [f"Means over {ours}; lower is better."]
    if comparison.left_out:
        whole = comparison.pictures + comparison.left_out
        notes.append(
            f"Left out: {comparison.left_out} of {whole} pictures, which not all results have."
        )
    if len(comparison.rows) > 1:
        drawn = "pictures"
        if comparison.foregrounds < comparison.pictures:
            drawn = f"{comparison.foregrounds} foregrounds"
        notes.append(
            f"[low, high]: {LEVEL:.0%} paired bootstrap over the {drawn} (percentiles of"
            f" {comparison.samples} samples, seed {comparison.seed}); * leaves out 0."
        )
    if published is not None:
        notes.append(
            f"{published.title[0].upper()}{published.title[1:]}: {published.source};"
            f" {published.pictures} pictures."
        )
        if (comparison.layout, comparison.pictures) != (published.layout, published.pictures):
            notes.append(
                f"They are for {published.dataset}; the rows above are for {ours}: not comparable."
            )
    return notes
