from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from lsamatting.data.synthesis.photos import Photos


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory):
    """Folder of two small pictures in place of photographs."""
    folder = tmp_path_factory.mktemp("photos")
    for n in range(2):
        small = np.random.default_rng(n).integers(0, 256, (4, 6, 3), dtype=np.uint8)
        picture = cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{n}.png"), picture)
    return folder


@pytest.fixture
def photos(photo_folder):
    return Photos([photo_folder])


class FakeRenderer:
    """Draws a disc whose colour tells the view's seed, in place of a path tracer."""

    def __init__(self):
        self.rendered = []

    def __call__(self, folder):
        views = json.loads((folder / "scene.json").read_text())["views"]
        for name, view in views.items():
            self.rendered.append(name)
            rows, columns = np.mgrid[: view["height"], : view["width"]]
            distance = np.hypot(rows - view["height"] / 2, columns - view["width"] / 2)
            opacity = np.clip(100 - distance, 0, 1)
            light = np.random.default_rng(view["seed"]).uniform(0.1, 0.5, 3)
            picture = np.dstack([opacity[..., None] * light, opacity, opacity])
            np.save(folder / f"{name}.npy", picture.astype(np.float32))


@pytest.fixture
def renderer():
    return FakeRenderer()
