from __future__ import annotations

import pytest

from lsamatting.batch.job import Done, Job
from lsamatting.batch.pace import Pace, duration


def jobs(*pixels: int) -> list[Job]:
    return [Job(f"{number}", "t", {}, pixels=size) for number, size in enumerate(pixels)]


def test_time_left_goes_by_pixels():
    now = 100.0
    work = jobs(8_000_000, 1_000_000, 1_000_000)
    pace = Pace(work, clock=lambda: now)
    assert pace.seconds_left is None
    now = 104.0
    pace.count(Done(work[0], {}))
    assert pace.seconds_left == pytest.approx(1.0)
    assert str(pace) == "0.25 pictures/s, 2.00 MP/s, 0:01 left"


def test_without_sizes_it_goes_by_pictures():
    now = 0.0
    work = jobs(8_000_000, 0, 0, 0)
    pace = Pace(work, clock=lambda: now)
    now = 5.0
    pace.count(Done(work[1], {}))
    assert pace.seconds_left == pytest.approx(15.0)


def test_durations():
    written = {0.4: "0:00", 61: "1:01", 3599.6: "1:00:00", 36_005: "10:00:05"}
    assert {seconds: duration(seconds) for seconds in written} == written
