"""One run: what an engine does is written down, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lsamatting.batch.job import Done, Job, Outcome
from lsamatting.batch.planning import stamps
from lsamatting.batch.results import Results
from lsamatting.batch.stopping import Stop, stopping

Engine = Callable[[Sequence[Job], Stop], Iterator[Outcome]]


@dataclass
class Tally:
    """What became of the jobs of one run."""

    made: list[str] = field(default_factory=list)
    """Keys of those that were done."""

    unchanged: int = 0
    """Their inputs have new stamps but the same contents: nothing had to be done."""

    failed: int = 0
    unexpected: int = 0
    """Of the failed, those that no input could cause."""

    not_reached: list[Job] = field(default_factory=list)
    """The run was stopped."""

    @property
    def done(self) -> int:
        """How many were done."""
        return len(self.made)


def run(
    jobs: Sequence[Job],
    engine: Engine,
    *,
    results: Results | None = None,
    tell: Callable[[Outcome], None],
    on_stop: Callable[[], None] = lambda: None,
) -> Tally:
    """Have jobs done.

    Parameters
    ----------
    jobs
        In the order in which they are begun.
    engine
        What does them.
    results
        Where outcomes are written down.
    tell
        Called with each outcome, after that.
    on_stop
        Called when Ctrl-C asks for the end. What is in flight is finished, and what is not reached
        is in the tally; after a second one also what was in flight.

    Raises
    ------
    LsamattingError
        The engine cannot start, or results cannot be written.
    """
    tally = Tally()
    left = dict.fromkeys(jobs_by_key := {job.key: job for job in jobs})
    with stopping(on_stop) as stop:
        try:
            for outcome in engine(jobs, stop):
                left.pop(outcome.job.key, None)
                _write_down(outcome, results, tally)
                tell(outcome)
        except KeyboardInterrupt:
            pass
        finally:
            if results is not None:
                results.close()
    tally.not_reached = [jobs_by_key[key] for key in left]
    return tally


def _write_down(outcome: Outcome, results: Results | None, tally: Tally) -> None:
    if isinstance(outcome, Done):
        if results is not None:
            results.succeed(outcome.job, outcome.report)
        if outcome.report.get("unchanged"):
            tally.unchanged += 1
        else:
            tally.made.append(outcome.job.key)
        return
    if results is not None:
        results.fail(outcome.job, outcome.reason, stamps(outcome.job), expected=outcome.expected)
    tally.failed += 1
    tally.unexpected += not outcome.expected
