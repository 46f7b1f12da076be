"""A worker process: takes jobs from a pipe, does them, and answers on the same pipe."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from lsamatting.budget import share_memory
from lsamatting.errors import LsamattingError
from lsamatting.server.settings import ServerSettings
from lsamatting.server.tasks import Task


@dataclass(frozen=True)
class Run:
    """Do a task."""

    job: int
    task: Task
    names: tuple[tuple[str, str], ...]
    """Paths, and what messages call them instead."""

    light: bool
    """Beside what takes long, not after it."""

    threads: int


@dataclass(frozen=True)
class Cancel:
    """Stop a job as soon as possible."""

    job: int


@dataclass(frozen=True)
class Stop:
    """End, whatever is being done."""


@dataclass(frozen=True)
class Advanced:
    """A job came forward."""

    job: int
    done: int
    total: int


@dataclass(frozen=True)
class Ended:
    """A job is over."""

    job: int
    outcome: Literal["done", "refused", "cancelled", "failed"]
    result: Any = None
    """What the task gives; of a refusal, the kind of error and its message; of a failure, that."""

    resident: int = 0
    """Bytes of memory that the worker holds."""


@dataclass(frozen=True)
class Ready:
    """The weights are loaded, or why they could not be."""

    problem: str | None = None


class CancelledError(BaseException):
    """The job is no longer wanted; nothing that computes may swallow it."""


def work(connection: Connection, settings: ServerSettings) -> None:
    """Be a worker until told to stop, or the pipe closes."""
    # Ctrl-C in a terminal, and a service manager's signal to stop, reach all processes; the server
    # alone decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    share_memory(settings.workers)
    _Worker(connection, settings).serve()


class _Worker:
    def __init__(self, connection: Connection, settings: ServerSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._sending = threading.Lock()
        self._accepted: dict[int, Future[None]] = {}
        """Jobs that are not over."""

        self._cancelled: set[int] = set()
        self._current = threading.local()

    def serve(self) -> None:
        try:
            from lsamatting.server.desk import Desk

            desk = Desk(self._settings)
        except LsamattingError as error:
            self._send(Ready(problem=str(error)))
            return
        self._send(Ready())
        with ThreadPoolExecutor(1) as heavy, ThreadPoolExecutor(1) as light:
            while True:
                try:
                    message = self._connection.recv()
                except (EOFError, OSError):
                    message = Stop()  # whoever wanted the answers is gone
                if isinstance(message, Stop):
                    os._exit(0)
                if isinstance(message, Cancel):
                    self._cancel(message.job)
                elif isinstance(message, Run):
                    pool = light if message.light else heavy
                    self._accept(message.job, pool.submit(self._run, desk.do, message))

    def _accept(self, job: int, future: Future[None]) -> None:
        self._accepted[job] = future
        future.add_done_callback(lambda _: self._accepted.pop(job, None))

    def _cancel(self, job: int) -> None:
        future = self._accepted.get(job)
        if future is None:
            return
        # What waits for another job is over at once, or the whole worker would be taken for stuck.
        if future.cancel():
            self._send(Ended(job, "cancelled", None, _resident()))
        else:
            self._cancelled.add(job)

    def _run(self, do: Callable[[Task, Callable[[int, int], None]], Any], run: Run) -> None:
        from lsamatting.threads import limit_threads

        self._current.job = run.job

        def progress(done: int, total: int) -> None:
            self._checkpoint()
            self._send(Advanced(run.job, done, total))

        try:
            self._checkpoint()
            if not run.light:
                limit_threads(run.threads)
            ended = Ended(run.job, "done", do(run.task, progress))
        except CancelledError:
            ended = Ended(run.job, "cancelled")
        except LsamattingError as error:
            message = _renamed(str(error), run.names)
            ended = Ended(run.job, "refused", (type(error).__name__, message))
        except Exception as error:
            if os.environ.get("LSAMATTING_DEBUG"):
                import traceback

                traceback.print_exc(file=sys.stderr)
            words = " ".join(str(error).split())
            message = _renamed(f"unexpected {type(error).__name__}: {words}", run.names)
            ended = Ended(run.job, "failed", message)
        self._current.job = None
        self._cancelled.discard(run.job)
        self._send(Ended(ended.job, ended.outcome, ended.result, _resident()))

    def _checkpoint(self) -> None:
        if getattr(self._current, "job", None) in self._cancelled:
            raise CancelledError

    def _send(self, message: object) -> None:
        with self._sending:
            self._connection.send(message)


def _renamed(message: str, names: tuple[tuple[str, str], ...]) -> str:
    """Say what the client calls a file: where the server keeps it is nobody's business."""
    for path, name in names:
        message = message.replace(path, name)
    return message


def _resident() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # only Linux tells
        return 0
