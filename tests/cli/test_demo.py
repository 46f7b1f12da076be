from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from PIL import Image

from lsamatting.demo import ASTRONAUT_TRIMAP, CAT_TRIMAP


@pytest.mark.parametrize(
    ("name", "trimap"), [("astronaut", ASTRONAUT_TRIMAP), ("chelsea", CAT_TRIMAP)]
)
def test_the_trimap_fits_the_photograph(name, trimap):
    data = pytest.importorskip("skimage.data")
    marks = np.asarray(Image.open(trimap))
    assert marks.shape == getattr(data, name)().shape[:2]
    assert set(np.unique(marks)) == {0, 128, 255}
    shares = [(marks == value).mean() for value in (0, 128, 255)]
    assert min(shares) > 0.05


def test_demo_writes_and_names_its_files(cli, weights, tmp_path):
    pytest.importorskip("skimage.data")
    out = tmp_path / "demo"
    outcome = cli("demo", "-o", out, "--weights", weights, "--device", "cpu")
    assert outcome.code == 0, outcome.err
    for name in ("alpha.png", "cutout.png", "overlay.png"):
        assert str(out / name) in outcome.out
        assert (out / name).exists()
    assert Image.open(out / "cutout.png").mode == "RGBA"
    assert Image.open(out / "alpha.png").size == (512, 512)


def test_without_weights_nothing_is_written(cli, tmp_path):
    pytest.importorskip("skimage")
    outcome = cli("demo", "-o", tmp_path / "demo", "--weights", "heavy")
    assert outcome.code == 2
    assert "heavy" in outcome.error_line
    assert not (tmp_path / "demo").exists()


def test_a_file_where_the_folder_should_be(cli, weights, tmp_path):
    pytest.importorskip("skimage")
    (tmp_path / "demo").write_text("")
    outcome = cli("demo", "-o", tmp_path / "demo", "--weights", weights)
    assert outcome.code == 2
    assert "demo: the folder cannot be made" in outcome.error_line


def test_without_the_extra_it_says_what_to_install(cli, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "lsamatting.extras.find_spec", lambda name: None if name == "skimage" else found(name)
    )
    outcome = cli("demo", "-o", tmp_path / "demo")
    assert outcome.code == 2
    assert "lsamatting[demo]" in outcome.error_line
