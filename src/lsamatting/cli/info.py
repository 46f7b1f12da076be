"""`lsamatting info`: what is installed, what it runs on, and the weights that come with it."""

from __future__ import annotations

import json
import platform
from typing import Annotated

import typer

from lsamatting import __version__
from lsamatting.cli.console import say
from lsamatting.extras import EXTRAS, installed
from lsamatting.text_table import align


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Print versions, runtimes, devices and bundled weights."""
    from lsamatting.budget import default_memory, describe
    from lsamatting.threads import thread_count
    from lsamatting.weights import bundled_names, describe_bundled

    runtimes = {"torch": _torch()} if installed("torch") else {}
    runtimes["onnx"] = _onnx()
    facts = {
        "lsamatting": __version__,
        "python": f"{platform.python_version()} on {platform.platform(terse=True)}",
    }
    extras = [extra for extra in EXTRAS if installed(extra)]
    threads, memory = thread_count(), default_memory()
    weights = {name: describe_bundled(name) for name in bundled_names()}
    if as_json:
        report = {
            **facts,
            # The first is what --runtime auto takes.
            "runtimes": {
                name: {"version": version, "devices": devices}
                for name, (version, devices) in runtimes.items()
            },
            "threads": threads,
            "memory": memory,
            "extras": extras,
            "weights": weights,
        }
        typer.echo(json.dumps(report, indent=2))
        return
    default = next(iter(runtimes))
    for name, (version, devices) in runtimes.items():
        chosen = " (default)" if name == default else ""
        facts[f"runtime {name}"] = f"{version} on {', '.join(devices)}{chosen}"
    facts["threads"] = str(threads)
    facts["memory"] = f"{describe(memory)} for a picture, half of what is free"
    _print({**facts, "extras": ", ".join(extras) or "none"})
    if not weights:
        say("weights: none bundled")
    for described in weights.values():
        say("")
        _print(described)


def _torch() -> tuple[str, list[str]]:
    """Give version and devices."""
    import torch

    from lsamatting.inference.device import available_devices

    return str(torch.__version__), [
        f"{name} ({torch.cuda.get_device_name(name)})" if name.startswith("cuda") else name
        for name in available_devices()
    ]


def _onnx() -> tuple[str, list[str]]:
    import onnxruntime

    from lsamatting.inference.onnx_runtime import onnx_devices

    return str(onnxruntime.__version__), list(onnx_devices())


def _print(rows: dict[str, str]) -> None:
    for line in align(list(rows.items()), labels=2):
        say(line)
