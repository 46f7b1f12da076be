"""Many pictures from the command line: which engine does them, and what is shown meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsamatting.batch.addresses import STREAM
from lsamatting.cli.bar import bar_on
from lsamatting.cli.console import complain, stderr_console
from lsamatting.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from lsamatting.batch.job import Failed, Job, Outcome
    from lsamatting.batch.local import LocalPool
    from lsamatting.batch.pace import Pace
    from lsamatting.batch.recipe import Recipe
    from lsamatting.batch.results import Results
    from lsamatting.batch.run import Tally
    from lsamatting.batch.stopping import Stop
    from lsamatting.batch.work import Work

LINE_SECONDS = 30.0
"""A line about progress so often, where there is no terminal to draw a bar on."""


class EngineHere:
    """Works in this process."""

    def __init__(self, work: Work, *, account: bool) -> None:
        from lsamatting.threads import thread_count

        self._work = work
        self._account = account
        self.runtime = work.model.runtime.name
        self.device = work.model.runtime.device
        self.precision: str = work.model.options.precision
        self.threads = thread_count()

    def __call__(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Do jobs one after another."""
        from lsamatting.batch.here import work_here

        return work_here(jobs, self._work, stop=stop, account=self._account)


@dataclass
class EngineOfProcesses:
    """Works in processes."""

    pool: LocalPool
    threads: int

    @property
    def runtime(self) -> str:
        """What runs the network in the first of them."""
        return self.pool.info.runtime

    @property
    def device(self) -> str:
        """Where the first of them computes."""
        return self.pool.info.device

    @property
    def precision(self) -> str:
        """In which number format."""
        return self.pool.info.precision

    def __call__(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Do jobs side by side."""
        return self.pool.work(jobs, stop)


Engine = EngineHere | EngineOfProcesses


def choose_engine(
    jobs: Sequence[Job],
    recipe: Recipe,
    *,
    workers: int | None,
    threads: int | None,
    account: bool,
    picture_timeout: float | None = None,
) -> Engine:
    """Give what does the jobs on this machine.

    Without `workers`, or where an address means something to this process alone (`-`, `memory://`),
    that is this process.

    Raises
    ------
    ConfigError
        The numbers cannot be had on this machine, or a picture's time is limited where nobody could
        end it.
    WeightsError
        The model is to be loaded here, and cannot be.
    """
    from lsamatting.threads import check_threads, limit_threads

    if threads is not None:
        check_threads(threads)
    if workers == 0 or any(_is_of_this_process(job) for job in jobs):
        from lsamatting.batch.work import Work

        if picture_timeout is not None:
            raise ConfigError(
                "--picture-timeout needs worker processes, which can be ended: no --workers 0, no "
                "memory:// addresses"
            )
        if threads is not None:
            limit_threads(threads)
        return EngineHere(Work.of(recipe), account=account)
    from lsamatting.batch.local import LocalPool
    from lsamatting.batch.placement import places

    each = threads or 1
    devices = places(
        recipe.model.device, runtime=recipe.model.runtime, workers=workers, threads=each
    )
    return EngineOfProcesses(
        LocalPool(
            recipe,
            devices=devices,
            threads=each,
            account=account,
            picture_timeout=picture_timeout,
        ),
        each,
    )


def run_shown(
    jobs: Sequence[Job],
    engine: Callable[[Sequence[Job], Stop], Iterator[Outcome]],
    *,
    quiet: bool,
    lines: bool = False,
    results: Results | None = None,
    tell: Callable[[Outcome], None],
) -> Tally:
    """Have jobs done, with a bar on a terminal.

    Parameters
    ----------
    jobs, engine, results, tell
        As for `lsamatting.batch.run.run`.
    quiet
        Show nothing.
    lines
        Where there is no terminal, print a line every `LINE_SECONDS`.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    from lsamatting.batch.pace import Pace
    from lsamatting.batch.run import run

    console = stderr_console()
    pace = Pace(jobs)
    last = time.monotonic()
    columns = (
        TextColumn("pictures"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    with bar_on(console, *columns, shown=not quiet) as bar:
        shown = bar.add_task("", total=len(jobs))

        def took(outcome: Outcome) -> None:
            nonlocal last
            pace.count(outcome)
            bar.update(shown, completed=pace.done, description=str(pace))
            if lines and not quiet and not console.is_terminal:
                last = _line(console, pace, last)
            tell(outcome)

        return run(
            jobs,
            engine,
            results=results,
            tell=took,
            on_stop=lambda: complain(
                "finishing what is in flight; Ctrl-C once more does not wait for it", console
            ),
        )


def complain_of(outcome: Failed) -> None:
    """Print what went wrong with a picture."""
    hint = "" if outcome.expected else " (LSAMATTING_DEBUG=1 shows the traceback)"
    complain(f"{outcome.reason}{hint}")


def _line(console: Console, pace: Pace, last: float) -> float:
    now = time.monotonic()
    if now - last < LINE_SECONDS:
        return last
    console.print(f"{pace.done}/{pace.total}: {pace}")
    return now


def _is_of_this_process(job: Job) -> bool:
    addresses = (job.image, job.guide, *job.outputs.values())
    return any(a == STREAM or a.startswith("memory://") for a in addresses)
