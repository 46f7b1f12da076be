"""`matte` on several pictures and on folders."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from lsamatting.batch.work import Work
from tests.cli.matte_runs import batch_of, pixels_of

HERE = ("--workers", "0")


@pytest.mark.parametrize("as_folder", [True, False])
def test_batch(cli, scene, weights, as_folder):
    images, trimaps, out = batch_of(scene, "one", "two")
    given = [images] if as_folder else [images / "one.jpg", images / "two.jpg"]
    outcome = cli(
        *("matte", *given, trimaps, "-o", out / "alpha", "--cutout", out / "cutout"),
        *("--weights", weights, "--workers", "2" if as_folder else "0"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(path.name for path in (out / "alpha").iterdir()) == ["one.png", "two.png"]
    assert sorted(path.name for path in (out / "cutout").iterdir()) == ["one.png", "two.png"]


def test_hidden_files_of_a_folder_are_passed_over(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "one")
    (images / "._one.jpg").write_bytes(b"what a Mac leaves on other disks")
    (trimaps / ".one.1a2b.png").write_bytes(b"")
    outcome = cli("matte", images, trimaps, "-o", out, "--weights", weights)
    assert (outcome.code, outcome.err) == (0, "")
    assert [path.name for path in out.iterdir()] == ["one.png"]


def test_batch_of_masks(cli, scene, weights):
    images, masks, out = batch_of(scene, "one", "two")
    outcome = cli("matte", images, "--mask", masks, "-o", out, "--weights", weights, *HERE)
    assert outcome.code == 0, outcome.err
    assert len(list(out.iterdir())) == 2


def test_a_mask_of_another_size_is_named(cli, scene, weights):
    images, masks, out = batch_of(scene, "one", "two")
    Image.new("L", (30, 20)).save(masks / "one.png")
    outcome = cli("matte", images, "--mask", masks, "-o", out, "--weights", weights, *HERE)
    assert outcome.code == 2
    words = f"{masks / 'one.png'} is 30x20 pixels but {images / 'one.jpg'} is 56x40"
    assert words in outcome.error_line
    assert [path.name for path in out.iterdir()] == ["two.png"]


def test_batch_reports_a_bad_picture_and_does_the_rest(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "bad", "good")
    (images / "bad.jpg").write_bytes((images / "bad.jpg").read_bytes()[:200])
    outcome = cli("matte", images, trimaps, "-o", out, "--weights", weights, "--json", *HERE)
    assert outcome.code == 2
    assert "bad.jpg" in outcome.error_line
    report = json.loads(outcome.out)
    assert [Path(entry["image"]).name for entry in report["pictures"]] == ["good.jpg"]
    assert [Path(entry["image"]).name for entry in report["failed"]] == ["bad.jpg"]
    assert [path.name for path in out.iterdir()] == ["good.png"]


def test_every_missing_trimap_is_named(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "a", "b", "c", "d")
    for name in ("a", "b", "d"):
        (trimaps / f"{name}.png").unlink()
    Image.fromarray(scene.marks).save(trimaps / "d.png")
    Image.fromarray(scene.marks).save(trimaps / "d.tif")
    outcome = cli("matte", images, trimaps, "-o", out, "--weights", weights, "--json", *HERE)
    assert outcome.code == 2
    report = json.loads(outcome.out)
    assert [Path(entry["image"]).name for entry in report["failed"]] == ["a.jpg", "b.jpg", "d.jpg"]
    assert "d.png and d.tif are both named as d.jpg is" in outcome.err
    assert [Path(entry["image"]).name for entry in report["pictures"]] == ["c.jpg"]


def test_what_is_passed_over_is_listed(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "one")
    (images / "one.heic").write_bytes(b"?")
    (images / "gone.jpg").symlink_to(images / "nowhere.jpg")
    options = ("matte", images, trimaps, "-o", out, "--weights", weights)
    outcome = cli(*options)
    assert outcome.code == 0
    last = outcome.out.splitlines()[-1]
    assert last == (
        "1 done, 2 skipped (gone.jpg: a link to a file that does not exist; "
        "one.heic: not a picture that can be read)"
    )
    skipped = json.loads(cli(*options, "--json").out)["skipped"]
    assert [Path(entry["file"]).name for entry in skipped] == ["gone.jpg", "one.heic"]
    assert all(entry["reason"] for entry in skipped)


def test_folders_of_folders(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "one")
    for folder in (images / "deep" / "er", trimaps / "deep" / "er"):
        folder.mkdir(parents=True)
    Image.fromarray(scene.pixels).save(images / "deep" / "er" / "one.jpg")
    Image.fromarray(scene.marks).save(trimaps / "deep" / "er" / "one.png")
    outcome = cli("matte", "-r", images, trimaps, "-o", out, "--weights", weights, *HERE)
    assert (outcome.code, outcome.err) == (0, "")
    made = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert made == ["deep/er/one.png", "one.png"]


def test_one_trimap_for_many_frames(cli, scene, weights):
    images, _, out = batch_of(scene, "f1", "f2", "f3")
    outcome = cli("matte", images, scene.trimap, "-o", out, "--weights", weights, *HERE)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(list(out.iterdir())) == 3


def test_one_mask_from_standard_input_for_many_frames(cli, scene, weights, monkeypatch):
    images, _, out = batch_of(scene, "f1", "f2")
    buffer = io.BytesIO()
    Image.fromarray(scene.marks).save(buffer, "PNG")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    outcome = cli("matte", images, "--mask", "-", "-o", out, "--weights", weights, *HERE)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(list(out.iterdir())) == 2


def test_a_name_that_cannot_be_printed_stops_nothing(cli, scene, weights, monkeypatch):
    images, _, out = batch_of(scene, "f1", "\udcff", "größe")
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "ascii"))
    assert cli("matte", images, scene.trimap, "-o", out, "--weights", weights, *HERE).code == 0
    sys.stdout.flush()
    lines = written.getvalue().decode("ascii").splitlines()
    assert [line.partition(" -> ")[0].rpartition("/")[2] for line in lines[:3]] == [
        "f1.jpg",
        "gr\\xf6\\xdfe.jpg",
        "\\udcff.jpg",
    ]
    assert lines[3] == "3 done"


def test_an_interrupt_keeps_the_report(cli, scene, weights, monkeypatch):
    images, trimaps, out = batch_of(scene, "a", "b", "c")
    do, calls = Work.do, []

    def interrupted(self, job, **how):
        calls.append(job)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return do(self, job, **how)

    monkeypatch.setattr(Work, "do", interrupted)
    outcome = cli("matte", images, trimaps, "-o", out, "--weights", weights, "--json", *HERE)
    assert outcome.code == 1
    assert outcome.error_line == "interrupted; the same command with --keep goes on"
    report = json.loads(outcome.out)
    assert [Path(entry["image"]).name for entry in report["pictures"]] == ["a.jpg"]
    assert [Path(image).name for image in report["not_reached"]] == ["b.jpg", "c.jpg"]


def test_keep_skips_what_is_done(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "one", "two")
    out.mkdir()
    (out / "one.png").write_bytes(b"mine")
    (out / "two.png").touch()  # as a full disk leaves it
    outcome = cli("matte", images, trimaps, "-o", out, "--weights", weights, "--keep", *HERE)
    assert outcome.code == 0, outcome.err
    assert "kept" in outcome.out
    assert (out / "one.png").read_bytes() == b"mine"
    assert pixels_of(out / "two.png").shape == scene.marks.shape
    assert cli("matte", images, trimaps, "-o", out, "--weights", weights, *HERE).code == 0
    assert pixels_of(out / "one.png").shape == scene.marks.shape


def test_several_pictures_need_to_be_told_where_to(cli, scene, weights):
    images, trimaps, _ = batch_of(scene, "one", "two")
    outcome = cli("matte", images, trimaps, "--weights", weights)
    assert outcome.code == 2
    assert "nowhere to write" in outcome.error_line


@pytest.mark.parametrize(
    ("option", "path", "words"),
    [
        ("-o", "a.png", ["--output", "a.png", "folder"]),
        ("--cutout", "a.png", ["--cutout", "a.png", "folder"]),
        ("-o", "image.png/a", ["image.png/a", "Not a directory"]),
    ],
)
def test_batch_needs_a_folder(cli, scene, weights, option, path, words):
    images, trimaps, _ = batch_of(scene, "one", "two")
    outcome = cli("matte", images, trimaps, option, scene.folder / path, "--weights", weights)
    assert outcome.code == 2
    for word in words:
        assert word in outcome.error_line


def test_batch_needs_a_trimap_for_each(cli, scene, weights):
    images, trimaps, out = batch_of(scene, "one", "two")
    (trimaps / "two.png").unlink()
    outcome = cli("matte", images, trimaps, "-o", out, "--weights", weights)
    assert outcome.code == 2
    assert outcome.error_line.startswith(f"{trimaps}: no file named two.* for {images / 'two.jpg'}")
    assert [path.name for path in out.iterdir()] == ["one.png"]
    assert "1 done, 1 failed" in outcome.out
