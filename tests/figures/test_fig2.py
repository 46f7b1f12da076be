from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from PIL import Image

from lsamatting.errors import ImageError, MissingExtraError
from lsamatting.figures.fig2 import fig2, gradient_size


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    alpha = np.tile(np.clip(np.linspace(-0.5, 1.5, 60), 0, 1), (40, 1)).astype(np.float32)
    return rng.random((40, 60, 3), np.float32), alpha


def test_before_is_rough_and_after_is_smooth(pair, tmp_path):
    pytest.importorskip("matplotlib")
    foreground, alpha = pair
    fig2(foreground, alpha, tmp_path / "fig.png")
    shown = np.asarray(Image.open(tmp_path / "fig.png").convert("L"), float)
    assert shown.shape == (600, 1300)
    before, after = shown[60:280, 40:310], shown[340:560, 40:310]
    # The left of the foreground is transparent: noise before, one colour after.
    assert before[50:170, 20:80].std() > 3 * after[50:170, 20:80].std()
    assert os.listdir(tmp_path) == ["fig.png"]


def test_files_and_sizes(pair, tmp_path):
    pytest.importorskip("matplotlib")
    foreground, alpha = pair
    Image.fromarray((foreground * 255).astype(np.uint8)).save(tmp_path / "f.png")
    Image.fromarray((alpha * 255).astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray((alpha[1:] * 255).astype(np.uint8)).save(tmp_path / "b.png")
    fig2(tmp_path / "f.png", tmp_path / "a.png", tmp_path / "fig.png", method="multilevel")
    assert Image.open(tmp_path / "fig.png").size == (1300, 600)
    with pytest.raises(ImageError, match=r"b\.png: 60x39 pixels, but the foreground has 60x40"):
        fig2(tmp_path / "f.png", tmp_path / "b.png", tmp_path / "other.png")
    with pytest.raises(ImageError, match=r"\.png"):
        fig2(tmp_path / "f.png", tmp_path / "a.png", tmp_path / "fig.jpg")


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nothing_mixed(value, tmp_path):
    pytest.importorskip("matplotlib")
    fig2(np.zeros((1, 9, 3)), np.full((1, 9), value), tmp_path / "fig.png")
    assert (tmp_path / "fig.png").exists()


def test_without_matplotlib(pair, tmp_path, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"lsamatting\[figures\]"):
        fig2(*pair, tmp_path / "fig.png")


def test_gradient_of_a_slope():
    rows, columns = np.mgrid[:5, :7].astype(np.float32)
    slope = np.stack([3 * columns, 4 * rows, 0 * rows], axis=2)
    np.testing.assert_allclose(gradient_size(slope), 5)
    np.testing.assert_allclose(gradient_size(slope[:1]), 3)
