from __future__ import annotations

import copy
import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsamatting.errors import ConfigError, DatasetError
from lsamatting.evaluation.bootstrap import paired_bootstrap
from lsamatting.evaluation.comparison import PAPER_MEASURES, compare, foreground_of
from lsamatting.evaluation.comparison_table import MEASURED, format_comparison
from lsamatting.evaluation.published_results import TABLE_2
from lsamatting.evaluation.records import MEASURES, PictureRecord, Records

MARK = "published figures (Composition-1k), not ours"
HEADER = {
    "dataset": {"name": "val", "layout": "trio", "pictures": 6, "digest": "abc"},
    "protocol": {"trimaps": "as given", "measures": {"SAD": "sum / 1000"}},
}


def records(name, shift=0.0, *, count=6, group=None, path=None, seed=0):
    rng = np.random.default_rng(seed)
    pictures = []
    for index in range(count):
        errors = {m: float(rng.uniform(1, 9) + shift) for m in MEASURES}
        pictures.append(PictureRecord(f"p{index}", group, errors, 100, (30, 20), None))
    header = {**copy.deepcopy(HEADER), "method": {"name": name}}
    return Records(Path(path or f"{name}.jsonl"), header, pictures)


def values_of(records, measure):
    return np.array([picture.errors[measure] for picture in records.pictures])


def test_means_differences_and_intervals():
    first, second = records("A"), records("B", seed=1)
    result = compare([first, second], samples=500, seed=3)
    assert [row.method for row in result.rows] == ["A", "B"]
    assert result.pictures == 6
    assert not result.rows[0].differences
    for measure in PAPER_MEASURES:
        a, b = values_of(first, measure), values_of(second, measure)
        assert result.rows[0].means[measure] == pytest.approx(a.mean())
        assert result.rows[1].means[measure] == pytest.approx(b.mean())
        found = result.rows[1].differences[measure]
        low, high = paired_bootstrap((b - a)[:, None], samples=500, seed=3)
        assert found.mean == pytest.approx((b - a).mean())
        assert (found.low, found.high) == pytest.approx((low[0], high[0]))


@pytest.mark.parametrize(
    ("layout", "names", "foregrounds"),
    [
        ("composition-1k", [(None, "fox_0"), (None, "fox_12"), (None, "3_2_0")], ["fox", "3_2"]),
        ("alphamatting", [("Trimap1", "GT01"), ("Trimap2", "GT01")], ["GT01"]),
        ("trio", [(None, "img_1"), (None, "img_2")], ["img_1", "img_2"]),
    ],
)
def test_pictures_of_one_foreground_are_known_by_their_names(layout, names, foregrounds):
    found = [foreground_of(key, layout) for key in names]
    assert list(dict.fromkeys(found)) == foregrounds


def test_the_bootstrap_draws_foregrounds():
    first, second = records("A"), records("B", seed=1)
    for one in (first, second):
        one.header["dataset"]["layout"] = "composition-1k"
        one.pictures[:] = [
            replace(picture, name=f"f{index // 2}_{index % 2}")
            for index, picture in enumerate(one.pictures)
        ]
    result = compare([first, second], samples=500, seed=3)
    assert (result.pictures, result.foregrounds) == (6, 3)
    gap = values_of(second, "SAD") - values_of(first, "SAD")
    low, high = paired_bootstrap(gap[:, None], [0, 0, 1, 1, 2, 2], samples=500, seed=3)
    found = result.rows[1].differences["SAD"]
    assert (found.low, found.high) == pytest.approx((low[0], high[0]))
    assert "paired bootstrap over the 3 foregrounds (" in format_comparison(result)


def test_pictures_are_paired_by_name_and_group_not_by_place():
    first, second = records("A"), records("B")
    second.pictures.reverse()
    for difference in compare([first, second]).rows[1].differences.values():
        assert (difference.mean, difference.low, difference.high) == (0, 0, 0)
    two_groups = records("A", group="Trimap1")
    two_groups.pictures.extend(records("A", 1.0, group="Trimap2").pictures)
    other = records("B", group="Trimap2")
    other.pictures.extend(records("B", 1.0, group="Trimap1").pictures)
    assert compare([two_groups, two_groups]).pictures == 12
    difference = compare([two_groups, other]).rows[1].differences["SAD"]
    # Group 1 is worse by one, group 2 is better by one.
    assert difference.mean == pytest.approx(0)
    assert not difference.is_clear


def test_swapping_the_files_mirrors_the_differences():
    a, b = records("A"), records("B", seed=1)
    there, back = compare([a, b]).rows[1].differences, compare([b, a]).rows[1].differences
    for measure in PAPER_MEASURES:
        assert back[measure].mean == pytest.approx(-there[measure].mean)
        assert back[measure].low == pytest.approx(-there[measure].high)
        assert back[measure].high == pytest.approx(-there[measure].low)


def test_a_constant_gain_is_clear():
    difference = compare([records("A"), records("B", -0.5)]).rows[1].differences["MSE"]
    assert difference.mean == pytest.approx(-0.5)
    assert difference.is_clear


def test_one_file_has_no_differences():
    result = compare([records("A", count=1)])
    assert result.rows[0].differences == {}
    assert "bootstrap" not in format_comparison(result)


def test_sets_of_pictures_must_be_equal_or_cut_down():
    first, second = records("A", path="a.jsonl"), records("B", path="b.jsonl", count=4)
    with pytest.raises(DatasetError, match=r"a\.jsonl alone has 'p4' and 1 more; --common .* 4 pi"):
        compare([first, second])
    with pytest.raises(DatasetError, match=r"a\.jsonl alone has 'p4' and 1 more"):
        compare([second, first])
    result = compare([first, second], common=True)
    assert (result.pictures, result.left_out) == (4, 2)
    assert result.rows[0].means["SAD"] == pytest.approx(values_of(first, "SAD")[:4].mean())
    assert "Left out: 2 of 6 pictures" in format_comparison(result)
    elsewhere = records("B", group="Trimap1")
    with pytest.raises(DatasetError, match="have no picture in common"):
        compare([first, elsewhere], common=True)


def test_what_no_run_has_reached_is_left_out_too():
    result = compare([records("A", count=4), records("B", count=4)])
    assert (result.pictures, result.left_out) == (4, 2)
    assert "Left out: 2 of 6 pictures" in format_comparison(result)


def test_datasets_and_protocols_must_be_equal():
    first, second = records("A", path="a.jsonl"), records("B", path="b.jsonl")
    second.header["dataset"]["name"] = "copy"
    compare([first, second])
    second.header["protocol"]["trimaps"] = "from alpha"
    with pytest.raises(
        DatasetError,
        match=r"a\.jsonl and b\.jsonl: .*protocol\.trimaps is 'as given' and 'from alpha'",
    ):
        compare([first, second])
    second = records("B")
    second.header["dataset"]["digest"] = "abd"
    with pytest.raises(DatasetError, match=r"dataset\.digest is 'abc' and 'abd'"):
        compare([first, second])
    second = records("B")
    del second.header["protocol"]["measures"]
    with pytest.raises(DatasetError, match=r"protocol\.measures\.SAD is .* and not given"):
        compare([first, second])


def test_another_trimap_is_noticed():
    first, second = records("A"), records("B")
    other = PictureRecord("p2", None, first.pictures[2].errors, 99, (30, 20), None)
    second.pictures[2] = other
    with pytest.raises(DatasetError, match=r"'p2' has 30x20 pixels, 100 unknown, in one and"):
        compare([first, second])


def test_pictures_without_truth_are_refused():
    first = records("A")
    first.pictures[1] = PictureRecord("p1", None, {}, 100, (30, 20), None)
    with pytest.raises(DatasetError, match=r"A\.jsonl: 'p1' has no errors"):
        compare([first])
    with pytest.raises(DatasetError, match="holds no picture"):
        compare([records("A", count=0)])


def test_options_are_checked():
    with pytest.raises(ConfigError, match="no results"):
        compare([])
    with pytest.raises(ConfigError, match="1 names for 2 results files"):
        compare([records("A"), records("B")], names=["x"])
    with pytest.raises(ConfigError, match="PSNR"):
        compare([records("A")], measures=["PSNR"])


def test_names():
    def named(*given, **options):
        return [row.method for row in compare(given, **options).rows]

    assert named(records("A"), records("B"), names=["x", "y"]) == ["x", "y"]
    assert named(records("A", path="1.jsonl"), records("A", path="2.jsonl")) == ["1", "2"]
    one, other = Path("x", "r.jsonl"), Path("y", "r.jsonl")
    assert named(records("A", path=one), records("A", path=other)) == [str(one), str(other)]


@pytest.fixture
def comparison():
    names = ["plain", "50% _better_ & so|on"]
    return compare([records("A"), records("B", -0.5)], names=names, samples=100)


def expected_cells(comparison):
    """Method and means as every table prints them."""
    return [
        [row.method, *(f"{row.means[m]:.{5 if m == 'MSE' else 3}f}" for m in PAPER_MEASURES)]
        for row in comparison.rows
    ]


def published_cells():
    return [
        [row.method, *(row.figures.get(m, "–") for m in PAPER_MEASURES)] for row in TABLE_2.rows
    ]


def check(rows, comparison):
    """All formats but CSV hold these rows of cells, in this order."""
    assert rows[0] == ["", *PAPER_MEASURES]
    first, second = expected_cells(comparison)
    assert rows[1] == first
    assert rows[2] == second
    differences = rows[3]
    assert differences[0] == "difference to plain"
    for measure, cell in zip(PAPER_MEASURES, differences[1:], strict=True):
        mean, low, high = map(float, re.fullmatch(r"(\S+) \[(\S+), (\S+)\]\*", cell).groups())
        found = comparison.rows[1].differences[measure]
        assert (mean, low, high) == pytest.approx((found.mean, found.low, found.high), abs=6e-4)
    assert rows[4:] == published_cells()


def test_text_reads_back(comparison):
    printed = format_comparison(comparison, published=TABLE_2)
    table, _, notes = printed.partition("\n\n")
    lines = table.splitlines()
    cells = [re.split(r" {2,}", line) for line in lines if set(line) != {"-"} and MARK not in line]
    check(cells, comparison)
    columns = {
        line.index(last) + len(last) for line, last in ((x, x.split()[-1]) for x in lines[:1])
    }
    assert columns == {max(map(len, lines[:4]))}
    # What is theirs stands below the mark, and nothing of ours.
    above, below = table.split(f"{MARK}:\n")
    assert "plain" in above
    assert "plain" not in below
    assert "GCA" not in above
    assert "They are for Composition-1k; the rows above are for val (trio, 6 pictures)" in notes


def test_markdown_reads_back(comparison):
    printed = format_comparison(comparison, style="markdown", published=TABLE_2)
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    assert {len(row) for row in rows} == {5}
    cells = [[re.sub(r"\\(.)", r"\1", cell.strip()) for cell in row] for row in rows]
    assert cells[1] == ["---", *["---:"] * 4]
    assert cells[5] == [f"**{MARK}**", "", "", "", ""]
    check([cells[0], *cells[2:5], *cells[6:]], comparison)
    assert "not comparable" in printed


def test_latex_reads_back(comparison):
    printed = format_comparison(comparison, style="latex", published=TABLE_2)
    assert r"50\% \_better\_ \& so|on" in printed
    body = printed.split(r"\begin{tabular}{lrrrr}")[1].split(r"\end{tabular}")[0]
    rows, marks = [], []
    for line in body.splitlines():
        if not line.endswith(r" \\"):
            assert line.strip() in ("", r"\toprule", r"\midrule", r"\bottomrule"), line
            continue
        if r"\multicolumn{5}" in line:
            marks.append(line)
            continue
        cells = re.split(r"(?<!\\)&", line.removesuffix(r" \\"))
        rows.append([re.sub(r"\\([%&_])|\$", r"\1", cell).strip() for cell in cells])
    check(rows, comparison)
    assert "$-0.500$ [$-0.500$, $-0.500$]*" in body
    assert len(marks) == 1
    assert MARK in marks[0]
    # Everything outside the table is a comment, so that the file can be included as it is.
    outside = printed.replace(body, "").splitlines()
    assert all(line.startswith(("%", r"\begin", r"\end")) for line in outside)


def test_latex_survives_odd_names():
    names = ["a\\b", "[1] first", "* {x}~^#$"]
    printed = format_comparison(compare([records("A")] * 3, names=names, samples=10), style="latex")
    assert r"  a\textbackslash{}b & " in printed
    assert r"  {}[1] first & " in printed
    assert r"  {}* \{x\}\textasciitilde{}\textasciicircum{}\#\$ & " in printed


def test_csv_reads_back(comparison):
    printed = format_comparison(comparison, style="csv", published=TABLE_2)
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["method"] for row in rows[:2]] == [row.method for row in comparison.rows]
    for row, ours in zip(rows[:2], comparison.rows, strict=True):
        assert (row["source"], row["dataset"], row["pictures"]) == (MEASURED, "val", "6")
        for measure in PAPER_MEASURES:
            assert float(row[measure]) == ours.means[measure]
    assert rows[0]["SAD difference"] == ""
    found = comparison.rows[1].differences["Conn"]
    assert float(rows[1]["Conn difference"]) == found.mean
    assert float(rows[1]["Conn low"]) == found.low
    assert float(rows[1]["Conn high"]) == found.high
    for row, theirs in zip(rows[2:], TABLE_2.rows, strict=True):
        assert row["source"] == MARK
        assert (row["dataset"], row["pictures"]) == ("Composition-1k", "1000")
        assert row["method"] == theirs.method
        assert {m: row[m] for m in PAPER_MEASURES if row[m]} == theirs.figures
        assert row["SAD low"] == ""


@pytest.mark.parametrize("style", ["text", "markdown", "latex", "csv"])
def test_published_figures_only_where_asked_for(comparison, style):
    assert "ublished" not in format_comparison(comparison, style=style)
    assert MARK in format_comparison(comparison, style=style, published=TABLE_2)


def test_comparable_on_the_same_dataset():
    whole = records("A", count=1000)
    whole.header["dataset"]["layout"] = "composition-1k"
    assert "not comparable" not in format_comparison(compare([whole]), published=TABLE_2)
    part = records("A", count=999)
    part.header["dataset"]["layout"] = "composition-1k"
    assert "not comparable" in format_comparison(compare([part]), published=TABLE_2)


def test_table_2_is_the_papers():
    figures = {row.method: row.figures for row in TABLE_2.rows}
    assert len(figures) == 16
    assert figures["Closed-form"] == {
        "SAD": "168.1",
        "MSE": "0.091",
        "Grad": "126.9",
        "Conn": "167.9",
    }
    assert figures["SampleNet"] == {"SAD": "40.4", "MSE": "0.0099"}
    assert figures["LSANet (RF + CA + TTA)"]["Grad"] == "8.13"
    # Sums of the paper's columns, added up by awk over its text.
    for measure, total in {"SAD": 647.3, "MSE": 0.2007, "Grad": 325.78, "Conn": 556.8}.items():
        printed = [float(f[measure]) for f in figures.values() if measure in f]
        assert sum(printed) == pytest.approx(total), measure
