from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")


def test_fig3_shows_before_and_after(cli, scene):
    path = scene.folder / "fig3.png"
    outcome = cli("figure", "fig3", scene.image, scene.trimap, "-o", path, "--refine-steps", "3")
    assert outcome.code == 0, outcome.err
    assert "violated boundary pixels" in outcome.out
    with Image.open(path) as figure:
        assert figure.size[0] > 1000


def test_fig2_shows_a_foreground_before_and_after(cli, scene):
    path = scene.folder / "fig2.png"
    alpha = scene.folder / "alpha.png"
    rows, columns = np.mgrid[:40, :56]
    soft = np.clip((18 - np.hypot(rows - 20, columns - 28)) / 8, 0, 1)
    Image.fromarray((255 * soft).astype(np.uint8)).save(alpha)
    outcome = cli("figure", "fig2", scene.image, alpha, "-o", path)
    assert outcome.code == 0, outcome.err
    with Image.open(path) as figure:
        assert figure.size[0] > 1000


def test_a_figure_is_a_png_that_replaces_nothing(cli, scene):
    for command in ("fig2", "fig3"):
        outcome = cli("figure", command, scene.image, scene.trimap, "-o", scene.folder / "f.jpg")
        assert outcome.code == 2
        assert "f.jpg" in outcome.error_line
        outcome = cli("figure", command, scene.image, scene.trimap, "-o", scene.image)
        assert outcome.code == 2
        assert "replace" in outcome.error_line


def test_sizes_must_be_equal(cli, scene):
    small = scene.folder / "small.png"
    Image.new("L", (9, 9), 128).save(small)
    for command in ("fig2", "fig3"):
        outcome = cli("figure", command, scene.image, small, "-o", scene.folder / "f.png")
        assert outcome.code == 2
        assert "9x9" in outcome.error_line
        assert not (scene.folder / "f.png").exists()
