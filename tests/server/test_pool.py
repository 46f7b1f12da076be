from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from lsamatting.server.pool import WorkerPool
from lsamatting.server.settings import Limits
from lsamatting.server.tasks import MatteOptions, Recipe, Render, Upload
from lsamatting.server.worker import Cancel, Ended, Ready, Run


class Pipe:
    """What was sent to a worker."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def send(self, message: object) -> None:
        self.sent.append(message)


@pytest.fixture
def pool(settings, monkeypatch):
    """One whose only worker does what the test says; to be used within a loop."""
    from lsamatting.server import pool as module

    made = WorkerPool(replace(settings, limits=Limits(queue=2)))
    worker = module._Worker(None, Pipe())  # type: ignore[arg-type]
    monkeypatch.setattr(made, "_spawn", lambda: made._workers.append(worker))
    return made


def render(folder) -> Render:
    recipe = Recipe("s", Upload("", ""), None, MatteOptions("lite"))
    return Render(recipe, "alpha", "png", str(folder / "alpha.png"))


def test_what_is_written_for_one_who_has_left_is_taken_away(pool, tmp_path):
    async def leave_and_answer() -> None:
        pool.start()
        worker = pool._workers[0]
        pool._received(worker, Ready())
        task = render(tmp_path)
        asked = asyncio.ensure_future(pool.run(task, light=True))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        run, cancel = worker.connection.sent
        assert isinstance(run, Run)
        assert cancel == Cancel(run.job)
        # It was too late: the worker wrote it all the same.
        (tmp_path / "alpha.png").touch()
        pool._received(worker, Ended(run.job, "done"))

    asyncio.run(leave_and_answer())
    assert not (tmp_path / "alpha.png").exists()


def test_those_who_have_left_do_not_fill_the_queue(pool, tmp_path):
    async def come_and_go() -> None:
        pool.start()
        for _ in range(2):
            asked = [asyncio.ensure_future(pool.run(render(tmp_path))) for _ in range(2)]
            await asyncio.sleep(0)
            for one in asked:
                one.cancel()
            await asyncio.wait(asked)
            assert all(one.cancelled() for one in asked)

    asyncio.run(come_and_go())
