"""What was done and what failed in a folder of results, from one run to the next."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any

from lsamatting.batch.addresses import join
from lsamatting.batch.job import Job, key_of
from lsamatting.batch.ledger import Record, open_ledger
from lsamatting.errors import ConfigError

DONE, FAILED = "results.jsonl", "failed.jsonl"


class Results:
    """The records of `results.jsonl` and `failed.jsonl`, by the keys of their jobs.

    Every picture has one record in one of the files; while a run goes on, an older one may be there
    too, and the newer counts.

    Parameters
    ----------
    folder
        Path or URL.
    recipe, weights
        Digests of what is done with every picture now.

    Raises
    ------
    ConfigError
        A file cannot be read, or is something else.
    """

    def __init__(self, folder: str, *, recipe: str, weights: str) -> None:
        self.recipe, self.weights = recipe, weights
        self._files = {name: open_ledger(join(folder, name)) for name in (DONE, FAILED)}
        self._stale: set[str] = set()
        self._latest = 0.0
        read = {name: self._read(name) for name in self._files}
        self.done = {
            key: record
            for key, record in read[DONE].items()
            if _newer(record, read[FAILED].get(key))
        }
        self.failed = {key: r for key, r in read[FAILED].items() if key not in self.done}
        for name, kept in ((DONE, self.done), (FAILED, self.failed)):
            if len(kept) < len(read[name]):
                self._stale.add(name)

    def made_as_now(self, record: Record) -> bool:
        """Tell whether a record is of the present recipe and weights."""
        return (record.get("recipe"), record.get("weights")) == (self.recipe, self.weights)

    def succeed(self, job: Job, report: Mapping[str, Any]) -> Record:
        """Write down that a job was done, or that its outputs are still right."""
        if report.get("unchanged"):
            report = {**self.done[job.key], "inputs": report["inputs"]}
        record = self._stamped(dict(report))
        if job.key in self.done:
            self._stale.add(DONE)
        if self.failed.pop(job.key, None) is not None:
            self._stale.add(FAILED)
        self.done[job.key] = record
        self._files[DONE].append(record)
        return record

    def fail(self, job: Job, reason: str, stamps: Mapping[str, Any], *, expected: bool) -> Record:
        """Write down that a job failed; `stamps` tell the state of its inputs."""
        record = self._stamped(
            {
                "image": job.image,
                job.guide_kind: job.guide,
                "outputs": job.outputs,
                "reason": reason,
                "expected": expected,
                "inputs": dict(stamps),
            }
        )
        if self.done.pop(job.key, None) is not None:
            self._stale.add(DONE)
        if job.key in self.failed:
            self._stale.add(FAILED)
        self.failed[job.key] = record
        self._files[FAILED].append(record)
        return record

    def keep_failures(self, keys: Container[str]) -> None:
        """Forget failures of other jobs: of pictures that are not asked for any more."""
        kept = {key: record for key, record in self.failed.items() if key in keys}
        if len(kept) < len(self.failed):
            self._stale.add(FAILED)
            self.failed = kept

    def close(self) -> None:
        """Bring the files into order: one record for each picture."""
        for name, records in ((DONE, self.done), (FAILED, self.failed)):
            self._files[name].close()
            if name in self._stale:
                self._files[name].rewrite(records.values())
        self._stale.clear()

    def _stamped(self, record: Record) -> Record:
        # Two records of one millisecond, or a clock that is set back, must not hide which is newer.
        self._latest = round(max(time.time(), self._latest + 0.001), 3)
        return {
            **record,
            "recipe": self.recipe,
            "weights": self.weights,
            "finished": self._latest,
        }

    def _read(self, name: str) -> dict[str, Record]:
        records = self._files[name].read()
        latest: dict[str, Record] = {}
        for record in records:
            kind = "mask" if "mask" in record else "trimap"
            try:
                key = key_of(record["image"], record[kind], kind, record["outputs"])
                self._latest = max(self._latest, record["finished"])
            except (KeyError, TypeError, AttributeError):
                raise ConfigError(
                    f"{name}: holds lines that are not of a batch, such as {str(record)[:60]}; "
                    "give another folder, or take it away"
                ) from None
            latest.pop(key, None)  # so that the order is that of the newest
            latest[key] = record
        if len(latest) < len(records):
            self._stale.add(name)
        return latest


def _newer(record: Record, other: Record | None) -> bool:
    return other is None or record["finished"] >= other["finished"]
