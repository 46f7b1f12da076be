from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.batch import ledger
from lsamatting.batch.ledger import open_ledger
from lsamatting.errors import ConfigError

RECORDS = [{"a": 1}, {"b": "ä\n"}, {"c": [None, 2.5]}]


@pytest.fixture(params=["disk", "url"])
def address(request, tmp_path, store, monkeypatch):
    if request.param == "disk":
        return str(tmp_path / "x.jsonl")
    monkeypatch.setattr(ledger, "PART_SECONDS", 0.0)
    return f"memory://{store.root}/x.jsonl"


def test_records_are_there_as_soon_as_they_are_written(address):
    book = open_ledger(address)
    assert book.read() == []
    for number, record in enumerate(RECORDS):
        book.append(record)
        assert open_ledger(address).read() == RECORDS[: number + 1]
    book.close()
    again = open_ledger(address)
    again.append({"d": 4})
    again.close()
    assert open_ledger(address).read() == [*RECORDS, {"d": 4}]


def test_rewriting_replaces_all(address):
    book = open_ledger(address)
    for record in RECORDS:
        book.append(record)
    book.rewrite(RECORDS[1:])
    book.append({"z": 0})
    book.close()
    assert open_ledger(address).read() == [*RECORDS[1:], {"z": 0}]


def test_a_url_ends_with_one_file_however_many_parts_there_were(store, monkeypatch):
    monkeypatch.setattr(ledger, "PART_SECONDS", 0.0)
    url = f"memory://{store.root}/x.jsonl"
    book = open_ledger(url)
    for record in RECORDS:
        book.append(record)
    assert len(store.ls(store.root)) == len(RECORDS)
    book.close()
    assert [entry["name"] for entry in store.ls(store.root, detail=True)] == [
        f"{store.root}/x.jsonl"
    ]


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 60), more=st.booleans())
def test_half_a_line_is_cut_off_wherever_it_ends(tmp_path_factory, cut, more):
    path = tmp_path_factory.mktemp("cut") / "x.jsonl"
    book = open_ledger(str(path))
    for record in RECORDS:
        book.append(record)
    book.close()
    data = path.read_bytes()
    cut = min(cut, len(data))
    path.write_bytes(data[: len(data) - cut])
    whole = data[: len(data) - cut].count(b"\n")
    assert open_ledger(str(path)).read() == RECORDS[:whole]
    if more:
        again = open_ledger(str(path))
        again.append({"new": 1})
        again.close()
        assert open_ledger(str(path)).read() == [*RECORDS[:whole], {"new": 1}]


@pytest.mark.parametrize("line", ["no JSON", "[1]", "3"])
def test_a_file_of_something_else_is_refused(tmp_path, line):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"a": 1}) + f"\n{line}\n")
    with pytest.raises(ConfigError, match="line 2"):
        open_ledger(str(path)).read()
