from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fsspec
import pytest


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The file system of `memory://`, with a folder of one's own in it: `root`."""
    system = fsspec.filesystem("memory")
    system.root = f"/{tmp_path_factory.mktemp('bucket').name}"
    yield system
    if system.exists(system.root):
        system.rm(system.root, recursive=True)
