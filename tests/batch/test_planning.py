from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image

from lsamatting.batch.addresses import fetch, stamp
from lsamatting.batch.job import Job
from lsamatting.batch.planning import plan, stamps
from lsamatting.batch.results import Results


@pytest.fixture(params=["disk", "url"])
def place(request, tmp_path, store):
    """Give a folder's address, and what writes a file into it."""
    if request.param == "disk":

        def write(name: str, data: bytes) -> str:
            path = tmp_path / name
            path.write_bytes(data)
            return str(path)

        return write

    def write_url(name: str, data: bytes) -> str:
        store.pipe_file(f"{store.root}/{name}", data)
        return f"memory://{store.root}/{name}"

    return write_url


def a_job(write, name: str = "a", size: int = 10) -> Job:
    image, guide = write(f"{name}.jpg", b"i" * size), write(f"{name}-t.png", b"trimap")
    return Job(image, guide, {"alpha": write(f"{name}-alpha.png", b"matte")})


def recorded(job: Job, results: Results) -> None:
    results.succeed(
        job,
        {
            "image": job.image,
            job.guide_kind: job.guide,
            "outputs": job.outputs,
            "bytes": {kind: stamp(address).bytes for kind, address in job.outputs.items()},
            "inputs": {
                kind: {"sha256": fetch(address).digest(), **asdict(stamp(address))}
                for kind, address in (("image", job.image), ("trimap", job.guide))
            },
        },
    )


@pytest.fixture
def results(tmp_path) -> Results:
    return Results(str(tmp_path), recipe="r", weights="w")


def test_what_is_done_is_not_done_again(place, results):
    job, other = a_job(place), a_job(place, "b")
    recorded(job, results)
    planned = plan([job, other], results)
    assert planned.done == [job]
    assert planned.pending == [other]
    assert planned.pending[0].known is None


@pytest.mark.parametrize("what", ["image", "trimap"])
def test_what_was_touched_is_compared_by_a_worker(place, results, what):
    job = a_job(place)
    recorded(job, results)
    before = results.done[job.key]["inputs"]
    place("a.jpg" if what == "image" else "a-t.png", b"another")
    (pending,) = plan([job], results).pending
    assert pending.known == {kind: told["sha256"] for kind, told in before.items()}


@pytest.mark.parametrize("data", [None, b"", b"matt"])
def test_outputs_that_are_missing_or_cut_are_made_again(place, results, data, store):
    job = a_job(place)
    recorded(job, results)
    if data is not None:
        place("a-alpha.png", data)
    elif job.outputs["alpha"].startswith("memory"):
        store.rm(job.outputs["alpha"])
    else:
        Path(job.outputs["alpha"]).unlink()
    (pending,) = plan([job], results).pending
    assert pending.known is None


def test_another_recipe_or_other_weights_do_all_again(place, results, tmp_path):
    job = a_job(place)
    recorded(job, results)
    for changed in ({"recipe": "other", "weights": "w"}, {"recipe": "r", "weights": "other"}):
        now = Results(str(tmp_path), **changed)
        assert [j.known for j in plan([job], now).pending] == [None]


def test_failures_are_left_alone_until_something_changes_or_they_are_asked_for(place, results):
    job = a_job(place)
    results.fail(job, "damaged", stamps(job), expected=True)
    assert plan([job], results).failed == [job]
    assert plan([job], results, retry=True).pending == [job]
    place("a.jpg", b"mended it is")
    assert plan([job], results).pending == [job]


def test_the_largest_come_first(tmp_path, store):
    sizes = {"small": (10, 10), "large": (90, 50), "wide": (300, 5)}
    for name, size in sizes.items():
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    jobs = [Job(str(tmp_path / f"{name}.png"), "t", {}) for name in sizes]
    planned = plan(jobs).pending
    assert [job.pixels for job in planned] == [4500, 1500, 100]
    # At a URL bytes have to do, unless the manifest knows better.
    for name, size in (("a", 100), ("b", 300), ("c", 200)):
        store.pipe_file(f"{store.root}/{name}.png", bytes(size))
    far = [Job(f"memory://{store.root}/{name}.png", "t", {}) for name in "abc"]
    assert [job.image[-5] for job in plan(far).pending] == ["b", "c", "a"]
    told = [replace(far[0], pixels=10**6), *far[1:]]
    assert [job.image[-5] for job in plan(told).pending] == ["a", "b", "c"]


def test_what_is_not_there_is_left_to_the_worker_to_tell_of(tmp_path, results):
    job = Job(str(tmp_path / "none.png"), "memory:///none.png", {"alpha": str(tmp_path / "o.png")})
    assert plan([job], results).pending == [job]
    assert os.listdir(tmp_path) == []
