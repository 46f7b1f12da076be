from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 30, 44


def write(path: Path, values: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def draw(seed: int) -> dict[str, NDArray[np.uint8]]:
    """Give the image, trimap and alpha of a disc at a random place."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(rows - rng.integers(12, 18), columns - rng.integers(14, 30))
    alpha = np.clip((12 - distance) / 5, 0, 1)
    colours = rng.integers(0, 256, (2, 3))
    image = alpha[..., None] * colours[0] + (1 - alpha[..., None]) * colours[1]
    trimap = np.select([alpha == 1, alpha == 0], [255, 0], 128)
    return {
        "image": image.astype(np.uint8),
        "trimap": trimap.astype(np.uint8),
        "alpha": np.rint(alpha * 255).astype(np.uint8),
    }


@pytest.fixture
def trio(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder trio of `count` pictures named a, b, c, …"""

    def make(count: int = 3, *, trimaps: bool = True) -> Path:
        root = tmp_path / "discs"
        for seed in range(count):
            for kind, values in draw(seed).items():
                if trimaps or kind != "trimap":
                    write(root / kind / f"{chr(ord('a') + seed)}.png", values)
        return root

    return make


@pytest.fixture
def alphamatting(tmp_path: Path) -> Callable[..., Path]:
    """Make alphamatting.com's training or test set, two pictures large."""

    def make(*, test: bool = False) -> Path:
        root = tmp_path / "alphamatting"
        part = "" if test else "_training"
        for seed, name in enumerate(("doll", "troll") if test else ("GT01", "GT02")):
            picture = draw(seed)
            write(root / f"input{part}_lowres" / f"{name}.png", picture["image"])
            for group in (1, 2, 3)[: 3 if test else 2]:
                trimap = picture["trimap"].copy()
                trimap[:group] = 128  # no two trimaps of a picture are equal
                write(root / f"trimap{part}_lowres" / f"Trimap{group}" / f"{name}.png", trimap)
            if not test:
                write(root / "gt_training_lowres" / f"{name}.png", picture["alpha"])
        return root

    return make
