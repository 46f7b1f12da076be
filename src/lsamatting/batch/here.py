"""The engine that starts nothing: one picture after another in this process."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence

from lsamatting.batch.job import Done, Failed, Job, Outcome
from lsamatting.batch.stopping import Stop
from lsamatting.batch.work import Work
from lsamatting.errors import LsamattingError, MissingExtraError
from lsamatting.extras import extra_of


def work_here(
    jobs: Sequence[Job], work: Work, *, stop: Stop, account: bool = True
) -> Iterator[Outcome]:
    """Do jobs in this process, until one is done after a stop was asked for."""
    for job in jobs:
        if stop.requested:
            return
        yield attempt(work, job, account=account)


def attempt(work: Work, job: Job, *, account: bool) -> Outcome:
    """Do one job; whatever goes wrong is an outcome too."""
    try:
        return Done(job, work.do(job, account=account))
    except LsamattingError as error:
        return Failed(job, str(error))
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and (extra := extra_of(error.name)) is not None:
            return Failed(job, str(MissingExtraError(job.image, extra)))
        if os.environ.get("LSAMATTING_DEBUG"):
            traceback.print_exc()
        words = " ".join(str(error).split())
        reason = f"{job.image}: unexpected {type(error).__name__}: {words}"
        return Failed(job, reason, expected=False)
