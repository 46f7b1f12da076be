"""Which pictures are never trained on: told by their name, so that no list has to be kept.

A photograph is held out as a background, as texture and as the source of a cutout alike, because
all of these carry its name.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Part = Literal["all", "training", "held-out"]
"""All pictures, those to train on, or those that are never trained on."""

_ONE_IN = 8
_HELD_OUT_REMAINDER = 6


def is_held_out(path: Path) -> bool:
    """Tell whether a picture is held out: one name in eight is, by its CRC-32 without suffix."""
    return zlib.crc32(os.fsencode(path.stem)) % _ONE_IN == _HELD_OUT_REMAINDER


def take_part(files: Iterable[Path], part: Part) -> list[Path]:
    """Keep the files that belong to `part`, in their order."""
    return [file for file in files if part == "all" or is_held_out(file) == (part == "held-out")]
