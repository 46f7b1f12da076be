"""What tests of `matte` share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def batch_of(scene, *names: str) -> tuple[Path, Path, Path]:
    images, trimaps = scene.folder / "images", scene.folder / "trimaps"
    images.mkdir()
    trimaps.mkdir()
    for name in names:
        Image.fromarray(scene.pixels).save(images / f"{name}.jpg")
        Image.fromarray(scene.marks).save(trimaps / f"{name}.png")
    return images, trimaps, scene.folder / "out"
