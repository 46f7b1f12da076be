"""`lsamatting info`: what is installed, what it runs on, and the weights that come with it."""

from __future__ import annotations

import json
import platform
from importlib.util import find_spec
from typing import Annotated

import typer

from lsamatting import __version__
from lsamatting.cli.console import say
from lsamatting.text_table import align

EXTRAS = {"train": "lightning", "figures": "matplotlib", "demo": "skimage"}
"""Optional parts, and a module that shows whether one is installed."""


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Print versions, devices and bundled weights."""
    import torch

    from lsamatting.inference.device import available_devices
    from lsamatting.weights import bundled_names, describe_bundled

    version = {"lsamatting": __version__}
    python = f"{platform.python_version()} on {platform.platform(terse=True)}"
    devices = [_device(name) for name in available_devices()]
    extras = [extra for extra, module in EXTRAS.items() if find_spec(module)]
    weights = {name: describe_bundled(name) for name in bundled_names()}
    if as_json:
        report = {
            **version,
            "python": python,
            "torch": torch.__version__,
            "devices": devices,
            "threads": torch.get_num_threads(),
            "extras": extras,
            "weights": weights,
        }
        typer.echo(json.dumps(report, indent=2))
        return
    _print(
        {
            **version,
            "python": python,
            "torch": torch.__version__,
            "devices": ", ".join(devices),
            "threads": str(torch.get_num_threads()),
            "extras": ", ".join(extras) or "none",
        }
    )
    if not weights:
        say("weights: none bundled")
    for described in weights.values():
        say("")
        _print(described)


def _device(name: str) -> str:
    import torch

    return f"{name} ({torch.cuda.get_device_name(name)})" if name.startswith("cuda") else name


def _print(rows: dict[str, str]) -> None:
    for line in align(list(rows.items()), labels=2):
        say(line)
