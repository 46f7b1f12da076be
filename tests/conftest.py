from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lsamatting.network.lsanet import LSANet

# Hypothesis would fail a test that takes longer than 200 ms; ours assert no times.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

HEIGHT, WIDTH = 40, 56


@dataclass(frozen=True)
class Scene:
    """A dark disc on a light ground: its files, and the arrays that they hold."""

    folder: Path
    image: Path
    trimap: Path
    mask: Path
    pixels: NDArray[np.uint8]
    marks: NDArray[np.uint8]


def draw_scene(shift: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Give image, trimap and mask."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2 - shift)
    inside = np.clip(14 - distance, 0, 1)[..., None]
    pixels = inside * (40, 60, 150) + (1 - inside) * (230, 220, 200)
    marks = np.select([distance < 10, distance > 18], [255, 0], 128)
    return pixels.astype(np.uint8), marks.astype(np.uint8), (distance < 14).astype(np.uint8) * 255


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    from PIL import Image

    pixels, marks, mask = draw_scene()
    files = {}
    for name, array in {"image": pixels, "trimap": marks, "mask": mask}.items():
        files[name] = tmp_path / f"{name}.png"
        Image.fromarray(array).save(files[name])
    return Scene(folder=tmp_path, pixels=pixels, marks=marks, **files)


@pytest.fixture(scope="session")
def network() -> LSANet:
    """A network that was never trained."""
    import torch

    from lsamatting.network.config import NetworkConfig
    from lsamatting.network.lsanet import LSANet

    torch.manual_seed(0)
    return LSANet(NetworkConfig.preset("lite")).eval()


@pytest.fixture(scope="session")
def weights(network: LSANet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its weights."""
    from lsamatting.matting import Matting

    folder = tmp_path_factory.mktemp("weights")
    Matting(network, device="cpu").save_pretrained(folder)
    return folder
