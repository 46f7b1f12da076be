"""What is known of a picture while a cluster has it, where workers and later runs can see it.

A worker that dies takes with it what it had not told yet, and so does the process that hands out
the pictures. So each picture has a small file beside the results from when it is begun until all
is recorded: how often it was begun, and what became of it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from lsamatting.batch.addresses import file_system, is_url, join, save_bytes
from lsamatting.batch.job import Done, Failed, Job, Outcome
from lsamatting.replacing import replacing

FOLDER = ".claims"

ATTEMPTS = 2
"""Workers that a picture may take down before it is given up."""

_STOP = "stop"


@dataclass(frozen=True)
class Claim:
    """The file of one picture."""

    attempts: int
    """How often it was begun."""

    by: str
    """The process that began it last, and its machine."""

    report: dict[str, Any] | None = None
    """Of a good end."""

    reason: str | None = None
    """Of a bad one."""

    expected: bool = True
    """Of a bad one, whether it is the input's fault, or the machine's."""

    @property
    def ended(self) -> bool:
        """Whether it came to an end."""
        return self.report is not None or self.reason is not None

    def outcome(self, job: Job) -> Outcome:
        """Give what became of the job, which has ended."""
        if self.report is not None:
            return Done(job, self.report)
        assert self.reason is not None
        return Failed(job, self.reason, self.expected)


class Claims:
    """The claims in a folder of results, a path that all machines share or a URL.

    Parameters
    ----------
    folder
        Of the results.
    mark
        Of the recipe and weights: claims of another are not seen.
    """

    def __init__(self, folder: str, mark: str) -> None:
        self._folder = join(folder, FOLDER)
        self._mark = mark

    def read(self, job: Job) -> Claim | None:
        """Give a job's claim, if there is one."""
        data = self._load(self._address(job))
        if data is None:
            return None
        said = json.loads(data)
        return Claim(**said["claim"]) if said["mark"] == self._mark else None

    def ended(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Give what became of those of some jobs that have ended."""
        there = self._keys()
        for job in jobs:
            if job.key in there and (claim := self.read(job)) is not None and claim.ended:
                yield claim.outcome(job)

    def begin(self, job: Job) -> Claim:
        """Begin a job, unless it has ended already or has taken down enough workers.

        Returns
        -------
        Claim
            The job is to be done if it has not ended.
        """
        earlier = self.read(job)
        if earlier is not None and earlier.ended:
            return earlier
        attempts = 0 if earlier is None else earlier.attempts
        if attempts >= ATTEMPTS:
            assert earlier is not None
            reason = f"{job.image}: its worker ended, {attempts} times, last {earlier.by}"
            claim = replace(earlier, reason=reason)
        else:
            claim = Claim(attempts + 1, _myself())
        self._write(job, claim)
        return claim

    def end(self, outcome: Outcome, claim: Claim) -> Claim:
        """Write down what became of a job that was begun."""
        if isinstance(outcome, Done):
            claim = replace(claim, report=outcome.report)
        else:
            claim = replace(claim, reason=outcome.reason, expected=outcome.expected)
        self._write(outcome.job, claim)
        return claim

    def ask_to_stop(self) -> None:
        """Let workers begin nothing more."""
        self._save(join(self._folder, _STOP), b"")

    def stop_asked(self) -> bool:
        """Tell whether workers are to begin nothing more."""
        return self._load(join(self._folder, _STOP)) is not None

    def clear(self) -> None:
        """Take all of them away."""
        if not is_url(self._folder):
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        system, path = file_system(self._folder)
        system.invalidate_cache()
        if system.exists(path):
            system.rm(path, recursive=True)

    def _keys(self) -> set[str]:
        """Give the keys of all jobs that have a claim, without reading any."""
        if is_url(self._folder):
            system, path = file_system(self._folder)
            system.invalidate_cache()
            return {PurePosixPath(name).stem for name in system.find(path)}
        return {path.stem for path in Path(self._folder).glob("*/*.json")}

    def _address(self, job: Job) -> str:
        # Not too many in one folder.
        return join(join(self._folder, job.key[:2]), f"{job.key}.json")

    def _write(self, job: Job, claim: Claim) -> None:
        data = json.dumps({"mark": self._mark, "claim": vars(claim)}).encode()
        self._save(self._address(job), data)

    def _save(self, address: str, data: bytes) -> None:
        if is_url(address):
            save_bytes(address, data)
            return
        Path(address).parent.mkdir(parents=True, exist_ok=True)
        with replacing(Path(address)) as temporary:
            temporary.write_bytes(data)

    def _load(self, address: str) -> bytes | None:
        try:
            if is_url(address):
                system, path = file_system(address)
                return bytes(system.cat_file(path))
            return Path(address).read_bytes()
        except FileNotFoundError:
            return None


def _myself() -> str:
    return f"{os.getpid()} on {socket.gethostname()}"
