"""Mistakes: exit code 2, one line, nothing written."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from lsamatting.weights import bundled_folder
from tests.cli.matte_runs import batch_of


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-", "-"], "standard input (-) holds one picture"),
        (["{}/image.png", "{}/trimap.png", "-o", "-", "--json"], "standard output (-) holds one"),
        (["{}/image.png", "{}/trimap.png", "-o", "-", "--cutout", "-"], "two outputs"),
        (["{}/image.png", "{0}/mask.png", "{}/trimap.png", "-o", "-"], "several pictures need"),
        (["{}/image.png", "{}/trimap.png", "-o", "{}/a.png", "--quality", "80"], "--quality goes"),
        (["{}/image.png", "{}/trimap.png", "-o", "{}/a.webp", "--quality", "80"], "--quality goes"),
        (["{}/image.png", "{}/trimap.png", "-o", "{}/a.png", "--layer", "b"], "--layer goes with"),
        (
            ["{}/image.png", "{}/trimap.png", "--mask", "{}/mask.png", "-o", "{}/a.png"],
            "with --mask every path is a picture",
        ),
    ],
)
def test_streams_and_qualities_that_do_not_fit(cli, scene, weights, arguments, words):
    given = [part.format(scene.folder) for part in arguments]
    outcome = cli("matte", *given, "--weights", weights)
    assert outcome.code == 2
    assert words in outcome.error_line


@pytest.mark.parametrize(("stream", "words"), [("stdin", "input"), ("stdout", "output")])
def test_a_stream_that_is_closed(cli, scene, weights, monkeypatch, stream, words):
    monkeypatch.setattr(f"sys.{stream}", None)
    image = "-" if stream == "stdin" else scene.image
    outcome = cli("matte", image, scene.trimap, "-o", "-", "--weights", weights)
    assert (outcome.code, outcome.error_line) == (2, f"standard {words}: is closed")


@pytest.mark.parametrize("command", ["matte", "batch"])
def test_results_do_not_lie_among_the_pictures(cli, scene, weights, command):
    images, trimaps, _ = batch_of(scene, "one", "two")
    (scene.folder / "link").symlink_to(images)
    given = [trimaps] if command == "matte" else ["--trimaps", trimaps]
    for out in (images, scene.folder / "link"):
        outcome = cli(command, images, *given, "-o", out, "--weights", weights)
        assert outcome.code == 2
        assert "results would lie among the pictures" in outcome.error_line
    assert len(list(images.iterdir())) == 2
    # Pictures that are named one by one stay the only ones.
    outcome = cli(
        *("matte", images / "one.jpg", images / "two.jpg", trimaps, "-o", images),
        *("--weights", weights, "--workers", "0"),
    )
    assert outcome.code == 0
    assert len(list(images.iterdir())) == 4


@pytest.mark.parametrize("place", ["loop", "long" * 100])
def test_what_the_system_will_not_reach_is_one_line(cli, scene, weights, place):
    (scene.folder / "loop").symlink_to("loop")
    path = scene.folder / place / "a.png"
    for given in (
        [path, scene.trimap],
        [scene.image, path],
        [scene.image, scene.trimap, "-o", path],
        [scene.image, scene.trimap, "--composite", scene.folder / "c.png", "--on", path],
        [scene.image, scene.trimap, "--weights", scene.folder / place],
    ):
        outcome = cli("matte", "--weights", weights, *given)
        assert outcome.code == 2
        assert "unexpected" not in outcome.error_line


def test_every_input_is_protected(cli, scene, weights):
    layer = scene.folder / "strokes.png"
    strokes = np.zeros((*scene.marks.shape, 4), np.uint8)
    strokes[3, 3:9] = 255
    Image.fromarray(strokes).save(layer)
    linked, hard = scene.folder / "linked.png", scene.folder / "hard.png"
    linked.symlink_to(scene.image)
    os.link(scene.trimap, hard)
    kept = {path: path.read_bytes() for path in scene.folder.iterdir()}
    for output in (layer, scene.image, scene.trimap, linked, hard):
        outcome = cli(
            *("matte", scene.image, scene.trimap, "--refine", "--strokes", layer),
            *("-o", output, "--weights", weights),
        )
        assert outcome.code == 2
        assert "would replace an input" in outcome.error_line
    assert {path: path.read_bytes() for path in scene.folder.iterdir()} == kept


def test_what_cannot_be_written_is_found_before_anything_is_computed(
    cli, scene, weights, monkeypatch
):
    monkeypatch.setattr("lsamatting.matting.Matting.from_pretrained", None)  # never reached
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    outcome = cli("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png")
    assert outcome.code == 2
    assert "cannot be written to" in outcome.error_line
    images, trimaps, out = batch_of(scene, "one")
    outcome = cli("matte", images, trimaps, "-o", out / "deep")
    assert outcome.code == 2
    assert "cannot be made" in outcome.error_line
    assert not out.exists()


def spoil_truncate(scene):
    scene.image.write_bytes(scene.image.read_bytes()[:-300])


def spoil_empty(scene):
    scene.image.write_bytes(b"")


def spoil_text(scene):
    scene.image.write_text("no picture at all")


def spoil_missing(scene):
    scene.image.unlink()


def spoil_trimap_size(scene):
    Image.new("L", (30, 20), 128).save(scene.trimap)


def spoil_trimap_missing(scene):
    scene.trimap.unlink()


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (spoil_truncate, [], ["image.png"]),
        (spoil_empty, [], ["image.png"]),
        (spoil_text, [], ["image.png"]),
        (spoil_missing, [], ["image.png", "no such"]),
        (spoil_trimap_size, [], ["trimap.png", "30x20", "image.png", "56x40"]),
        (spoil_trimap_missing, [], ["trimap.png", "no such"]),
        (None, ["--max-pixels", "100"], ["image.png", "limit", "max_pixels"]),
        (None, ["--cutout", "{}/x.jpg"], ["x.jpg", "transparency"]),
        (None, ["--cutout", "{}/x.gif"], ["x.gif", "accepted"]),
        (None, ["--cutout", "{}/nowhere/x.png"], ["nowhere", "not exist"]),
        (None, ["--cutout", "{}/image.png"], ["image.png", "replace an input"]),
        (None, ["--cutout", "{}/out.png"], ["out.png", "two outputs"]),
        (None, ["--foreground", "{}/x.jpg", "--depth", "16"], ["x.jpg", "16"]),
        (None, ["--composite", "{}/x.png"], ["--on"]),
        (None, ["--on", "red"], ["--composite"]),
        (None, ["--composite", "{}/x.png", "--on", "no colour"], ["no colour", "no such file"]),
        (None, ["--composite", "{}/x.png", "--on", ""], ["--on is empty"]),
        (None, ["-o", "{}/image.png/new/"], ["image.png/new", "cannot be made"]),
        (None, ["--composite", "{0}/mask.png", "--on", "{0}/mask.png"], ["mask.png", "replace"]),
        (None, ["--erode", "3"], ["--mask"]),
        (None, ["--mask", "{}/mask.png", "--background-below", "9"], ["--background-below"]),
        (None, ["--weights", "heavy"], ["heavy", "owner/name"]),
        (None, ["--weights", "{}"], ["config.json"]),
        (None, ["--device", "abacus"], ["abacus", "cpu"]),
        (None, ["--device", "cuda:99"], ["cuda:99", "cpu"]),
        (None, ["--background-below", "200"], ["200", "170"]),
        (None, ["--padding", "paper", "--coarse-to-fine"], ["--coarse-to-fine", "window", "paper"]),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(cli, scene, weights, spoil, options, words):
    if spoil is not None:
        spoil(scene)
    before = sorted(scene.folder.iterdir())
    options = [part.format(scene.folder) for part in options]
    if "--weights" not in options:
        options += ["--weights", str(weights)]
    outcome = cli("matte", scene.image, scene.trimap, "-o", scene.folder / "out.png", *options)
    assert outcome.code == 2
    assert outcome.out == ""
    for word in words:
        assert word in outcome.error_line
    assert sorted(scene.folder.iterdir()) == before


def test_zero_sized_array_of_a_picture_is_refused(cli, scene, weights):
    # A BMP whose header says that it is 0 pixels wide.
    Image.fromarray(scene.pixels).save(scene.folder / "image.bmp")
    data = bytearray((scene.folder / "image.bmp").read_bytes())
    data[18:22] = bytes(4)
    (scene.folder / "image.bmp").write_bytes(data)
    outcome = cli(
        *("matte", scene.folder / "image.bmp", scene.trimap),
        *("-o", scene.folder / "a.png", "--weights", weights),
    )
    assert outcome.code == 2
    assert "image.bmp" in outcome.error_line


def test_no_trimap(cli, scene):
    outcome = cli("matte", scene.image, "-o", scene.folder / "a.png")
    assert outcome.code == 2
    assert "trimap" in outcome.error_line


def test_an_unexpected_error_is_one_line_and_code_1(cli, scene, weights, monkeypatch):
    def explode(*_, **__):
        raise RuntimeError("the network\nis on fire")

    monkeypatch.delenv("LSAMATTING_DEBUG", raising=False)
    monkeypatch.setattr("lsamatting.matting.estimate", explode)
    command = (
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png"),
        *("--weights", weights),
    )
    outcome = cli(*command)
    assert outcome.code == 1
    assert "RuntimeError: the network is on fire" in outcome.error_line
    monkeypatch.setenv("LSAMATTING_DEBUG", "1")
    outcome = cli(*command)
    assert outcome.code == 1
    assert "Traceback" in outcome.err


def test_interrupt_is_one_line(cli, scene, weights, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("lsamatting.matting.estimate", interrupt)
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png"),
        *("--weights", weights),
    )
    assert outcome.code == 1
    assert outcome.error_line == "interrupted"
    assert not (scene.folder / "a.png").exists()


def test_more_threads_than_a_process_can_have_are_refused(cli, scene):
    outcome = cli("matte", scene.image, scene.trimap, "--threads", "1000000")
    assert outcome.code == 2
    assert "found 1000000; accepted on this machine" in outcome.error_line


def test_weights_that_are_loaded_meanwhile_are_told_of_in_one_line(cli, scene, tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(bundled_folder("lite"), folder)
    (folder / "model.safetensors").write_bytes(b"no numbers")
    out = tmp_path / "alpha.png"
    for runtime in ("onnx", "torch"):
        options = ("-o", out, "--weights", folder, "--runtime", runtime)
        outcome = cli("matte", scene.image, scene.trimap, *options)
        assert outcome.code == 2
        assert "model.safetensors" in outcome.error_line
        assert not out.exists()
