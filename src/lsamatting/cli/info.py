"""`lsamatting info`: what is installed, what it runs on, and the weights that come with it."""

from __future__ import annotations

import platform
from importlib.util import find_spec

from lsamatting import __version__
from lsamatting.cli.console import say
from lsamatting.text_table import align

EXTRAS = {"train": "lightning", "figures": "matplotlib", "demo": "skimage"}
"""Optional parts, and a module that shows whether one is installed."""


def info() -> None:
    """Print versions, devices and bundled weights."""
    import torch

    from lsamatting.inference.device import available_devices
    from lsamatting.weights import bundled_names, describe_bundled

    rows = {
        "lsamatting": __version__,
        "python": f"{platform.python_version()} on {platform.platform(terse=True)}",
        "torch": torch.__version__,
        "devices": ", ".join(_device(name) for name in available_devices()),
        "threads": str(torch.get_num_threads()),
        "extras": ", ".join(extra for extra, module in EXTRAS.items() if find_spec(module))
        or "none",
    }
    _print(rows)
    if not bundled_names():
        say("weights: none bundled")
    for name in bundled_names():
        say("")
        _print(describe_bundled(name))


def _device(name: str) -> str:
    import torch

    return f"{name} ({torch.cuda.get_device_name(name)})" if name.startswith("cuda") else name


def _print(rows: dict[str, str]) -> None:
    for line in align(list(rows.items()), labels=2):
        say(line)
