from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image


def test_synthesize_hands_everything_on(cli, monkeypatch):
    seen = {}
    fake = ModuleType("lsamatting.data.synthesis.dataset")
    fake.synthesize_dataset = lambda out, **options: seen.update(options, out=out)
    monkeypatch.setitem(sys.modules, "lsamatting.data.synthesis.dataset", fake)
    outcome = cli(
        *("data", "synthesize", "out", "--count", "7", "--seed", "3", "--photos", "a"),
        *("--photos", "b", "--kinds", "hair", "--workers", "2"),
    )
    assert outcome.code == 0, outcome.err
    assert str(Path("out", "contact_sheet.jpg")) in outcome.out
    assert seen == {
        "out": Path("out"),
        "count": 7,
        "seed": 3,
        "photos": [Path("a"), Path("b")],
        "cutouts": [],
        "kinds": ["hair"],
        "workers": 2,
        "part": "all",
    }


def test_photos_are_needed(cli):
    outcome = cli("data", "synthesize", "out")
    assert outcome.code == 2
    assert "--photos" in outcome.err


@pytest.fixture
def adobe(tmp_path):
    """A stand-in for Adobe's test set: two foregrounds, two backgrounds each."""
    for folder in ("fg", "alpha", "bg", "trimaps"):
        (tmp_path / folder).mkdir()
    for name, value in (("x.png", 200), ("y.png", 40)):
        Image.new("RGB", (8, 6), (value, 0, 0)).save(tmp_path / "fg" / name)
        Image.new("RGB", (8, 6), (128,) * 3).save(tmp_path / "alpha" / name)
        for k in range(2):
            Image.new("L", (8, 6), 128).save(tmp_path / "trimaps" / f"{name[0]}_{k}.png")
    for k in range(4):
        Image.new("RGB", (9, 9), (0, 10 * k, 0)).save(tmp_path / "bg" / f"{k}.png")
    (tmp_path / "fg.txt").write_text("y.png\nx.png\n")
    (tmp_path / "bg.txt").write_text("3.png\n1.png\n0.png\n2.png\n")
    return tmp_path


def compose(cli, adobe, *more):
    return cli(
        *("data", "composite", adobe / "out", "--foregrounds", adobe / "fg"),
        *("--alphas", adobe / "alpha", "--backgrounds", adobe / "bg"),
        *("--fg-names", adobe / "fg.txt", "--bg-names", adobe / "bg.txt", "--workers", "1"),
        *more,
    )


def test_composite_builds_a_test_set(cli, adobe):
    options = ("--per-foreground", "2", "--trimaps", adobe / "trimaps")
    outcome = compose(cli, adobe, *options)
    assert outcome.code == 0, outcome.err
    assert "4 composites of 2 foregrounds" in outcome.out
    assert "(0 were there already)" in outcome.out
    # 128/255 of the foreground's red, 127/255 of the background's green, cut off.
    for name, colour in {
        "y_0": (20, 14, 0),
        "y_1": (20, 4, 0),
        "x_0": (100, 0, 0),
        "x_1": (100, 9, 0),
    }.items():
        pixels = np.asarray(Image.open(adobe / "out" / "merged" / f"{name}.png"))
        assert pixels.shape == (6, 8, 3)
        assert (pixels == colour).all(), (name, pixels[0, 0])
    assert len(list((adobe / "out" / "trimaps").iterdir())) == 4
    outcome = compose(cli, adobe, *options)
    assert "(4 were there already)" in outcome.out


def test_composite_says_what_does_not_fit(cli, adobe):
    outcome = compose(cli, adobe)
    assert outcome.code == 2
    assert "20 backgrounds per foreground need 40" in outcome.error_line
    (adobe / "bg" / "2.png").unlink()
    outcome = compose(cli, adobe, "--per-foreground", "2")
    assert outcome.code == 2
    assert outcome.error_line.endswith("2.png: no such file")
    outcome = cli("data", "composite", "out")
    assert outcome.code == 2
    assert "--foregrounds" in outcome.err


@pytest.mark.parametrize("inside", ["", "fg", "alpha"])
@pytest.mark.parametrize("command", ["synthesize", "render", "extract", "wide", "composite"])
def test_no_command_writes_among_what_it_reads(cli, tmp_path, command, inside):
    photos = tmp_path / "out" / ("alpha" if command == "wide" and inside == "fg" else inside)
    photos.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(photos / "a.png")
    options = ["--photos", photos]
    if command == "extract":
        options += ["--list", tmp_path / "list.toml"]
    if command == "composite":
        photos = tmp_path / "out" / inside.replace("fg", "merged")
        options = [part for name in ("foregrounds", "alphas") for part in (f"--{name}", photos)]
        options += ["--backgrounds", tmp_path, "--fg-names", photos, "--bg-names", photos]
    before = sorted(tmp_path.rglob("*"))
    outcome = cli("data", command, tmp_path / "out", *options)
    assert outcome.code == 2
    assert "would replace an input" in outcome.error_line
    assert sorted(tmp_path.rglob("*")) == before


def test_render_hands_everything_on(cli, monkeypatch):
    seen = {}
    fake = ModuleType("lsamatting.data.rendering.dataset")

    def render_dataset(out, **options):
        seen.update(options, out=out)
        return 3

    fake.render_dataset = render_dataset
    monkeypatch.setitem(sys.modules, "lsamatting.data.rendering.dataset", fake)
    outcome = cli(
        *(
            "data",
            "render",
            "out",
            "--count",
            "7",
            "--seed",
            "3",
            "--photos",
            "a",
            "--kinds",
            "fur",
        ),
        *("--part", "training", "--python", "blender/python", "--threads", "2"),
    )
    assert outcome.code == 0, outcome.err
    assert "7 mattes in out (4 were there already)" in outcome.out
    assert seen == {
        "out": Path("out"),
        "count": 7,
        "seed": 3,
        "photos": [Path("a")],
        "kinds": ["fur"],
        "part": "training",
        "python": Path("blender/python"),
        "threads": 2,
    }
