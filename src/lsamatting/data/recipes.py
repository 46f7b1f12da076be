"""dataset.json: what a dataset was made of, so that only the same recipe continues it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lsamatting.data.writing import write_content
from lsamatting.errors import DatasetError


def keep_recipe(out: Path, described: Mapping[str, object], *, count: int) -> None:
    """Write `out`/dataset.json, or check that what is there is of the same recipe.

    described: the recipe, as JSON has it. count: how many items are wanted, which may change.
    Raises DatasetError where another recipe or a damaged file is found.
    """
    path = out / "dataset.json"
    if path.exists():
        try:
            found = json.loads(path.read_text())
        except ValueError:
            raise DatasetError(f"{path}: not a description of a dataset (damaged file?)") from None
        for key, wanted in described.items():
            if not isinstance(found, dict) or found.get(key) != wanted:
                there = found.get(key) if isinstance(found, dict) else found
                raise DatasetError(
                    f"{path}: made with {key} {there}, not {wanted}: choose another folder"
                )
    write_content(path, (json.dumps({**described, "count": count}, indent=2) + "\n").encode())
