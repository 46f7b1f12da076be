"""Tables in plain text, for terminals."""

from __future__ import annotations

from collections.abc import Sequence


def align(rows: Sequence[Sequence[str]], *, labels: int = 1) -> list[str]:
    """Print cells in columns that are two spaces apart.

    Parameters
    ----------
    rows
        Cells, line by line. A line of one cell is a heading, which may reach over all columns; the
        others have the same number.
    labels
        So many columns, the first ones, are words and stand left; the others are figures and stand
        right.

    Returns
    -------
    list[str]
        The lines, without spaces at their ends.
    """
    widths = column_widths(rows)
    return [
        "  ".join(
            cell.ljust(width) if column < labels or len(row) == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Give the characters that each column takes; headings do not count."""
    columns = zip(*(row for row in rows if len(row) > 1), strict=True)
    return [max(map(len, column)) for column in columns]
