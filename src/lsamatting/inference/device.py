"""Where the network runs."""

from __future__ import annotations

import torch

from lsamatting.errors import ConfigError


def available_devices() -> tuple[str, ...]:
    """Name the devices of this machine, the fastest first: `cuda:0` …, `mps`, `cpu`."""
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return (*names, "cpu")


def choose_device(name: str = "auto") -> torch.device:
    """Turn a name into a device that is there.

    Parameters
    ----------
    name:
        `auto` (the first of `available_devices`), `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises
    ------
    ConfigError
        The device does not exist or is not on this machine.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in available:
        raise ConfigError(
            f"device {name!r} is not on this machine; accepted here: auto, {', '.join(available)}"
        )
    return torch.device(wanted)
