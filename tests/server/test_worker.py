from __future__ import annotations

import contextlib
import multiprocessing
import sys
import threading

import pytest

from lsamatting.server.tasks import CloseSession
from lsamatting.server.worker import Cancel, Ended, Ready, Run, Stop, _Worker


@pytest.fixture
def worker(settings, monkeypatch):
    """One in a thread, whose tasks wait; gives its pipe, and what lets them end."""
    enough = threading.Event()

    class Desk:
        def __init__(self, _: object) -> None:
            pass

        def do(self, *_: object) -> None:
            assert enough.wait(60)

    monkeypatch.setattr("lsamatting.server.desk.Desk", Desk)
    monkeypatch.setattr("lsamatting.server.worker.os._exit", sys.exit)
    ours, theirs = multiprocessing.Pipe()

    def serve() -> None:
        with contextlib.suppress(SystemExit):
            _Worker(theirs, settings).serve()

    thread = threading.Thread(target=serve)
    thread.start()
    yield ours, enough
    enough.set()
    ours.send(Stop())
    thread.join(60)


def test_what_has_not_begun_is_given_up_at_once(worker):
    """Or the worker would be taken for stuck, and ended with all that it does."""
    pipe, enough = worker
    for job in (1, 2):
        pipe.send(Run(job, CloseSession(""), (), light=True, threads=1))
    pipe.send(Cancel(2))
    assert pipe.recv() == Ready()
    assert pipe.poll(60)
    ended = pipe.recv()
    assert isinstance(ended, Ended)
    assert (ended.job, ended.outcome) == (2, "cancelled")
    enough.set()
    ended = pipe.recv()
    assert (ended.job, ended.outcome) == (1, "done")
