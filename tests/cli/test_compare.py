from __future__ import annotations

import csv
import json

import pytest

MEASURES = ("SAD", "MSE", "MAD", "Grad", "Conn")


def write(path, name, errors, **protocol):
    lines = [
        {
            "record": "header",
            "format": 1,
            "dataset": {"name": "val", "layout": "trio", "pictures": len(errors), "digest": "0"},
            "protocol": {"trimaps": "as given", **protocol},
            "method": {"name": name},
            "versions": {},
        }
    ]
    for index, error in enumerate(errors):
        line = {"record": "picture", "name": f"p{index}", "group": None}
        line |= dict.fromkeys(MEASURES, error)
        lines.append({**line, "unknown": 5, "size": [4, 3], "seconds": None})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def results(tmp_path):
    return (
        write(tmp_path / "a.jsonl", "lite", [1, 2, 3]),
        write(tmp_path / "b.jsonl", "closed-form", [2, 4, 3]),
    )


def test_prints_a_table(cli, results):
    outcome = cli("compare", *results)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["SAD", "MSE", "Grad", "Conn"]
    assert lines[2].split() == ["lite", "2.000", "2.00000", "2.000", "2.000"]
    assert lines[3].split() == ["closed-form", "3.000", "3.00000", "3.000", "3.000"]
    assert "difference to lite" in lines[4]
    assert "10000 samples, seed 0" in outcome.out
    assert outcome.out == cli("compare", *results).out


def test_options(cli, results):
    outcome = cli(
        *("compare", *results, "--names", "ours, theirs", "--mad", "--paper"),
        *("--samples", "50", "--seed", "7", "--format", "markdown"),
    )
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("|  | SAD | MSE | Grad | Conn | MAD |\n")
    assert "| theirs | 3.000 |" in outcome.out
    assert "**published figures (Composition-1k), not ours**" in outcome.out
    assert "50 samples, seed 7" in outcome.out


@pytest.mark.parametrize(
    ("suffix", "start"), [(".txt", " "), (".md", "|"), (".tex", "%"), (".csv", "method,source")]
)
def test_writes_as_the_suffix_says(cli, results, tmp_path, suffix, start):
    path = tmp_path / f"table{suffix}"
    outcome = cli("compare", *results, "-o", path, "--samples", "20")
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip() == f"2 methods on 3 pictures -> {path}"
    assert path.read_text().startswith(start)


def test_the_format_outweighs_the_suffix(cli, results, tmp_path):
    path = tmp_path / "table.dat"
    outcome = cli("compare", *results, "-o", path)
    assert outcome.code == 2
    assert outcome.error_line.endswith(
        "table.dat: unknown file type (accepted: .txt, .md, .tex, .csv); or give --format"
    )
    assert cli("compare", *results, "-o", path, "--format", "csv").code == 0
    with path.open() as file:
        assert [row["SAD"] for row in csv.DictReader(file)] == ["2.0", "3.0"]


def test_mistakes_take_one_line(cli, results, tmp_path):
    short = write(tmp_path / "short.jsonl", "short", [1, 2])
    outcome = cli("compare", results[0], short)
    assert outcome.code == 2
    assert "dataset.pictures is 3 and 2" in outcome.error_line
    other = write(tmp_path / "other.jsonl", "other", [1, 2, 3], region="everywhere")
    outcome = cli("compare", results[0], other)
    assert outcome.code == 2
    assert "protocol.region is not given and 'everywhere'" in outcome.error_line
    # An interrupted run: the header speaks of three pictures, two are there.
    half = tmp_path / "half.jsonl"
    half.write_text("".join(results[1].read_text().splitlines(keepends=True)[:3]))
    outcome = cli("compare", results[0], half)
    assert outcome.code == 2
    assert "alone has 'p2'" in outcome.error_line
    assert "--common" in outcome.error_line
    outcome = cli("compare", results[0], half, "--common", "--samples", "20")
    assert outcome.code == 0
    assert "Left out: 1 of 3 pictures" in outcome.out
    outcome = cli("compare", tmp_path / "none.jsonl")
    assert outcome.code == 2
    assert "none.jsonl: cannot be read" in outcome.error_line
