"""Which number format the network computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from lsamatting.choices import Precision


def autocast(precision: Precision, device: torch.device | str) -> AbstractContextManager[object]:
    """Give the context in which to run the network on `device`.

    It overrides a context that it is entered in, such as that of training in mixed precision.
    """
    kind = torch.device(device).type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    half = {"cuda": torch.float16, "cpu": torch.bfloat16}
    gains = kind == "cuda" or (kind == "cpu" and cpu_has_bfloat16())
    if precision == "auto" and gains:
        return torch.autocast(kind, dtype=half[kind])
    return torch.autocast(kind, enabled=False)


def cpu_has_bfloat16() -> bool:
    """Whether bfloat16 products are instructions here; emulated they are slower than float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe is not None and probe())
