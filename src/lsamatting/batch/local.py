"""The engine of one machine: processes with a model each, which may die one by one."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from time import monotonic

from lsamatting.batch.job import Done, Failed, Job, Outcome
from lsamatting.batch.recipe import Recipe
from lsamatting.batch.stopping import Stop
from lsamatting.batch.worker import Ready, serve
from lsamatting.errors import LsamattingError

ATTEMPTS = 2
"""Workers that a picture may take down before it is given up."""

STARTS = 3
"""Workers that may die in a row before one has loaded its model."""

_POLL = 0.5


@dataclass(eq=False)
class _Worker:
    process: multiprocessing.process.BaseProcess
    connection: Connection
    device: str
    ready: bool = False
    job: Job | None = None
    until: float = math.inf
    """When its job is to be done, by the monotonic clock."""

    overdue: bool = False


class LocalPool:
    """Worker processes, started once and each again when it dies.

    Parameters
    ----------
    recipe
        What they do with every picture.
    devices
        One worker is started for each; a device may be named more than once.
    threads
        Processor threads of each.
    account
        Whether reports tell what a later run wants to know, as for `Work.do`.
    picture_timeout
        Seconds that a picture may take; for ever if not given.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        devices: Sequence[str],
        threads: int = 1,
        account: bool = True,
        picture_timeout: float | None = None,
    ) -> None:
        self._recipe = recipe
        self._devices = list(devices)
        self._threads = threads
        self._account = account
        self._timeout = picture_timeout
        # Spawned, not forked: a fork of a process with running threads may hang.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._deaths_in_a_row = 0
        self.restarts = 0
        self.info = Ready()
        """What the first worker told of its model."""

    def work(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Do jobs side by side; outcomes come as they end.

        A worker that dies costs the picture it was at, which is tried once more. One whose picture
        takes too long is ended, and another takes its place; the picture has failed. When a stop is
        asked for, what is in flight is finished and nothing else begun. Leaving the iterator early
        ends all workers.

        Raises
        ------
        LsamattingError
            The model cannot be loaded, or workers die before they have loaded it.
        """
        waiting = deque(jobs)
        attempts: Counter[str] = Counter()
        try:
            for device in self._devices[: len(jobs)]:
                self._start(device)
            while waiting or any(worker.job for worker in self._workers):
                if stop.requested:
                    waiting.clear()
                    if not any(worker.job for worker in self._workers):
                        return
                for worker in self._workers:
                    if waiting and worker.ready and worker.job is None:
                        self._hand(worker, waiting.popleft())
                self._end_overdue()
                for worker in self._stirring():
                    try:
                        message = worker.connection.recv()
                    except (EOFError, OSError):
                        outcome = self._bury(worker, waiting, attempts, stop)
                        if outcome is not None:
                            yield outcome
                        continue
                    if isinstance(message, Ready):
                        if message.problem is not None:
                            raise LsamattingError(message.problem)
                        worker.ready, self._deaths_in_a_row = True, 0
                        self.info = self.info if self.info.device else message
                    else:
                        job, worker.job, worker.until = worker.job, None, math.inf
                        assert job is not None
                        yield _renewed(message, job)
        finally:
            self._end(gently=not any(worker.job for worker in self._workers))

    def processes(self) -> list[int]:
        """Give the numbers of the worker processes."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    def at_work_on(self, image: str) -> list[int]:
        """Give the number of the process that has an image in hand, if any has."""
        return [
            worker.process.pid
            for worker in self._workers
            if worker.process.pid is not None and worker.job and worker.job.image == image
        ]

    def _start(self, device: str) -> None:
        ours, theirs = self._context.Pipe()
        recipe = replace(self._recipe, model=replace(self._recipe.model, device=device))
        process = self._context.Process(
            target=serve,
            args=(theirs, recipe, self._threads, len(self._devices), self._account),
            name="lsamatting-worker",
            daemon=True,
        )
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, device))

    def _hand(self, worker: _Worker, job: Job) -> None:
        worker.job = job
        if self._timeout is not None:
            worker.until = monotonic() + self._timeout
        # If it is dead, its end of the pipe will tell.
        with contextlib.suppress(OSError):
            worker.connection.send(job)

    def _end_overdue(self) -> None:
        now = monotonic()
        for worker in self._workers:
            # What it has answered in the meantime counts.
            if now > worker.until and not worker.connection.poll():
                worker.overdue = True
                # Not with a signal that it might handle: it may hang in a library.
                worker.process.kill()

    def _stirring(self) -> list[_Worker]:
        by_connection = {worker.connection: worker for worker in self._workers}
        return [by_connection[c] for c in wait(list(by_connection), _POLL)]  # type: ignore[index]

    def _bury(
        self, worker: _Worker, waiting: deque[Job], attempts: Counter[str], stop: Stop
    ) -> Outcome | None:
        """Take a dead worker's picture back, or give it up, and start another worker."""
        worker.connection.close()
        worker.process.join()
        self._workers.remove(worker)
        how = _cause(worker.process.exitcode)
        if not worker.ready:
            self._deaths_in_a_row += 1
            if self._deaths_in_a_row >= STARTS:
                raise LsamattingError(f"{STARTS} workers ended while they were starting: {how}")
        outcome = None
        if worker.job is not None and worker.overdue:
            outcome = Failed(
                worker.job, f"{worker.job.image}: given up, not done after {self._timeout:g} s"
            )
        elif worker.job is not None:
            attempts[worker.job.key] += 1
            if attempts[worker.job.key] >= ATTEMPTS:
                outcome = Failed(
                    worker.job, f"{worker.job.image}: its worker ended, {ATTEMPTS} times: {how}"
                )
            elif not stop.requested:
                waiting.appendleft(worker.job)
        if waiting:
            self.restarts += 1
            self._start(worker.device)
        return outcome

    def _end(self, *, gently: bool) -> None:
        for worker in self._workers:
            worker.connection.close()
            if not gently:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()


def _renewed(outcome: Outcome, job: Job) -> Outcome:
    """Give an outcome the job that this process knows, in place of its copy."""
    return Done(job, outcome.report) if isinstance(outcome, Done) else replace(outcome, job=job)


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    import signal

    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    memory = ", perhaps for want of memory" if name == "SIGKILL" else ""
    return f"killed by {name}{memory}"
