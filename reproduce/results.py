"""What is known of a row: its results, if they are complete and of what the row says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lsamatting.digests import file_digest
from lsamatting.errors import DatasetError, WeightsError
from lsamatting.evaluation import methods
from lsamatting.evaluation.records import Records, read_records
from lsamatting.network.files import find_weights, numbers_file

if TYPE_CHECKING:
    from reproduce.plan import Plan, Step


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


def check_origin(records: Records, plan: Plan, step: Step) -> None:
    """Refuse results of other weights or pictures, or of another way to use them.

    Weights and pictures that are gone cannot be compared: they may be removed once all is measured.

    Raises
    ------
    DatasetError
        They are; the message says what differs.
    """
    method, dataset = records.header["method"], records.header["dataset"]
    options = methods.network_options(
        padding=step.padding, coarse_to_fine=False, refine=step.row.refine, tta=step.row.tta
    )
    here, there = {}, {}
    try:
        here["weights"] = file_digest(numbers_file(find_weights(step.weights)))
        there["weights"] = method.get("sha256")
    except WeightsError:
        pass
    if step.dataset.is_dir():
        here["pictures"], there["pictures"] = plan.digest_of(step), dataset.get("digest")
    here |= options.to_dict()
    # Results of older versions do not have what was off in all of them.
    there |= {"coarse_to_fine": False, **method.get("options", {})}
    differing = [name for name in here if there.get(name) != here[name]]
    if differing:
        raise DatasetError(
            f"{records.path}: results of other {', '.join(differing)}; "
            "remove the file to evaluate anew"
        )


def results_of(plan: Plan, step: Step) -> Records | None:
    """Give a row's results; None if they are not complete, or of something else than it says.

    Raises
    ------
    DatasetError
        The file is not one of results.
    """
    records = complete_results(step.results)
    if records is None:
        return None
    try:
        check_origin(records, plan, step)
    except DatasetError:
        return None
    return records
