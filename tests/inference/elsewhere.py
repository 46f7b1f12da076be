"""A device that is not there: computes on the CPU what tensors elsewhere ask for.

Its tensors say that they are on `meta`, hold a tensor of the CPU, and compute with that. Like MPS
it has no double precision, and like any device it does not compute with tensors of another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")


class Elsewhere(torch.Tensor):
    """A tensor of the device."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Elsewhere:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
            requires_grad=inner.requires_grad,
        )

    def __init__(self, inner: torch.Tensor) -> None:
        assert not isinstance(inner, Elsewhere)
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class _Factories(TorchDispatchMode):
    """What is made or moved there without a tensor of the device taking part."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


def compute(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Do one operation where its tensors are."""
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    theirs = {id(x.inner): x for x in tensors if isinstance(x, Elsewhere)}
    asked = kwargs.get("device")
    there = bool(theirs) if asked is None else torch.device(asked) == DEVICE
    moves = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    if theirs and not moves:
        strangers = [x for x in tensors if not isinstance(x, Elsewhere) and x.dim()]
        assert not strangers, f"{func} mixes devices"
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner_args, inner_kwargs = tree_map(
        lambda x: x.inner if isinstance(x, Elsewhere) else x, (args, kwargs)
    )
    result = func(*inner_args, **inner_kwargs)

    def wrap(x: Any) -> Any:
        if not isinstance(x, torch.Tensor) or not there:
            return x
        assert x.dtype != torch.float64, f"{func} needs double precision"
        return theirs[id(x)] if id(x) in theirs else Elsewhere(x)

    return tree_map(wrap, result)


@contextmanager
def another_device() -> Iterator[torch.device]:
    """Give the device; it is there inside the context."""
    with _Factories():
        yield DEVICE
