from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from lsamatting.foreground import refine_foreground
from lsamatting.images import read_picture, write_grey, write_picture


@pytest.fixture
def dataset(tmp_path):
    """Three foregrounds and their opacities, as AIM keeps them."""
    rng = np.random.default_rng(0)
    (tmp_path / "fg").mkdir()
    (tmp_path / "alpha").mkdir()
    for name, depth in (("a", 8), ("b", 16), ("c", 8)):
        write_picture(
            tmp_path / "fg" / f"{name}.png", rng.random((20, 30, 3), np.float32), depth=depth
        )
        alpha = np.clip(np.linspace(-0.3, 1.3, 30), 0, 1).astype(np.float32)
        write_grey(tmp_path / "alpha" / f"{name}.png", np.tile(alpha, (20, 1)))
    return tmp_path


def refine(cli, root, *options):
    return cli("refine-foreground", root / "fg", root / "alpha", "-o", root / "out", *options)


def expected(root, name, **options):
    colours = read_picture(root / "fg" / name).pixels
    alpha = np.asarray(Image.open(root / "alpha" / name), np.float32) / 255
    return refine_foreground(colours, alpha, **options)


def test_folders(cli, dataset):
    outcome = refine(cli, dataset, "--workers", "1")
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(os.listdir(dataset / "out")) == ["a.png", "b.png", "c.png"]
    for name, depth in (("a.png", 8), ("b.png", 16)):
        written = read_picture(dataset / "out" / name)
        assert written.depth == depth
        np.testing.assert_allclose(
            written.pixels, expected(dataset, name), atol=0.51 / (2**depth - 1)
        )


def test_processes_write_the_same(cli, dataset):
    assert refine(cli, dataset, "--workers", "1").code == 0
    alone = {file.name: file.read_bytes() for file in (dataset / "out").iterdir()}
    outcome = refine(cli, dataset, "--workers", "2", "--overwrite")
    assert (outcome.code, outcome.err) == (0, "")
    assert alone == {file.name: file.read_bytes() for file in (dataset / "out").iterdir()}


def test_what_is_done_is_kept(cli, dataset):
    (dataset / "out").mkdir()
    (dataset / "out" / "b.png").write_bytes(b"done before")
    outcome = refine(cli, dataset, "--workers", "1")
    assert outcome.code == 0
    assert "1 of 3 kept" in outcome.out
    assert (dataset / "out" / "b.png").read_bytes() == b"done before"
    assert (dataset / "out" / "a.png").exists()
    assert refine(cli, dataset, "--workers", "1", "--overwrite").code == 0
    assert read_picture(dataset / "out" / "b.png").depth == 16


@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_picture_does_not_stop_the_others(cli, dataset, workers):
    write_grey(dataset / "alpha" / "a.png", np.ones((5, 6), np.float32))
    outcome = refine(cli, dataset, "--workers", workers)
    assert outcome.code == 2
    assert "a.png: 6x5 pixels" in outcome.error_line
    assert "30x20" in outcome.error_line
    assert sorted(os.listdir(dataset / "out")) == ["b.png", "c.png"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_nothing_half_written_is_left(cli, dataset, monkeypatch, stop):
    from lsamatting.formats import encode

    def fail(path, samples, profile):
        path.write_bytes(b"half of a picture")
        raise stop

    monkeypatch.setitem(encode._WRITERS, ".png", fail)
    assert refine(cli, dataset, "--workers", "1").code != 0
    assert os.listdir(dataset / "out") == []
    monkeypatch.undo()
    assert refine(cli, dataset, "--workers", "1").code == 0
    assert sorted(os.listdir(dataset / "out")) == ["a.png", "b.png", "c.png"]


def test_one_pair_with_options(cli, dataset):
    outcome = cli(
        *("refine-foreground", dataset / "fg" / "b.png", dataset / "alpha" / "b.png"),
        *("-o", dataset / "result.tif", "--method", "multilevel", "--scales", "2"),
        *("--iterations", "3", "--kappa", "0.5", "--border", "inside"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    wanted = expected(
        dataset,
        "b.png",
        method="multilevel",
        scales=2,
        iterations=3,
        kappa=0.5,
        border="inside",
    )
    written = read_picture(dataset / "result.tif")
    assert written.depth == 16
    np.testing.assert_allclose(written.pixels, wanted, atol=0.51 / 65535)


def test_float_pictures_stay_float(cli, dataset):
    rng = np.random.default_rng(1)
    (dataset / "fg" / "a.png").unlink()
    write_picture(dataset / "fg" / "a.tif", rng.random((20, 30, 3), np.float32), depth=32)
    assert refine(cli, dataset, "--workers", "1").code == 0
    assert read_picture(dataset / "out" / "a.tif").depth == 32


def test_what_does_not_fit_is_refused_in_one_line(cli, dataset, monkeypatch):
    from lsamatting.foreground import fit

    monkeypatch.setattr(fit, "_IN_PARTS", {"exact": 2**21})
    monkeypatch.setattr(fit, "_WHOLE", {"exact": 2**22})
    outcome = refine(cli, dataset, "--workers", "1", "--memory", "1GiB")
    assert outcome.code == 2
    assert "a.png: 30x20 pixels: exact needs about" in outcome.err
    assert os.listdir(dataset / "out") == []
    assert refine(cli, dataset, "--workers", "1", "--memory", "16GiB").code == 0


def test_closed_form(cli, dataset):
    from lsamatting.foreground.closed_form import closed_form_foreground

    out = dataset / "result.png"
    files = dataset / "fg" / "a.png", dataset / "alpha" / "a.png"
    assert cli("refine-foreground", *files, "-o", out, "--method", "closed-form").code == 0
    colours = read_picture(files[0]).pixels
    alpha = np.asarray(Image.open(files[1]), np.float32) / 255
    wanted = np.clip(closed_form_foreground(colours, alpha), 0, 1)
    np.testing.assert_allclose(read_picture(out).pixels, wanted, atol=0.51 / 255)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--scales", "3"], "--scales goes with --method multilevel, not with exact"),
        (["--method", "closed-form", "--kappa", "1"], "--kappa goes with"),
        (["--kappa", "-1", "--workers", "1"], "kappa is -1"),
        (["--memory", "much"], "memory 'much'; accepted: a number and a unit"),
    ],
)
def test_options_that_do_not_fit(cli, dataset, options, word):
    files = dataset / "fg" / "a.png", dataset / "alpha" / "a.png"
    outcome = cli("refine-foreground", *files, "-o", dataset / "x.png", *options)
    assert outcome.code == 2
    assert word in outcome.error_line
    assert not (dataset / "x.png").exists()


def test_files_that_do_not_fit(cli, dataset):
    onto_itself = cli(
        "refine-foreground", dataset / "fg", dataset / "alpha", "-o", dataset / "fg", "--overwrite"
    )
    assert onto_itself.code == 2
    assert "would replace an input" in onto_itself.error_line
    for name in "abc":
        picture = Image.open(dataset / "fg" / f"{name}.png").convert("RGB")
        picture.save(dataset / "fg" / f"{name}.jpg")
        (dataset / "fg" / f"{name}.png").unlink()
    beside = cli("refine-foreground", dataset / "fg", dataset / "alpha", "-o", dataset / "fg")
    assert beside.code == 2
    assert "would lie among the pictures" in beside.error_line
    (dataset / "alpha" / "c.png").unlink()
    outcome = refine(cli, dataset)
    assert outcome.code == 2
    assert "c.*" in outcome.error_line
    assert sorted(path.stem for path in (dataset / "out").iterdir()) == ["a", "b"]
