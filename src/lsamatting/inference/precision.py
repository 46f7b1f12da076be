"""Which number format the network computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum

import torch


class Precision(StrEnum):
    """Number format of the network's arithmetic; results are float32 in any case."""

    AUTO = "auto"
    """Half where the device gains by it: float16 on CUDA, bfloat16 on CPUs that have it."""

    FULL = "full"
    """float32 everywhere: the same digits on every machine but for the order of sums."""

    def context(self, device: torch.device | str) -> AbstractContextManager[object]:
        """Give the context in which to run the network on `device`."""
        if self is Precision.FULL:
            return nullcontext()
        kind = torch.device(device).type
        if kind == "cuda":
            return torch.autocast("cuda", dtype=torch.float16)
        if kind == "cpu" and _cpu_has_bfloat16():
            return torch.autocast("cpu", dtype=torch.bfloat16)
        return nullcontext()


def _cpu_has_bfloat16() -> bool:
    """Whether bfloat16 products are instructions here; emulated they are slower than float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe is not None and probe())
