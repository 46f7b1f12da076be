"""How many workers there are, and on which device each."""

from __future__ import annotations

import sys
from pathlib import Path

from lsamatting.choices import RuntimeName
from lsamatting.errors import ConfigError
from lsamatting.extras import installed
from lsamatting.threads import processors

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""What Linux shows of accelerators that PyTorch calls CUDA."""


def places(
    device: str, *, runtime: RuntimeName = "auto", workers: int | None, threads: int
) -> list[str]:
    """Give the device of each worker.

    Parameters
    ----------
    device, runtime
        As for `Matting`; `auto` and `cuda` stand for all CUDA devices, where there are any.
    workers
        How many. If not given, as many as the processors allow, or one for each accelerator.
    threads
        Processor threads of each.

    Raises
    ------
    ConfigError
        `workers` is less than 1.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}: at least 1 process is wanted")
    accelerators = _accelerators(device, runtime)
    if not accelerators:
        return [device] * (workers or max(1, processors() // threads))
    count = workers or len(accelerators)
    return [accelerators[number % len(accelerators)] for number in range(count)]


def _accelerators(device: str, runtime: RuntimeName) -> list[str]:
    """Give the accelerators that a device stands for; none if it is the processor."""
    if device == "cpu" or (device == "auto" and not _may_have_one()):
        return []
    if device not in ("auto", "cuda"):
        return [device]
    # A runtime is loaded here only where it is likely to find some.
    if runtime == "onnx" or not installed("torch"):
        from lsamatting.inference.onnx_runtime import choose_onnx_device, onnx_devices

        choose_onnx_device(device)
        available = onnx_devices()
    else:
        from lsamatting.inference.device import available_devices, choose_device

        choose_device(device)
        available = available_devices()
    found = [name for name in available if name != "cpu"]
    cuda = [name for name in found if name.startswith("cuda")]
    return cuda or found


def _may_have_one() -> bool:
    return not sys.platform.startswith("linux") or any(Path(path).exists() for path in _DRIVERS)
