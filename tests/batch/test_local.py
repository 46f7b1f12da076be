from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest
from PIL import Image

from lsamatting.batch.here import work_here
from lsamatting.batch.job import Done, Failed, Job
from lsamatting.batch.local import LocalPool
from lsamatting.batch.recipe import Model, Recipe
from lsamatting.batch.stopping import Stop
from lsamatting.batch.work import Work
from lsamatting.errors import LsamattingError


@pytest.fixture
def jobs(scene) -> list[Job]:
    made = []
    for number in range(6):
        image = scene.folder / f"{number}.png"
        Image.fromarray(scene.pixels[:, : 30 + number * 4]).save(image)
        trimap = scene.folder / f"{number}-t.png"
        Image.fromarray(scene.marks[:, : 30 + number * 4]).save(trimap)
        outputs = {"alpha": str(scene.folder / "out" / f"{number}.png")}
        made.append(Job(str(image), str(trimap), outputs))
    return made


@pytest.fixture
def recipe(weights) -> Recipe:
    return Recipe(Model(str(weights), "cpu"))


def results_of(jobs) -> dict[str, bytes]:
    return {job.image: Path(job.outputs["alpha"]).read_bytes() for job in jobs}


def test_processes_give_what_this_one_gives_and_a_killed_one_costs_nothing(jobs, recipe):
    from lsamatting.threads import limit_threads, thread_count

    before = thread_count()
    limit_threads(1)
    assert all(isinstance(o, Done) for o in work_here(jobs, Work.of(recipe), stop=Stop()))
    limit_threads(before)
    expected = results_of(jobs)
    for job in jobs:
        Path(job.outputs["alpha"]).unlink()
    pool = LocalPool(recipe, devices=["cpu", "cpu"])
    outcomes = []
    for outcome in pool.work(jobs, Stop()):
        if not outcomes:
            # One of the two is at a picture, or about to be handed one.
            os.kill(pool.processes()[0], signal.SIGKILL)
        outcomes.append(outcome)
    assert sorted(outcome.job.image for outcome in outcomes) == [job.image for job in jobs]
    assert [outcome for outcome in outcomes if isinstance(outcome, Failed)] == []
    assert pool.restarts == 1
    assert results_of(jobs) == expected
    assert pool.processes() == []


def test_a_picture_that_kills_its_worker_twice_is_given_up_and_the_others_are_done(jobs, recipe):
    poison = Path(jobs[2].image)
    poison.unlink()
    # Reading it waits for a writer that never comes.
    os.mkfifo(poison)
    pool = LocalPool(recipe, devices=["cpu"])
    over = threading.Event()

    def kill_who_waits() -> None:
        while not over.wait(0.2):
            for process in pool.at_work_on(str(poison)):
                # It may be dead already, and not buried yet.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill_who_waits)
    killer.start()
    outcomes = list(pool.work(jobs[1:4], Stop()))
    over.set()
    killer.join()
    (failed,) = (outcome for outcome in outcomes if isinstance(outcome, Failed))
    assert failed.job.image == str(poison)
    assert "its worker ended, 2 times: killed by SIGKILL, perhaps for want of" in failed.reason
    assert failed.expected
    assert len(outcomes) == 3


def test_a_picture_that_never_ends_has_failed_and_the_others_are_done(jobs, recipe, monkeypatch):
    hung = Path(jobs[1].image)
    hung.unlink()
    # Reading it waits for a writer that never comes.
    os.mkfifo(hung)
    pool = LocalPool(recipe, devices=["cpu"], picture_timeout=3600)
    hours = 0

    def clock() -> float:
        """Hours go by while the picture is in hand, and no time while others are."""
        nonlocal hours
        hours += bool(pool.at_work_on(str(hung)))
        return hours * 3601.0

    monkeypatch.setattr("lsamatting.batch.local.monotonic", clock)
    outcomes = {outcome.job.image: outcome for outcome in pool.work(jobs[:3], Stop())}
    failed = outcomes.pop(str(hung))
    assert isinstance(failed, Failed)
    assert failed.reason == f"{hung}: given up, not done after 3600 s"
    assert failed.expected
    assert [type(outcome) for outcome in outcomes.values()] == [Done, Done]
    assert pool.restarts == 1
    assert pool.processes() == []


def test_a_stop_lets_what_is_in_flight_be_finished(jobs, recipe):
    pool, stop = LocalPool(recipe, devices=["cpu"]), Stop()
    outcomes = []
    for outcome in pool.work(jobs, stop):
        outcomes.append(outcome)
        stop.requested = len(outcomes) == 2
    assert len(outcomes) == 2
    assert [Path(job.outputs["alpha"]).exists() for job in jobs] == [True] * 2 + [False] * 4


def test_weights_that_are_not_there_are_told_once(jobs):
    pool = LocalPool(Recipe(Model("no/such/weights at all", "cpu")), devices=["cpu"])
    with pytest.raises(LsamattingError, match="no such weights"):
        list(pool.work(jobs, Stop()))
