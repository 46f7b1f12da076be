from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lsamatting.errors import DatasetError
from lsamatting.evaluation.records import MEASURES, PictureRecord, RecordWriter, read_records

HEADER = {"method": {"name": "ours", "options": {"threads": 1}}, "dataset": {"digest": "d"}}


def record(name, value=1.0, group=None):
    return PictureRecord(name, group, dict.fromkeys(MEASURES, value), 10, (4, 3), 0.5)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "r.jsonl"
    with RecordWriter(file, HEADER) as writer:
        writer.add(record("a", 1.0))
        writer.add(record("ü", 3.0))
    return file


def test_what_was_written_is_read(path):
    records = read_records(path)
    assert records.pictures == [record("a", 1.0), record("ü", 3.0)]
    assert records.name == "ours"
    assert records.means() == dict.fromkeys(MEASURES, 2.0)
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert (first["record"], first["format"]) == ("header", 1)


def test_groups_are_averaged_apart_and_together(tmp_path):
    with RecordWriter(tmp_path / "r.jsonl", HEADER) as writer:
        for group, value in (("Trimap1", 1.0), ("Trimap2", 5.0)):
            writer.add(record("a", value, group))
    records = read_records(tmp_path / "r.jsonl")
    assert records.groups == ["Trimap1", "Trimap2"]
    assert records.means("Trimap2")["MSE"] == 5
    assert records.means()["MSE"] == 3


def test_a_file_without_errors_has_no_means(tmp_path):
    with RecordWriter(tmp_path / "r.jsonl", HEADER) as writer:
        writer.add(PictureRecord("a", None, {}, 10, (4, 3), 0.5))
    with pytest.raises(DatasetError, match="no picture with errors"):
        read_records(tmp_path / "r.jsonl").means()


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_passed_over_and_then_cut_off(path, cut):
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert [p.name for p in read_records(path).pictures] == ["a"]
    with RecordWriter(path, HEADER) as writer:
        writer.add(record("ü", 3.0))
    assert path.read_bytes() == whole


def test_a_run_that_died_in_its_header_starts_anew(path):
    path.write_bytes(path.read_bytes()[:20])
    with RecordWriter(path, HEADER) as writer:
        assert writer.records.pictures == []
        writer.add(record("a"))
    assert len(read_records(path).pictures) == 1


def test_another_header_is_refused_and_the_file_left_alone(path):
    before = path.read_bytes()
    other = {**HEADER, "method": {"name": "ours", "options": {"threads": 2}}}
    with pytest.raises(DatasetError, match=r"method\.options\.threads is 1 there and 2 here"):
        RecordWriter(path, other)
    assert path.read_bytes() == before
    with RecordWriter(path, other, overwrite=True) as writer:
        assert writer.records.pictures == []
    assert read_records(path).header["method"]["options"] == {"threads": 2}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[]"], "line 1 is not an object"),
        (['{"record": "picture"}'], "no header"),
        (['{"record": "header", "format": 2, "method": {}}'], "format 2"),
        (['{"record": "header", "format": 1, "method": {"name": 3}}'], "no header"),
        (['{"record": "header", "format": 1, "method": {}, "dataset": "d"}'], "no header"),
        ([None, "{"], "line 2 is not an object"),
        (
            [None, '{"record": "picture", "name": "a"}'],
            r"line 2 is no .* \(no 'size'",
        ),
        ([None, None, None], "line 3 repeats the picture a"),
        ([None, '{"record": "picture", "name": "x", "SAD": 1}'], "only SAD of SAD, MSE"),
    ],
)
def test_what_is_no_results_file_is_refused(path, lines, said):
    good = path.read_text(encoding="utf-8").splitlines()
    fill = [good[0], good[1], good[1]]
    mended = [line if line is not None else fill[i] for i, line in enumerate(lines)]
    path.write_text("\n".join(mended) + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read_records(path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_runs_cannot_write_one_file(path, overwrite):
    """The second is refused while the first is at work, and then goes on where it ended."""
    code = (
        "import sys; from lsamatting.errors import DatasetError;"
        "from lsamatting.evaluation.records import RecordWriter\n"
        f"try: RecordWriter({str(path)!r}, {HEADER!r}, overwrite={overwrite})\n"
        "except DatasetError as error: print(error)"
    )
    with RecordWriter(path, HEADER) as writer:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "r.jsonl: another run is writing its results there" in done.stdout, done.stderr
        writer.add(record("b"))
    assert [picture.name for picture in read_records(path).pictures] == ["a", "ü", "b"]
    with RecordWriter(path, HEADER) as writer:
        assert len(writer.records.pictures) == 3


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"x\.jsonl: cannot be read"):
        read_records(tmp_path / "x.jsonl")
