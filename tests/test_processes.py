from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from lsamatting.errors import ConfigError, DatasetError, LsamattingError
from lsamatting.processes import in_processes


def test_every_job_comes_back_with_its_result(tmp_path: Path) -> None:
    for workers in (1, 2):
        with in_processes(divmod_7, range(20), workers=workers) as results:
            assert dict(results) == {job: divmod(job, 7) for job in range(20)}


def divmod_7(number: int) -> tuple[int, int]:
    return divmod(number, 7)


def test_many_workers_work_elsewhere_and_one_works_here() -> None:
    for workers, elsewhere in ((1, False), (2, True)):
        with in_processes(partial(_process_number), range(3), workers=workers) as results:
            assert all((number != os.getpid()) is elsewhere for _, number in results)


def _process_number(_: int) -> int:
    return os.getpid()


def test_an_error_reaches_the_caller() -> None:
    for workers in (1, 2):
        with (
            pytest.raises(DatasetError, match="job 3"),
            in_processes(_fail_at_3, range(6), workers=workers) as results,
        ):
            list(results)


def _fail_at_3(job: int) -> None:
    if job == 3:
        raise DatasetError("job 3")


def test_a_killed_process_is_said() -> None:
    with (
        pytest.raises(LsamattingError, match="a worker process was killed"),
        in_processes(_die_at_3, range(6), workers=2) as results,
    ):
        list(results)


def _die_at_3(job: int) -> None:
    if job == 3:
        os.kill(os.getpid(), signal.SIGKILL)


def test_leaving_early_drops_what_is_not_begun(tmp_path: Path) -> None:
    with in_processes(partial(_touch, tmp_path), range(200), workers=2) as results:
        next(results)
    assert len(list(tmp_path.iterdir())) < 200


def _touch(folder: Path, job: int) -> None:
    (folder / str(job)).touch()


def test_no_worker_is_refused() -> None:
    with (
        pytest.raises(ConfigError, match="workers is 0: at least 1"),
        in_processes(_process_number, range(3), workers=0),
    ):
        pass
