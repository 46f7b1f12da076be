"""What a run came to: counted, timed, and told in a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from lsamatting.batch.addresses import is_url, join, save_bytes
from lsamatting.batch.doubt import CRITERION
from lsamatting.batch.job import Job
from lsamatting.batch.pace import duration
from lsamatting.batch.results import Results
from lsamatting.batch.run import Tally
from lsamatting.batch.sheet import worst
from lsamatting.replacing import replacing

NAME = "summary.json"

NAMED = 5
"""So many of the worst pictures and of the files that were passed over are named."""


def summarise(
    jobs: Sequence[Job],
    results: Results,
    tally: Tally,
    *,
    seconds: float,
    skipped: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Give the state of all jobs, and what this run did for it, ready for JSON.

    Parameters
    ----------
    jobs
        All that are wanted, done before or not.
    results, tally
        After the run.
    seconds
        That it took.
    skipped
        Files that were passed over, with the reason.
    """
    records = [results.done[job.key] for job in jobs if job.key in results.done]
    made = [results.done[key] for key in tally.made]
    pixels = sum(record["size"][0] * record["size"][1] for record in made)
    per_second = tally.done / seconds if seconds else 0.0
    return {
        "pictures": len(jobs),
        "done": len(records),
        "failed": sum(job.key in results.failed for job in jobs),
        "not_reached": len(tally.not_reached),
        "this_run": {
            "done": tally.done,
            "unchanged": tally.unchanged,
            "failed": tally.failed,
            "seconds": round(seconds, 3),
            "pictures_per_second": round(per_second, 4),
            "megapixels_per_second": round(pixels / 1e6 / seconds, 4) if seconds else 0.0,
            "processor_seconds": round(sum(record["seconds"]["processor"] for record in made), 3),
        },
        "with_notes": sum(bool(record["notes"]) for record in records),
        "doubt": {
            "criterion": CRITERION,
            "median": round(median(record["doubt"] for record in records), 5) if records else None,
            "worst": [
                {"image": record["image"], "doubt": record["doubt"]} for record in worst(records)
            ],
        },
        "recipe": results.recipe,
        "weights": results.weights,
        "skipped": [{"file": path, "reason": reason} for path, reason in skipped],
    }


def lines(summary: dict[str, Any]) -> list[str]:
    """Write a summary for people."""
    run, doubt = summary["this_run"], summary["doubt"]
    counts = [f"{summary['done']} of {summary['pictures']} done"]
    before = summary["done"] - run["done"] - run["unchanged"]
    if before > 0:
        counts.append(f"{before} of them before")
    for count, what in (
        (run["unchanged"], "touched but the same"),
        (summary["failed"], "failed"),
        (summary["not_reached"], "not reached"),
        (summary["with_notes"], "with notes"),
    ):
        if count:
            counts.append(f"{count} {what}")
    told = [", ".join(counts)]
    if run["done"]:
        told.append(
            f"{run['done']} in {duration(run['seconds'])}: {run['pictures_per_second']:.2f} "
            f"pictures/s, {run['megapixels_per_second']:.2f} MP/s"
        )
    doubtful = [item for item in doubt["worst"] if item["doubt"] > 0][:NAMED]
    if doubtful:
        told.append(f"worst by the {doubt['criterion']}:")
        told += (f"  {item['doubt']:.4f}  {item['image']}" for item in doubtful)
    skipped = summary["skipped"]
    if skipped:
        names = [f"{item['file']}: {item['reason']}" for item in skipped[:NAMED]]
        more = f"; and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        told.append(f"{len(skipped)} skipped ({'; '.join(names)}{more})")
    return told


def write_summary(folder: str, summary: dict[str, Any]) -> None:
    """Write a summary into a folder of results.

    Raises
    ------
    ImageError, OSError
        It cannot be written.
    """
    data = json.dumps(summary, indent=2).encode() + b"\n"
    address = join(folder, NAME)
    if is_url(address):
        save_bytes(address, data)
    else:
        with replacing(Path(address)) as temporary:
            temporary.write_bytes(data)
