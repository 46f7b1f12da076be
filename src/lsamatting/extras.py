"""The package's optional parts: what each brings, and what is said where one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from lsamatting.errors import MissingExtraError

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "torch": ("torch",),
    "numba": ("numba",),
    "serve": ("fastapi", "uvicorn", "python_multipart", "prometheus_client"),
    "hub": ("huggingface_hub",),
    "exr": ("OpenEXR",),
    "train": ("torch", "numba", "lightning", "jsonargparse", "tensorboard"),
    "export": ("torch", "onnx"),
    "peers": ("pymatting",),
    "figures": ("matplotlib",),
    "demo": ("skimage",),
    "parquet": ("pyarrow",),
    "cluster": ("ray", "pyarrow"),
    "render": ("bpy",),
}
"""By the extra's name the modules that it brings. A module that several bring belongs to the first
that names it."""


def installed(extra: str) -> bool:
    """Tell whether an optional part is there."""
    return all(find_spec(module) is not None for module in EXTRAS[extra])


def require(extra: str, feature: str) -> None:
    """Ask for an optional part before it is used.

    Raises
    ------
    MissingExtraError
        It is not installed; the message says what needs it and how to install it.
    """
    if not installed(extra):
        raise MissingExtraError(feature, extra)


def extra_of(module: str | None) -> str | None:
    """Name the extra that brings a module; None if none does."""
    name = (module or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if name in modules), None)
