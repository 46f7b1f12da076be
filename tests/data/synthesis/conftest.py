from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsamatting.data.synthesis.noise import smooth_field
from lsamatting.data.synthesis.photos import Photos


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory):
    """Folder of three small smooth pictures in place of photographs."""
    folder = tmp_path_factory.mktemp("photos")
    for n in range(3):
        rng = np.random.default_rng(n)
        channels = [smooth_field(rng, (120, 160), scale=25) for _ in range(3)]
        picture = np.clip(128 + 50 * np.dstack(channels), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{n}.png"), picture)
    return folder


@pytest.fixture
def photos(photo_folder):
    return Photos([photo_folder])
