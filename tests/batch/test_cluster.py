from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from lsamatting.batch.claims import Claims
from lsamatting.batch.cluster import Cluster, ClusterOptions, _connect, _Worker, room_for
from lsamatting.batch.here import work_here
from lsamatting.batch.job import Done, Job
from lsamatting.batch.recipe import Model, Recipe
from lsamatting.batch.stopping import Stop
from lsamatting.batch.work import Work
from lsamatting.cli.main import main
from lsamatting.errors import ConfigError, LsamattingError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at_a_time": 5}, "found 5; accepted: 1 to 4"),
        ({"least_workers": 3, "most_workers": 2}, "workers from 3 to 2"),
        ({"least_workers": 0}, "at least 1"),
        ({"gpus": 2.0}, "gpus: found 2"),
    ],
)
def test_numbers_that_cannot_be(options, words):
    with pytest.raises(ConfigError, match=words):
        ClusterOptions(**options)


@pytest.mark.parametrize(
    ("options", "resources", "room"),
    [
        ({}, {"CPU": 8.0}, 8),
        ({"threads": 3}, {"CPU": 8.0}, 2),
        ({"threads": 16}, {"CPU": 8.0}, 1),
        ({"most_workers": 4}, {"CPU": 8.0}, 4),
        ({"gpus": 0.25}, {"CPU": 8.0, "GPU": 1.0}, 4),
        ({}, {}, 1),
    ],
)
def test_workers_of_a_machine_share_its_memory(options, resources, room):
    assert room_for(ClusterOptions(**options), resources) == room


@pytest.fixture
def worker(scene, weights, monkeypatch):
    """What an actor does, in this process."""

    def made(weights: object = weights) -> _Worker:
        recipe = Recipe(Model(str(weights), "cpu"))
        return _Worker(recipe, ClusterOptions(), str(scene.folder / "out"), "m")

    monkeypatch.setattr("lsamatting.batch.cluster._resources_here", lambda: {"CPU": 2.0})
    monkeypatch.setattr("lsamatting.batch.worker.prepare", lambda recipe, *_: Work.of(recipe))
    return made


def rows_of(worker: _Worker, *jobs: Job) -> list[dict[str, object]]:
    told = worker({"job": [json.dumps(asdict(job)) for job in jobs]})
    return [json.loads(text) for text in told["said"]]


def test_an_actor_tells_of_each_picture_and_of_none_after_a_stop(worker, scene):
    good = Job(str(scene.image), str(scene.trimap), {"alpha": str(scene.folder / "out" / "a.png")})
    bad = Job(str(scene.folder / "none.png"), str(scene.trimap), {"alpha": "never.png"})
    actor = worker()
    rows = rows_of(actor, good, bad)
    assert [row["key"] for row in rows] == [good.key, bad.key]
    assert rows[0]["claim"]["report"]["size"] == [56, 40]
    assert "none.png: no such file" in rows[1]["claim"]["reason"]
    # What was told once is told again, not done again.
    Path(good.outputs["alpha"]).unlink()
    assert rows_of(actor, good, bad) == rows
    assert not Path(good.outputs["alpha"]).exists()
    Claims(str(scene.folder / "out"), "m").ask_to_stop()
    assert [row["claim"] for row in rows_of(actor, good, bad)] == [None, None]


def test_an_actor_without_a_model_says_why(worker, scene):
    job = Job(str(scene.image), str(scene.trimap), {"alpha": str(scene.folder / "out" / "a.png")})
    (row,) = rows_of(worker("no/such/weights at all"), job)
    assert "no such weights" in str(row["problem"])


def test_what_an_earlier_run_did_counts_if_it_still_holds(worker, scene, weights):
    pytest.importorskip("ray")
    out = scene.folder / "out"
    jobs = []
    for name in ("kept", "changed", "lost", "bad"):
        image = scene.folder / f"{name}.png"
        image.write_bytes(b"" if name == "bad" else scene.image.read_bytes())
        jobs.append(Job(str(image), str(scene.trimap), {"alpha": str(out / f"{name}.png")}))
    rows_of(worker(), *jobs)
    Image.fromarray(255 - scene.pixels).save(jobs[1].image)
    Path(jobs[2].outputs["alpha"]).unlink()
    Path(jobs[3].image).write_bytes(scene.image.read_bytes())
    recipe = Recipe(Model(str(weights), "cpu"))
    cluster = Cluster(recipe, out=str(out), mark="m", options=ClusterOptions())
    assert [outcome.job for outcome in cluster.earlier(jobs)] == jobs[:1]


@pytest.fixture(scope="module")
def two_nodes():
    """A cluster of two nodes on this machine, with a processor each."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster as Nodes

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    nodes = Nodes(initialize_head=True, head_node_args=node)
    nodes.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    before = signal.getsignal(signal.SIGTERM)
    _connect(nodes.address)
    # Ray would leave a handler that exits at once, where a batch finishes what is in flight.
    assert signal.getsignal(signal.SIGTERM) is before
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_and_results_are_those_of_this_machine(
    two_nodes, scene, weights
):
    out = scene.folder / "out"
    jobs = []
    for number in range(12):
        image, trimap = scene.folder / f"{number}.png", scene.folder / f"{number}-t.png"
        Image.fromarray(scene.pixels[:, : 30 + 2 * number]).save(image)
        Image.fromarray(scene.marks[:, : 30 + 2 * number]).save(trimap)
        jobs.append(Job(str(image), str(trimap), {"alpha": str(out / f"{number}.png")}))
    recipe = Recipe(Model(str(weights), "cpu"))
    cluster = Cluster(
        recipe,
        out=str(out),
        mark="m",
        options=ClusterOptions(least_workers=2, most_workers=2),
    )
    # Whoever reads this one waits for a writer that never comes, and is killed there.
    victim = jobs[5]
    whole = Path(victim.image).read_bytes()
    Path(victim.image).unlink()
    os.mkfifo(victim.image)
    killed: list[int] = []

    def kill_who_waits() -> None:
        while (claim := cluster.claims.read(victim)) is None:
            time.sleep(0.1)
        Path(victim.image).unlink()
        Path(victim.image).write_bytes(whole)
        killed.append(int(claim.by.split()[0]))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_who_waits, daemon=True)
    killer.start()
    outcomes = list(cluster.work(jobs, Stop()))
    killer.join()
    assert len(killed) == 1
    # Nothing is lost, and nothing told twice or done twice.
    assert sorted(o.job.image for o in outcomes) == sorted(job.image for job in jobs)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    attempts = {job.image: cluster.claims.read(job).attempts for job in jobs}
    assert attempts == {job.image: 2 if job is victim else 1 for job in jobs}
    made = {job.image: Path(job.outputs["alpha"]).read_bytes() for job in jobs}
    # A run whose end nobody saw is not done again: its claims are its results.
    again = list(cluster.work(jobs, Stop()))
    assert {outcome.job.image: outcome.report for outcome in again} == {
        outcome.job.image: outcome.report for outcome in outcomes
    }
    from lsamatting.threads import limit_threads, thread_count

    before = thread_count()
    limit_threads(1)
    list(work_here(jobs, Work.of(recipe), stop=Stop()))
    limit_threads(before)
    assert made == {job.image: Path(job.outputs["alpha"]).read_bytes() for job in jobs}


@pytest.mark.slow
def test_a_run_goes_on_with_either_engine(two_nodes, scene, weights, capsys):
    images, trimaps, out = (scene.folder / name for name in ("images", "trimaps", "out"))
    images.mkdir()
    trimaps.mkdir()
    for number in range(5):
        Image.fromarray(scene.pixels).save(images / f"{number}.png")
        Image.fromarray(scene.marks).save(trimaps / f"{number}.png")
    (images / "4.png").write_bytes(b"no picture")

    def run(*sources: Path, engine: tuple[str, ...]) -> str:
        command = ("batch", *sources, "--trimaps", trimaps, "-o", out, "--weights", weights)
        code = main([*map(str, command), *engine])
        captured = capsys.readouterr()
        assert code == (2 if images in sources else 0), captured.err
        return captured.out

    here, there = ("--workers", "0", "--threads", "1"), ("--engine", "ray", "--least-workers", "2")
    run(images / "0.png", images / "1.png", engine=here)
    told = run(images, engine=there)
    assert told.startswith("4 of 5 done, 2 of them before, 1 failed")
    records = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert sorted(Path(record["image"]).name for record in records) == [
        f"{number}.png" for number in range(4)
    ]
    (failure,) = (json.loads(line) for line in (out / "failed.jsonl").read_text().splitlines())
    assert "4.png: not a picture" in failure["reason"]
    assert len({(out / f"{number}.png").read_bytes() for number in range(4)}) == 1
    assert not (out / ".claims").exists()
    assert run(images, engine=here).startswith("4 of 5 done, 4 of them before, 1 failed")


def test_who_asks_for_more_than_any_machine_has_is_told(two_nodes, scene, weights):
    heard: list[str] = []
    recipe = Recipe(Model(str(weights), "cpu"))

    def look(options: ClusterOptions, *, alone: bool) -> None:
        out = str(scene.folder / "out")
        Cluster(recipe, out=out, mark="m", options=options, tell=heard.append)._look_for_room(
            alone=alone
        )

    look(ClusterOptions(), alone=True)
    assert not heard
    look(ClusterOptions(threads=2), alone=False)
    look(ClusterOptions(gpus=0.5), alone=False)
    assert heard == [
        f"no room for a worker (processors: {processors}, GPUs: {gpus}) on any of the cluster's 2 "
        "machines; waiting for one that has it"
        for processors, gpus in (("2", "0"), ("1", "0.5"))
    ]
    with pytest.raises(LsamattingError, match=r"processors: 2, GPUs: 0\): this machine has 1"):
        look(ClusterOptions(threads=2), alone=True)
