from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import pytest
import yaml

from tests.tiny_network import TINY_LITE

BASE: dict[str, Any] = {
    "model": {"preset": "lite", "network": TINY_LITE},
    "data": {"size": 32, "batch_size": 2, "workers": 0, "cache_gib": 0.1},
    "trainer": {"accelerator": "cpu", "max_steps": 2, "log_every_n_steps": 1},
}


def draw(file: Path, picture: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), picture)


def soft_disc(shift: int) -> np.ndarray:
    alpha = np.zeros((64, 64), np.uint8)
    cv2.circle(alpha, (30 + shift, 32), 16, 255, -1)
    return cv2.GaussianBlur(alpha, (0, 0), 2)


def around(alpha: np.ndarray, reach: int) -> np.ndarray:
    """A trimap with a band of `reach` px on either side of what is not quite opaque or clear."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    unknown = cv2.dilate(((alpha > 0) & (alpha < 255)).astype(np.uint8), kernel)
    return np.where(unknown == 1, 128, np.where(alpha > 127, 255, 0)).astype(np.uint8)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`aim/`, a training set; `trio/` and `alphamatting/`, test sets; of three pictures each."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    lowres = root / "alphamatting"
    for number in range(3):
        alpha = soft_disc(number)
        for folder in ("aim/fg", "aim/bg", "trio/image", "alphamatting/input_training_lowres"):
            noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            draw(root / folder / f"{number}.png", noise)
        for folder in ("aim/alpha", "trio/alpha", "alphamatting/gt_training_lowres"):
            draw(root / folder / f"{number}.png", alpha)
        draw(root / f"trio/trimap/{number}.png", around(alpha, 3))
        for group, reach in (("Trimap1", 2), ("Trimap2", 5)):
            trimap = around(alpha, reach)
            draw(lowres / "trimap_training_lowres" / group / f"{number}.png", trimap)
    return root


@pytest.fixture
def content(pictures: Path) -> dict[str, Any]:
    """What a small grid's file holds."""
    ca = {"data.augment.colour": 1.0}
    return {
        "paths": {
            "train": str(pictures / "aim"),
            "backgrounds": None,
            "test": str(pictures / "trio"),
            "alphamatting": str(pictures / "alphamatting"),
        },
        "base": "base.yaml",
        "settings": {"data.augment.colour": 0.0},
        "foregrounds": {
            "closed-form": {"folder": "fg_cf", "method": "closed-form", "label": "CF"},
            "ours": {"folder": "fg_ours", "method": "multilevel"},
        },
        "tables": [
            {
                "title": "Table 1",
                "dataset": "test",
                "columns": ["IH", "RF", "CA", "TTA"],
                "rows": [
                    {"name": "plain", "published": ["32.4", "0.0074", "11.6", "29.6"]},
                    {"name": "cf", "foreground": "closed-form"},
                    {"name": "rf-ca", "foreground": "ours", "settings": {**ca, "data.size": 64}},
                    {
                        "name": "rf-ca-tta",
                        "foreground": "ours",
                        "settings": {"data": {"size": 64, "augment": {"colour": 1.0}}},
                        "tta": True,
                    },
                ],
            },
            {
                "title": "Table 3",
                "dataset": "alphamatting",
                "layout": "alphamatting",
                "columns": ["BR"],
                "rows": [
                    {"name": "no-br", "settings": {"data.augment.blur": 0.3}},
                    {"name": "br", "settings": {"data.augment.blur": 0.3}, "refine": True},
                ],
            },
        ],
    }


class GridFile:
    """Writes a grid's file and its base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = BASE

    def __call__(self, content: Any) -> Path:
        (self.folder / "base.yaml").write_text(yaml.safe_dump(self.base))
        file = self.folder / "grid.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return file


@pytest.fixture
def grid_file(tmp_path: Path) -> GridFile:
    return GridFile(tmp_path)


class SaveNetwork(Protocol):
    def __call__(self, folder: Path, seed: int = 0) -> Path: ...


@pytest.fixture
def save_network() -> SaveNetwork:
    """Write the weights of a tiny network that was never trained."""
    import torch

    from lsamatting.network.config import NetworkConfig
    from lsamatting.network.lsanet import LSANet

    def save(folder: Path, seed: int = 0) -> Path:
        torch.manual_seed(seed)
        settings = {**NetworkConfig.preset("lite").to_dict(), **TINY_LITE}
        LSANet(NetworkConfig.from_dict(settings)).save_pretrained(folder)
        return folder

    return save
