"""What is to be done, in which order, and what was done before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lsamatting.batch.addresses import STREAM
from lsamatting.batch.census import Census
from lsamatting.batch.job import Job
from lsamatting.batch.results import Results


@dataclass(frozen=True)
class Plan:
    """The jobs of a run."""

    pending: list[Job]
    """Those to be done, the largest first: then no worker is left with a large one at the end."""

    done: list[Job] = field(default_factory=list)
    """Those that were done before, and are still as they should be."""

    failed: list[Job] = field(default_factory=list)
    """Those that failed before, and would again: nothing has changed since."""


def plan(jobs: Sequence[Job], results: Results | None = None, *, retry: bool = False) -> Plan:
    """Sort jobs.

    Parameters
    ----------
    jobs
        All that are wanted.
    results
        Records of earlier runs. A job is done if its outputs are there, its recipe and weights are
        those of now, and so are its inputs: by their stamps, or else by their digests, which a
        worker compares.
    retry
        Try again what failed, though nothing has changed.
    """
    asked = [address for job in jobs for address in (job.image, job.guide)]
    if results is not None and results.done:
        asked += (address for job in jobs for address in job.outputs.values())
    census = Census(asked)
    planned = Plan([])
    for job in jobs:
        record = results.done.get(job.key) if results else None
        failure = results.failed.get(job.key) if results else None
        known = None
        if results and record and results.made_as_now(record) and all_there(record, job, census):
            if as_recorded(record["inputs"], job, census):
                planned.done.append(job)
                continue
            known = {name: told["sha256"] for name, told in record["inputs"].items()}
        elif (
            results
            and failure
            and not retry
            and results.made_as_now(failure)
            and failure["inputs"] == stamps(job, census)
        ):
            planned.failed.append(job)
            continue
        planned.pending.append(replace(job, known=known, pixels=job.pixels or _pixels(job, census)))
    planned.pending.sort(key=lambda job: -job.pixels)
    return planned


def stamps(job: Job, census: Census | None = None) -> dict[str, Any]:
    """Tell the state of a job's inputs, for the record of a failure."""
    census = census or Census([job.image, job.guide])
    found = {"image": census.stamp(job.image), job.guide_kind: census.stamp(job.guide)}
    return {name: None if stamp is None else asdict(stamp) for name, stamp in found.items()}


def _pixels(job: Job, census: Census) -> int:
    return 0 if job.image == STREAM else census.pixels(job.image)


def all_there(record: Mapping[str, Any], job: Job, census: Census) -> bool:
    """Tell whether a job's outputs are there, with the size that was recorded."""
    for name, address in job.outputs.items():
        stamp = census.stamp(address)
        if stamp is None or stamp.bytes != record["bytes"].get(name):
            return False
    return True


def as_recorded(recorded: Mapping[str, Any], job: Job, census: Census) -> bool:
    """Tell whether a job's inputs are surely as they were recorded."""
    return census.unchanged(job.image, recorded["image"]) and census.unchanged(
        job.guide, recorded[job.guide_kind]
    )
