"""Worker processes seen from the server: a bounded queue, cancellation, time limits, restarts."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lsamatting.errors import LsamattingError, WeightsError
from lsamatting.server.settings import ServerSettings
from lsamatting.server.tasks import CloseSession, Task, written_by
from lsamatting.server.worker import Advanced, Cancel, Ended, Ready, Run, Stop, work

GRACE = 10.0
"""Seconds in which a worker has to stop a job before the worker itself is stopped."""

ATTEMPTS = 2
"""Workers that a job may take down before it is given up."""

Progress = Callable[[int, int], None]


class BusyError(Exception):
    """The queue is full."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} s")
        self.seconds = seconds


class RefusedError(Exception):
    """The input cannot be used; the message is that of the command line."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class FailedError(Exception):
    """A job came to a bad end."""


class TimeLimitError(Exception):
    """A job took too long."""


@dataclass(eq=False)
class _Job:
    number: int
    task: Task
    session: str | None
    light: bool
    names: tuple[tuple[str, str], ...]
    progress: Progress | None
    future: asyncio.Future[Any]
    queued: float = field(default_factory=time.perf_counter)
    attempts: int = 0
    timer: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class _Worker:
    process: multiprocessing.process.BaseProcess
    connection: Connection
    ready: bool = False
    heavy: _Job | None = None
    jobs: dict[int, _Job] = field(default_factory=dict)
    resident: int = 0


@dataclass
class PoolState:
    """What the pool is doing."""

    workers: int
    ready: int
    running: int
    waiting: int
    resident: int
    restarts: int


class WorkerPool:
    """Runs tasks in worker processes; all methods belong to the event loop's thread.

    A session stays with the worker that has its picture open. A job that takes long waits for its
    worker, or for any if it belongs to no session; a light one is done beside it.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._homes: dict[str, _Worker] = {}
        self._waiting: deque[_Job] = deque()
        self._numbers = itertools.count(1)
        self._typical = 1.0
        self._restarts = 0
        self._stopping = False
        self.started: asyncio.Future[None] | None = None

    # ---- life ----

    def start(self) -> asyncio.Future[None]:
        """Start the first worker; the future is done when it has loaded the weights.

        It fails with WeightsError if the weights cannot be loaded.
        """
        self._loop = asyncio.get_running_loop()
        self.started = self._loop.create_future()
        self._spawn()
        return self.started

    async def stop(self) -> None:
        """End all workers and whatever they are doing."""
        self._stopping = True
        for job in [*self._waiting, *(job for w in self._workers for job in w.jobs.values())]:
            _settle(job, FailedError("the server is shutting down"))
        self._waiting.clear()
        workers, self._workers = self._workers, []
        for worker in workers:
            self._send(worker, Stop())
        for worker in workers:
            await asyncio.to_thread(worker.process.join, 1)
            worker.process.kill()
            await asyncio.to_thread(worker.process.join, 5)
            worker.connection.close()

    @property
    def ready(self) -> bool:
        """Whether some worker has its weights loaded."""
        return any(worker.ready for worker in self._workers)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._waiting and not any(worker.jobs for worker in self._workers)

    def state(self) -> PoolState:
        """Tell what the pool is doing."""
        return PoolState(
            workers=len(self._workers),
            ready=sum(worker.ready for worker in self._workers),
            running=sum(len(worker.jobs) for worker in self._workers),
            waiting=len(self._waiting),
            resident=sum(worker.resident for worker in self._workers),
            restarts=self._restarts,
        )

    # ---- work ----

    async def run(
        self,
        task: Task,
        *,
        session: str | None = None,
        light: bool = False,
        names: tuple[tuple[str, str], ...] = (),
        progress: Progress | None = None,
    ) -> Any:
        """Have a task done; cancelling the call stops the work.

        Raises
        ------
        BusyError
            Too much is waiting.
        RefusedError, FailedError, TimeLimitError
            It did not come to a good end.
        """
        if self._stopping:
            raise FailedError("the server is shutting down")
        if len(self._waiting) >= self._settings.limits.queue:
            raise BusyError(max(1, round(self._typical * len(self._waiting) / len(self._workers))))
        job = _Job(
            number=next(self._numbers),
            task=task,
            session=session,
            light=light,
            names=names,
            progress=progress,
            future=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(job)
        self._dispatch()
        try:
            return await job.future
        except asyncio.CancelledError:
            self._cancel(job)
            raise

    def close(self, session: str) -> None:
        """Let the session's worker forget it."""
        worker = self._homes.pop(session, None)
        if worker is not None and worker in self._workers:
            run = Run(next(self._numbers), CloseSession(session), (), light=True, threads=1)
            self._send(worker, run)

    # ---- inside ----

    def _spawn(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, args=(theirs, self._settings), name="lsamatting-worker", daemon=True
        )
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()

    def _listen(self, worker: _Worker) -> None:
        """Hand on what a worker says; runs in a thread of its own."""
        while True:
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                message = None
            try:
                self._loop.call_soon_threadsafe(self._received, worker, message)
            except RuntimeError:  # the loop is closed
                return
            if message is None:
                return

    def _received(self, worker: _Worker, message: object) -> None:
        match message:
            case Ready(problem=None):
                worker.ready = True
                if self.started is not None and not self.started.done():
                    self.started.set_result(None)
            case Ready(problem=str(problem)):
                if self.started is not None and not self.started.done():
                    self.started.set_exception(WeightsError(problem))
            case Advanced():
                job = worker.jobs.get(message.job)
                if job is not None and job.progress is not None and not job.future.done():
                    job.progress(message.done, message.total)
            case Ended():
                self._ended(worker, message)
            case None:
                self._lost(worker)
        self._dispatch()

    def _ended(self, worker: _Worker, ended: Ended) -> None:
        worker.resident = ended.resident or worker.resident
        job = worker.jobs.pop(ended.job, None)
        if job is None:
            return
        if worker.heavy is job:
            worker.heavy = None
            self._typical += 0.2 * (time.perf_counter() - job.queued - self._typical)
        if job.timer is not None:
            job.timer.cancel()
        if job.future.done():
            _discard(job.task)
        elif ended.outcome == "done":
            job.future.set_result(ended.result)
        elif ended.outcome == "refused":
            _settle(job, RefusedError(*ended.result))
        elif ended.outcome == "failed":
            _settle(job, FailedError(ended.result))
        else:
            _settle(job, TimeLimitError())

    def _lost(self, worker: _Worker) -> None:
        """Go on without a worker that ended: others take over what it was doing."""
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        worker.connection.close()
        self._homes = {name: home for name, home in self._homes.items() if home is not worker}
        if self.started is not None and not self.started.done():
            self.started.set_exception(LsamattingError("a worker ended while it was starting"))
            return
        for job in worker.jobs.values():
            if job.timer is not None:
                job.timer.cancel()
            if job.future.done():
                _discard(job.task)
                continue
            if job.attempts >= ATTEMPTS:
                _settle(job, FailedError("the worker ended unexpectedly, twice, on this input"))
            else:
                self._waiting.appendleft(job)
        if not self._stopping and worker.ready:
            self._restarts += 1
            if not self._workers:
                self._spawn()

    def _dispatch(self) -> None:
        kept: deque[_Job] = deque()
        while self._waiting:
            job = self._waiting.popleft()
            if job.future.done():
                continue
            worker = self._worker_for(job)
            if worker is None:
                kept.append(job)
            else:
                self._hand(job, worker)
        self._waiting = kept
        starting = sum(not worker.ready for worker in self._workers)
        homeless = sum(self._home(job) is None for job in self._waiting)
        if homeless > starting and len(self._workers) < self._settings.workers:
            self._spawn()

    def _home(self, job: _Job) -> _Worker | None:
        return self._homes.get(job.session) if job.session is not None else None

    def _worker_for(self, job: _Job) -> _Worker | None:
        home = self._home(job)
        candidates = [home] if home is not None else self._workers
        able = [w for w in candidates if w.ready and (job.light or w.heavy is None)]
        return min(able, key=lambda worker: len(worker.jobs), default=None)

    def _hand(self, job: _Job, worker: _Worker) -> None:
        job.attempts += 1
        worker.jobs[job.number] = job
        if not job.light:
            worker.heavy = job
        if job.session is not None:
            self._homes[job.session] = worker
        busy = sum(other.heavy is not None for other in self._workers)
        threads = max(1, (os.cpu_count() or 1) // max(busy, 1))
        job.timer = self._loop.call_later(self._settings.limits.seconds, self._late, job, worker)
        self._send(worker, Run(job.number, job.task, job.names, light=job.light, threads=threads))

    def _late(self, job: _Job, worker: _Worker) -> None:
        _settle(job, TimeLimitError())
        self._stop_job(job, worker)

    def _cancel(self, job: _Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)
        for worker in self._workers:
            if job.number in worker.jobs:
                self._stop_job(job, worker)

    def _stop_job(self, job: _Job, worker: _Worker) -> None:
        if job.timer is not None:
            job.timer.cancel()
        self._send(worker, Cancel(job.number))

        def insist() -> None:
            if job.number in worker.jobs and worker in self._workers:
                worker.process.kill()

        job.timer = self._loop.call_later(GRACE, insist)

    @staticmethod
    def _send(worker: _Worker, message: object) -> None:
        # Of a worker that is gone its listener tells.
        with contextlib.suppress(OSError):
            worker.connection.send(message)


def _discard(task: Task) -> None:
    """Take away what was written for one who has left, and could not know of it."""
    target = written_by(task)
    if target is not None:
        with contextlib.suppress(OSError):
            Path(target).unlink()


def _settle(job: _Job, error: Exception) -> None:
    if not job.future.done():
        job.future.set_exception(error)
