from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


def test_the_band_has_the_widths_that_were_asked_for(cli, tmp_path):
    mask = np.zeros((60, 90), np.uint8)
    mask[:, 45:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "trimap.png"
    outcome = cli("trimap", tmp_path / "mask.png", "-o", out, "--erode", "4", "--dilate", "7")
    assert (outcome.code, outcome.err) == (0, "")
    assert "unknown" in outcome.out
    row = np.asarray(Image.open(out))[30]
    assert set(row) == {0, 128, 255}
    assert (row == 255).sum() == 45 - 4
    assert (row == 0).sum() == 45 - 7


def test_a_cutout_is_a_mask(cli, tmp_path):
    cutout = np.full((40, 40, 4), 255, np.uint8)
    cutout[:, :20, 3] = 0
    Image.fromarray(cutout).save(tmp_path / "cutout.png")
    out = tmp_path / "trimap.png"
    assert cli("trimap", tmp_path / "cutout.png", "-o", out, "--erode", "2").code == 0
    assert np.asarray(Image.open(out))[20, 39] == 255
    assert np.asarray(Image.open(out))[20, 0] == 0


@pytest.mark.parametrize(
    ("output", "options", "word"),
    [
        ("trimap.jpg", [], "trimap.jpg"),
        ("trimap.xyz", [], "trimap.xyz"),
        ("mask.png", [], "replace"),
        ("nowhere/trimap.png", [], "nowhere"),
        ("trimap.png", ["--max-pixels", "10"], "max_pixels"),
    ],
)
def test_mistakes(cli, tmp_path, output, options, word):
    Image.fromarray(np.eye(30, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    before = (tmp_path / "mask.png").read_bytes()
    outcome = cli("trimap", tmp_path / "mask.png", "-o", tmp_path / output, *options)
    assert outcome.code == 2
    assert word in outcome.error_line
    assert [path.name for path in tmp_path.iterdir()] == ["mask.png"]
    assert (tmp_path / "mask.png").read_bytes() == before


def test_no_mask(cli, tmp_path):
    outcome = cli("trimap", tmp_path / "none.png", "-o", tmp_path / "trimap.png")
    assert outcome.code == 2
    assert "none.png" in outcome.error_line


def test_folders(cli, tmp_path):
    masks = tmp_path / "masks"
    (masks / "more").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "more/a.png"):
        Image.fromarray(np.eye(30, dtype=np.uint8) * 255).save(masks / name)
    (masks / "bad.png").write_text("?")
    (masks / "notes.txt").write_text("?")
    outcome = cli("trimap", masks, "-r", "-o", tmp_path / "out")
    assert outcome.code == 2
    assert "bad.png: not a picture" in outcome.err
    assert "notes.txt: skipped" in outcome.out
    made = sorted(
        p.relative_to(tmp_path / "out").as_posix() for p in tmp_path.rglob("out/**/*.png")
    )
    assert made == ["a.png", "b.png", "more/a.png"]


def test_streams(cli, tmp_path, monkeypatch):
    buffer = io.BytesIO()
    Image.fromarray(np.eye(30, dtype=np.uint8) * 255).save(buffer, "PNG")
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    monkeypatch.setattr("sys.stdout", out)
    assert cli("trimap", "-", "-o", "-").code == 0
    assert set(np.unique(np.asarray(Image.open(io.BytesIO(out.buffer.getvalue()))))) <= {
        0,
        128,
        255,
    }


def test_a_mask_of_another_size_is_named_among_others(cli, tmp_path):
    for folder, size in (("masks", (30, 20)), ("photos", (40, 30))):
        (tmp_path / folder).mkdir()
        Image.new("L", (40, 30)).save(tmp_path / folder / "a.png")
        Image.new("L", size).save(tmp_path / folder / "b.png")
    masks, photos = tmp_path / "masks", tmp_path / "photos"
    outcome = cli("trimap", masks, "--image", photos, "-o", tmp_path / "out")
    assert outcome.code == 2
    assert f"{masks / 'b.png'} is 30x20 pixels but {photos / 'b.png'} is 40x30" in outcome.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]
