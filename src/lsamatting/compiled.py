"""Functions compiled by numba, kept on disk where that is possible (extra: numba)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from lsamatting.errors import MissingExtraError

try:
    from numba import njit, prange
except ModuleNotFoundError:
    raise MissingExtraError(
        "what is compiled (re-estimated foregrounds, the connectivity error, some procedural "
        "mattes)",
        "numba",
    ) from None

__all__ = ["compiled", "prange"]


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function at its first call, and keep the result for later processes.

    `options` are those of `numba.njit`. Where neither the package's folder nor the user's cache
    folder can be written, as in a container without a home, each process compiles anew, and a
    warning says so.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            _warn_once()
            return njit(**options)(function)

    return decorate


@cache
def _warn_once() -> None:
    warnings.warn(
        "compiled functions cannot be kept, for neither the package's folder nor the user's cache "
        "folder can be written: each process compiles for some seconds; the environment variable "
        "NUMBA_CACHE_DIR names another folder",
        stacklevel=1,
    )
