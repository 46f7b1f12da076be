"""The weights that come with the package: one folder per name."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

DEFAULT_WEIGHTS = "lite"
"""What is used if nobody says otherwise."""

_HERE = Path(__file__).parent


def bundled_names() -> tuple[str, ...]:
    """Name the weights that come with the package."""
    return tuple(sorted(path.parent.name for path in _HERE.glob("*/config.json")))


def bundled_folder(name: str) -> Path | None:
    """Give the folder of bundled weights, or None if there are none of this name."""
    return _HERE / name if name in bundled_names() else None


def describe_bundled(name: str) -> dict[str, str]:
    """Tell what is known of bundled weights: file, size, hash, and the facts of the model card.

    The facts are the plain `key: value` lines of the card's YAML header.
    """
    folder = _HERE / name
    file = folder / "model.safetensors"
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    statistics = ("__metadata__", "running_mean", "running_var", "num_batches_tracked")
    shapes = [value["shape"] for key, value in header.items() if not key.endswith(statistics)]
    facts = {
        "weights": name,
        "file": str(file),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": f"{len(data) / 1e6:.1f} MB",
        "parameters": f"{sum(map(math.prod, shapes)):,}",
    }
    card = folder / "README.md"
    if card.is_file():
        parts = card.read_text(encoding="utf-8").split("---", 2)
        for line in parts[1].splitlines() if len(parts) == 3 and not parts[0].strip() else []:
            key, _, value = line.partition(":")
            if value.strip() and not key.startswith((" ", "-", "#")):
                facts.setdefault(key, value.strip())
    return facts
