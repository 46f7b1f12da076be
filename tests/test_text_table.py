from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsamatting.text_table import align, column_widths


def test_words_stand_left_and_figures_right():
    assert align([["", "SAD"], ["ours", "7.31"], ["closed-form", "10.4"]]) == [
        "              SAD",
        "ours         7.31",
        "closed-form  10.4",
    ]
    assert align([["a", "b", "1"], ["ccc", "d", "22"]], labels=2) == ["a    b   1", "ccc  d  22"]


def test_a_heading_widens_no_column():
    rows = [["a", "1"], ["published figures, not ours:"], ["b", "22"]]
    assert align(rows) == ["a   1", "published figures, not ours:", "b  22"]
    assert column_widths(rows) == [1, 2]


cells = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1), st.integers(0, 3))
def test_every_cell_is_at_its_place(rows, labels):
    widths = column_widths(rows)
    for row, line in zip(rows, align(rows, labels=labels), strict=True):
        start = 0
        for cell, width in zip(row, widths, strict=True):
            assert line[start : start + width].strip() == cell
            start += width + 2
