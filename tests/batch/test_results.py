from __future__ import annotations

import itertools
import json
import time

import pytest

from lsamatting.batch.job import Job
from lsamatting.batch.results import Results
from lsamatting.errors import ConfigError

A = Job("/i/a.jpg", "/t/a.png", {"alpha": "/o/a.png"})
B = Job("/i/b.jpg", "/t/b.png", {"alpha": "/o/b.png"}, is_mask=True)


def report(job: Job, **more: object) -> dict[str, object]:
    return {"image": job.image, job.guide_kind: job.guide, "outputs": job.outputs, **more}


def opened(folder) -> Results:
    return Results(str(folder), recipe="r", weights="w")


def lines(folder, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_what_was_done_and_what_failed_is_known_to_the_next_run(tmp_path):
    results = opened(tmp_path)
    results.succeed(A, report(A, size=[1, 2]))
    results.fail(B, "b.jpg: no such file", {"image": None}, expected=True)
    # Not closed: as if the process had been killed.
    again = opened(tmp_path)
    assert set(again.done) == {A.key}
    assert again.done[A.key]["size"] == [1, 2]
    assert again.made_as_now(again.done[A.key])
    assert not Results(str(tmp_path), recipe="other", weights="w").made_as_now(again.done[A.key])
    assert set(again.failed) == {B.key}
    assert again.failed[B.key]["reason"] == "b.jpg: no such file"


def test_each_picture_has_one_record_in_one_file_at_the_end(tmp_path):
    results = opened(tmp_path)
    results.fail(A, "once", {}, expected=True)
    results.succeed(B, report(B, size=[1, 1]))
    results.succeed(A, report(A))
    results.fail(B, "twice", {}, expected=True)
    results.succeed(A, report(A, size=[3, 3]))
    # Before it is put in order the newer record counts.
    midway = opened(tmp_path)
    assert set(midway.done) == {A.key}
    assert set(midway.failed) == {B.key}
    results.close()
    assert [record["image"] for record in lines(tmp_path, "results.jsonl")] == [A.image]
    assert [record["image"] for record in lines(tmp_path, "failed.jsonl")] == [B.image]
    assert lines(tmp_path, "results.jsonl")[0]["size"] == [3, 3]


@pytest.mark.parametrize("seconds", [0.0, -1.0], ids=["stands still", "goes back"])
def test_the_newer_record_counts_whatever_the_clock_does(tmp_path, monkeypatch, seconds):
    times = itertools.count(1_800_000_000.0, seconds)
    monkeypatch.setattr(time, "time", lambda: next(times))
    results = opened(tmp_path)
    results.succeed(B, report(B))
    results.fail(B, "once", {}, expected=True)
    again = opened(tmp_path)  # the files of the first run are not in order yet
    assert (set(again.done), set(again.failed)) == (set(), {B.key})
    again.succeed(B, report(B))
    assert set(opened(tmp_path).done) == {B.key}


def test_what_proved_the_same_keeps_its_record_with_new_stamps(tmp_path):
    results = opened(tmp_path)
    results.succeed(A, report(A, size=[1, 2], inputs={"image": {"modified": "1"}}))
    results.succeed(A, {"unchanged": True, "inputs": {"image": {"modified": "2"}}})
    results.close()
    (record,) = lines(tmp_path, "results.jsonl")
    assert record["size"] == [1, 2]
    assert record["inputs"] == {"image": {"modified": "2"}}
    assert "unchanged" not in record


def test_failures_of_what_is_not_asked_for_any_more_are_forgotten(tmp_path):
    results = opened(tmp_path)
    results.fail(A, "?", {}, expected=True)
    results.fail(B, "?", {}, expected=True)
    results.keep_failures({B.key})
    results.close()
    assert [record["image"] for record in lines(tmp_path, "failed.jsonl")] == [B.image]


def test_records_of_something_else_are_refused(tmp_path):
    (tmp_path / "results.jsonl").write_text('{"image": "x"}\n')
    with pytest.raises(ConfigError, match=r"results\.jsonl: holds lines that are not of a batch"):
        opened(tmp_path)
