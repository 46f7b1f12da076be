"""Colours of the foreground where it is mixed with the background."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsamatting.foreground.cost import foreground_cost
    from lsamatting.foreground.refine import refine_foreground

__all__ = ["foreground_cost", "refine_foreground"]

_HOMES = {"foreground_cost": "cost", "refine_foreground": "refine"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
