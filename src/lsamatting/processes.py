"""Many files worked on side by side, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.threads import processors

Job = TypeVar("Job")
Result = TypeVar("Result")


@contextmanager
def in_processes(
    function: Callable[[Job], Result], jobs: Sequence[Job], *, workers: int | None = None
) -> Iterator[Iterator[tuple[Job, Result]]]:
    """Do jobs side by side.

    Parameters
    ----------
    function
        Does one job. A function of a module, or a `functools.partial` of one: it is sent to the
        processes.
    jobs
        What it is called with.
    workers
        Processes, at least 1; one per processor if not given. With one, or a single job, nothing is
        started and the jobs are done here.

    Yields
    ------
    Iterator[tuple[Job, Result]]
        Each job with what the function gave, as they end. What the function raises is raised from
        the iterator. Leaving the context drops jobs that are not begun and waits for the others.

    Raises
    ------
    ConfigError
        `workers` is less than 1.
    LsamattingError
        A process was killed.
    """
    workers = min(worker_count(workers), len(jobs))
    if workers <= 1:
        yield ((job, function(job)) for job in jobs)
        return
    # Spawned, not forked: a fork of a process with running threads may hang.
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start
    )
    try:
        yield _as_they_end(pool, function, jobs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def worker_count(wanted: int | None) -> int:
    """Give the number of processes for an option of it: one per processor where it is None.

    Raises
    ------
    ConfigError
        It is less than 1.
    """
    if wanted is not None and wanted < 1:
        raise ConfigError(f"workers is {wanted}: at least 1 process is wanted")
    return wanted or processors()


def _as_they_end(
    pool: ProcessPoolExecutor, function: Callable[[Job], Result], jobs: Sequence[Job]
) -> Iterator[tuple[Job, Result]]:
    futures = {pool.submit(function, job): job for job in jobs}
    for future in as_completed(futures):
        try:
            result = future.result()
        except BrokenProcessPool:
            raise LsamattingError(
                "a worker process was killed, perhaps for want of memory; fewer workers need less"
            ) from None
        yield futures[future], result


def _start() -> None:
    """Set a process up, before anything heavy is imported into it."""
    # Files side by side are faster than threads within one. These are read at the first import.
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)
    # Ctrl-C is for the process that started this one; what is being written is finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
