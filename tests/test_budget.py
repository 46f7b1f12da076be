import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsamatting import budget
from lsamatting.budget import SMALLEST, UNITS, default_memory, describe, free_memory, parse_memory
from lsamatting.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4GiB", 4 * 2**30),
        ("4 gib", 4 * 2**30),
        (" 1.5 GB ", 1_500_000_000),
        ("700mb", 700_000_000),
        ("2048MiB", 2**31),
        ("1TiB", 2**40),
        ("800000000B", 800_000_000),
    ],
)
def test_amounts_are_read(text, expected):
    assert parse_memory(text) == expected


@pytest.mark.parametrize("text", ["", "4", "GiB", "four GiB", "4 gigs", "-4GiB", "4GiB 2", "1e3B"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ConfigError, match="accepted: a number and a unit, as 4GiB") as caught:
        parse_memory(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0GiB", "100MiB", "9999999999999TB"])
def test_amounts_beyond_reason_are_refused(text):
    with pytest.raises(ConfigError, match="512 MiB and more"):
        parse_memory(text)


@given(amount=st.floats(SMALLEST, 2.0**50), unit=st.sampled_from(list(UNITS)))
def test_any_amount_comes_back_in_any_unit(amount, unit):
    text = f"{amount / UNITS[unit]:.15f}{unit}"
    assert parse_memory(text) == pytest.approx(amount, rel=1e-6, abs=1)


@given(text=st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ConfigError):
        assert parse_memory(text) >= SMALLEST


def test_a_container_has_no_more_than_its_limit(monkeypatch):
    files = {
        "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 8388608 kB\n",
        "/sys/fs/cgroup/memory.max": "3221225472\n",
        "/sys/fs/cgroup/memory.current": "1073741824\n",
    }
    monkeypatch.setattr(budget, "_read", lambda path: files.get(path, ""))
    assert free_memory() == 2 * 2**30
    assert default_memory() == 2**30
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert free_memory() == 8 * 2**30


def test_workers_share_what_one_would_take(monkeypatch):
    monkeypatch.setattr(budget, "free_memory", lambda: 12 * 2**30)
    monkeypatch.setattr(budget, "_sharing", 1)
    assert default_memory() == 6 * 2**30
    budget.share_memory(3)
    assert default_memory() == 2 * 2**30
    budget.share_memory(100)
    assert default_memory() == SMALLEST


def test_amounts_are_said_in_words():
    assert describe(600 * 2**20) == "600 MiB"
    assert describe(2.5 * 2**30) == "2.5 GiB"
