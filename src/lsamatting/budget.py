"""How much memory may be taken: what a user asks for, or half of what is free."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lsamatting.errors import ConfigError

UNITS = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}

SMALLEST = 512 * 2**20
"""A process that has loaded its libraries takes most of this."""

WHERE_UNTOLD = 4 * 2**30
"""Taken where the system does not tell what is free."""

_sharing = 1

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
"""Where containers find what they may take, and what they have."""


def parse_memory(text: str) -> int:
    """Read an amount of memory as `4GiB`, `1500 MB` or `0.5 GiB`: bytes.

    Units are those of `UNITS`, in any case.

    Raises
    ------
    ConfigError
        It is no such amount, or less than a process takes without a picture.
    """
    accepted = "a number and a unit, as 4GiB or 1500MB"
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]+)\s*", text)
    units = {name.lower(): size for name, size in UNITS.items()}
    if match is None or match[2].lower() not in units:
        raise ConfigError(f"memory {text!r}; accepted: {accepted}")
    amount = float(match[1]) * units[match[2].lower()]
    if not _accepted(amount):
        raise ConfigError(f"memory {text!r}; accepted are {describe(SMALLEST)} and more")
    return int(amount)


def check_memory(amount: int) -> int:
    """Give back an amount of bytes; ConfigError if a process alone takes more."""
    if not _accepted(amount):
        raise ConfigError(
            f"memory of {amount} bytes; accepted are {SMALLEST} ({describe(SMALLEST)}) and more, "
            "or a number and a unit, as '4GiB'"
        )
    return amount


def _accepted(amount: float) -> bool:
    """Tell whether a process may keep to so many bytes, and a system call take their number."""
    return SMALLEST <= amount < 2**63


def describe(amount: float) -> str:
    """Say an amount of bytes in MiB or GiB."""
    if amount < 2**30:
        return f"{amount / 2**20:.0f} MiB"
    return f"{amount / 2**30:.1f} GiB"


def share_memory(processes: int) -> None:
    """Let this process be one of several that take what `default_memory` gives one alone."""
    global _sharing
    _sharing = processes


def default_memory() -> int:
    """Give half of what is free now, or a process's share of it, in bytes; at least `SMALLEST`."""
    free = free_memory()
    return max((WHERE_UNTOLD if free is None else free // 2) // _sharing, SMALLEST)


def free_memory() -> int | None:
    """Give the bytes that this process could still take; None where the system does not tell.

    On Linux what is available, or what the container has left if that is less; elsewhere all of the
    machine's memory.
    """
    found = []
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            found.append(int(line.split()[1]) * 1024)
    if not found:
        try:
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, OSError, ValueError):
            return None
    for limit, usage in _CGROUPS:
        most, used = _read(limit).strip(), _read(usage).strip()
        if most.isdigit() and used.isdigit():
            found.append(max(int(most) - int(used), 0))
    return min(found)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
