"""What is known of a row: the means of its results, once they are complete."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lsamatting.errors import DatasetError
from lsamatting.evaluation.records import Records, read_records


def complete_results(file: Path) -> Records | None:
    """Read a results file; None if it is missing or lacks pictures.

    Raises
    ------
    DatasetError
        It is not a results file.
    """
    if not file.is_file():
        return None
    records = read_records(file)
    return records if records.complete else None


def check_origin(records: Records, sha256: str, options: Mapping[str, object]) -> None:
    """Refuse results of other weights, or of another way to use them.

    Raises
    ------
    DatasetError
        They are; the message says what differs.
    """
    method = records.header["method"]
    # Results of older versions do not have what was off in all of them.
    there = {"weights": method.get("sha256"), "coarse_to_fine": False, **method.get("options", {})}
    here = {"weights": sha256, **options}
    differing = [name for name in here if there.get(name) != here[name]]
    if differing:
        raise DatasetError(
            f"{records.path}: results of other {', '.join(differing)}; "
            "remove the file to evaluate anew"
        )
