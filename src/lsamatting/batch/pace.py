"""How fast a run goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lsamatting.batch.job import Job, Outcome


class Pace:
    """Counts what is done of some jobs.

    Time left is told by pixels, for pictures of many sizes, and the largest come first; by pictures
    where sizes are not known.
    """

    def __init__(
        self, jobs: Sequence[Job], *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._clock = clock
        self._start = clock()
        self._known = all(job.pixels for job in jobs)
        self.total = len(jobs)
        self.done = 0
        self._pixels = 0
        self._weight = 0
        self._whole = sum(map(self._weigh, jobs))

    def count(self, outcome: Outcome) -> None:
        """Take note of one that ended."""
        self.done += 1
        self._pixels += outcome.job.pixels
        self._weight += self._weigh(outcome.job)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock() - self._start

    @property
    def seconds_left(self) -> float | None:
        """About how many are left; None before the first picture is done."""
        if not self._weight:
            return None
        return self.seconds * (self._whole - self._weight) / self._weight

    def __str__(self) -> str:
        seconds = max(self.seconds, 1e-9)
        pictures = f"{self.done / seconds:.2f} pictures/s"
        pixels = f", {self._pixels / 1e6 / seconds:.2f} MP/s"
        left = "" if self.seconds_left is None else f", {duration(self.seconds_left)} left"
        return f"{pictures}{pixels}{left}"

    def _weigh(self, job: Job) -> int:
        return job.pixels if self._known else 1


def duration(seconds: float) -> str:
    """Write a time as `1:02:03`, or `2:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
