from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from lsamatting.batch.work import Work
from lsamatting.images import read_grey, read_picture, write_picture


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_opacity_keeps_what_is_known(cli, scene, weights):
    outcome = cli(
        "matte", scene.image, scene.trimap, "-o", scene.folder / "a.png", "--weights", weights
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert "a.png" in outcome.out
    alpha = pixels_of(scene.folder / "a.png")
    assert alpha.dtype == np.uint8
    assert alpha.shape == scene.marks.shape
    assert (alpha[scene.marks == 255] == 255).all()
    assert (alpha[scene.marks == 0] == 0).all()


def test_every_output_at_once(cli, scene, weights):
    names = ("cutout", "foreground", "composite", "overlay")
    files = {name: scene.folder / f"{name}.png" for name in names}
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.tif"),
        *(*options, "--on", "#00ff00", "--weights", weights, "--device", "cpu", "--threads", "1"),
    )
    assert outcome.code == 0, outcome.err
    alpha = pixels_of(scene.folder / "a.tif")
    cutout = pixels_of(files["cutout"])
    assert cutout.shape == (*scene.marks.shape, 4)
    assert (cutout[..., 3] == alpha).all()
    inside, outside = scene.marks == 255, scene.marks == 0
    assert (cutout[inside][:, :3] == scene.pixels[inside]).all()
    assert (pixels_of(files["foreground"])[inside] == scene.pixels[inside]).all()
    composite = pixels_of(files["composite"])
    assert (composite[outside] == (0, 255, 0)).all()
    assert (composite[inside] == scene.pixels[inside]).all()
    height, width = alpha.shape
    overlay = pixels_of(files["overlay"])
    assert overlay.shape[0] == height
    assert (overlay[:, :width] == scene.pixels).all()
    assert (overlay[:, -width:] == composite).all()


def test_a_new_folder_gets_a_file_of_the_picture_s_name(cli, scene, weights):
    where = f"{scene.folder}/new/sub/"
    options = ("--cutout", where + "cut", "--weights", weights)
    outcome = cli("matte", scene.image, scene.trimap, "-o", where, *options)
    assert outcome.code == 0, outcome.err
    assert pixels_of(Path(where) / "image.png").shape == scene.marks.shape
    assert pixels_of(Path(where) / "cut" / "image.png").shape[2] == 4


def test_composite_on_a_picture_of_another_size(cli, scene, weights):
    behind = scene.folder / "behind.png"
    Image.new("RGB", (300, 100), (10, 20, 30)).save(behind)
    shown = scene.folder / "shown.jpg"
    outcome = cli(
        *("matte", scene.image, scene.trimap, "--composite", shown, "--on", behind),
        *("--weights", weights),
    )
    assert outcome.code == 0, outcome.err
    corner = pixels_of(shown)[:4, :4].reshape(-1, 3).mean(0)
    np.testing.assert_allclose(corner, (10, 20, 30), atol=3)


@pytest.mark.parametrize(
    ("source", "asked", "target", "expected"),
    [
        (8, None, "a.png", 8),
        (8, "16", "a.png", 16),
        (16, None, "a.png", 16),
        (16, None, "a.jpg", 8),
        (16, "8", "a.png", 8),
        (32, None, "a.tif", 32),
        (32, None, "a.png", 16),
    ],
)
def test_depth_comes_back_unless_asked_otherwise(
    cli, scene, weights, source, asked, target, expected
):
    image = scene.folder / ("deep.tif" if source == 32 else "deep.png")
    write_picture(image, scene.pixels.astype(np.float32) / 255, depth=source)
    options = () if asked is None else ("--depth", asked)
    path = scene.folder / target
    outcome = cli("matte", image, scene.trimap, "-o", path, "--weights", weights, *options)
    assert outcome.code == 0, outcome.err
    assert read_grey(path)[1] == expected


def test_linear_light_comes_back_linear(cli, scene, weights):
    image, cutout = scene.folder / "light.exr", scene.folder / "cutout.exr"
    colours = scene.pixels.astype(np.float32) / 255
    write_picture(image, colours)
    outcome = cli("matte", image, scene.trimap, "--cutout", cutout, "--weights", weights)
    assert outcome.code == 0, outcome.err
    written = read_picture(cutout)
    assert written.linear
    inside = scene.marks == 255
    np.testing.assert_allclose(written.pixels[inside], colours[inside], atol=2e-3)


def test_orientation_comes_back(cli, scene, weights):
    image = scene.folder / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by a quarter: what a viewer shows is the scene
    Image.fromarray(np.rot90(scene.pixels).copy()).save(image, exif=exif, quality=100)
    outcome = cli("matte", image, scene.trimap, "-o", scene.folder / "a.png", "--weights", weights)
    assert outcome.code == 0, outcome.err
    assert pixels_of(scene.folder / "a.png").shape == scene.marks.shape


def test_mask_instead_of_trimap(cli, scene, weights):
    path = scene.folder / "a.png"
    outcome = cli(
        *("matte", scene.image, "--mask", scene.mask, "--erode", "3", "--dilate", "4"),
        *("-o", path, "--weights", weights, "--json"),
    )
    assert outcome.code == 0, outcome.err
    (entry,) = json.loads(outcome.out)["pictures"]
    assert entry["mask"] == str(scene.mask)
    assert 0 < entry["pixels"]["unknown"] < scene.marks.size / 2
    alpha = pixels_of(path)
    assert alpha[20, 28] == 255
    assert alpha[0, 0] == 0


def test_json_tells_files_and_times(cli, scene, weights):
    path = scene.folder / "a.png"
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", path, "--weights", weights),
        *("--json", "--device", "cpu"),
    )
    report = json.loads(outcome.out)
    assert report["device"] == "cpu"
    assert report["failed"] == []
    (entry,) = report["pictures"]
    assert entry["outputs"] == {"alpha": str(path)}
    assert entry["size"] == [56, 40]
    seconds = entry["seconds"]
    assert {"read", "priors", "network", "foreground", "write", "total"} <= set(seconds)
    assert all(value >= 0 for value in seconds.values())
    assert sum(entry["pixels"].values()) == 56 * 40


def test_nothing_unknown_is_warned_of_and_done(cli, scene, weights):
    Image.fromarray((scene.marks > 100).astype(np.uint8) * 255).save(scene.trimap)
    path = scene.folder / "a.png"
    outcome = cli("matte", scene.image, scene.trimap, "-o", path, "--weights", weights)
    assert outcome.code == 0
    assert "trimap.png: it has no unknown pixel" in outcome.error_line
    assert set(np.unique(pixels_of(path))) == {0, 255}


HERE = ("--workers", "0")
"""Starts no processes, which would take most of a test's time."""


def batch_of(scene, *names: str) -> tuple[Path, Path, Path]:
    images, trimaps = scene.folder / "images", scene.folder / "trimaps"
    images.mkdir()
    trimaps.mkdir()
    for name in names:
        Image.fromarray(scene.pixels).save(images / f"{name}.jpg")
        Image.fromarray(scene.marks).save(trimaps / f"{name}.png")
    return images, trimaps, scene.folder / "out"


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


def test_from_standard_input_to_standard_output(scene, weights):
    program = Path(sys.executable).with_name("lsamatting")
    done = subprocess.run(
        [program, "matte", "-", scene.trimap, "--weights", weights],
        input=scene.image.read_bytes(),
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    alpha = np.asarray(Image.open(io.BytesIO(done.stdout)))
    assert (alpha[scene.marks == 255] == 255).all()
    assert (alpha[scene.marks == 0] == 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-", "-"], "standard input (-) holds one picture"),
        (["{}/image.png", "{}/trimap.png", "-o", "-", "--json"], "standard output (-) holds one"),
        (["{}/image.png", "{}/trimap.png", "-o", "-", "--cutout", "-"], "two outputs"),
        (["{}/image.png", "{0}/mask.png", "{}/trimap.png", "-o", "-"], "several pictures need"),
        (["{}/image.png", "{}/trimap.png", "-o", "{}/a.png", "--quality", "80"], "--quality goes"),
    ],
)
def test_streams_and_qualities_that_do_not_fit(cli, scene, weights, arguments, words):
    given = [part.format(scene.folder) for part in arguments]
    outcome = cli("matte", *given, "--weights", weights)
    assert outcome.code == 2
    assert words in outcome.error_line


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


def test_camera_data_and_resolution_come_along_unless_told_otherwise(cli, scene, weights):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Nobody"
    image, cutout = scene.folder / "photo.jpg", scene.folder / "cutout.png"
    Image.fromarray(scene.pixels).save(image, exif=exif, dpi=(300, 300), quality=100)
    command = ("matte", image, scene.trimap, "--cutout", cutout, "--weights", weights)
    for options, artist, dpi in (((), "A. Nobody", 300), (("--no-metadata",), None, None)):
        assert cli(*command, *options).code == 0
        with Image.open(cutout) as made:
            assert made.getexif().get(ExifTags.Base.Artist) == artist
            assert made.info.get("dpi", (None,))[0] == (dpi and pytest.approx(dpi, abs=0.1))
            assert "icc_profile" in made.info


def test_floating_point_files_mean_what_they_are_told_to(cli, scene, weights):
    image, cutout = scene.folder / "float.tif", scene.folder / "cutout.tif"
    colours = scene.pixels.astype(np.float32) / 255
    tifffile.imwrite(image, colours, photometric="rgb")
    command = ("matte", image, scene.trimap, "--cutout", cutout, "--weights", weights)
    inside = scene.marks == 255
    for options, told in (((), True), (("--linear",), False), (("--gamma",), False)):
        outcome = cli(*command, *options)
        assert outcome.code == 0
        assert ("taken for linear light" in outcome.err) == told
        written = tifffile.imread(cutout)[..., :3]
        np.testing.assert_allclose(written[inside], colours[inside], atol=2e-3)
        assert read_picture(cutout, transfer=None).linear == (options != ("--gamma",))


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


# ---- mistakes: exit code 2, one line, nothing written ----


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
        (None, ["--composite", "{}/x.png", "--on", ""], ["'': no such file", "is not a colour"]),
        (None, ["-o", "{}/image.png/new/"], ["image.png/new", "cannot be made"]),
        (None, ["--composite", "{0}/mask.png", "--on", "{0}/mask.png"], ["mask.png", "replace"]),
        (None, ["--erode", "3"], ["--mask"]),
        (None, ["--mask", "{}/mask.png", "--background-below", "9"], ["--background-below"]),
        (None, ["--weights", "heavy"], ["heavy", "owner/name"]),
        (None, ["--weights", "{}"], ["config.json"]),
        (None, ["--device", "abacus"], ["abacus", "cpu"]),
        (None, ["--device", "cuda:99"], ["cuda:99", "cpu"]),
        (None, ["--background-below", "200"], ["200", "170"]),
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


def test_opacity_is_what_is_written_if_nothing_is_asked_for(cli, scene, weights, monkeypatch):
    here = scene.folder / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    outcome = cli("matte", scene.image, scene.trimap, "--weights", weights)
    assert outcome.code == 0, outcome.err
    assert "image-alpha.png" in outcome.out
    assert [path.name for path in here.iterdir()] == ["image-alpha.png"]


def test_several_pictures_need_to_be_told_where_to(cli, scene, weights):
    images, trimaps, _ = batch_of(scene, "one", "two")
    outcome = cli("matte", images, trimaps, "--weights", weights)
    assert outcome.code == 2
    assert "nowhere to write" in outcome.error_line


def test_no_trimap(cli, scene):
    outcome = cli("matte", scene.image, "-o", scene.folder / "a.png")
    assert outcome.code == 2
    assert "trimap" in outcome.error_line


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


def test_as_a_program(scene, weights):
    """One real process, as a shell starts it."""
    program = Path(sys.executable).with_name("lsamatting")
    done = subprocess.run(
        [
            *(program, "matte", scene.image, scene.trimap),
            *("-o", scene.folder / "a.png", "--weights", weights),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (scene.folder / "a.png").exists()
    failed = subprocess.run(
        [program, "matte", scene.image, scene.trimap, "-o", scene.folder / "a.gif"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 2
    assert len(failed.stderr.strip().splitlines()) == 1


def test_more_threads_than_a_process_can_have_are_refused(cli, scene):
    outcome = cli("matte", scene.image, scene.trimap, "--threads", "1000000")
    assert outcome.code == 2
    assert "found 1000000; accepted on this machine" in outcome.error_line


def test_own_opacity_is_multiplied_into_the_result_unless_ignored(cli, scene, weights):
    opacity = np.full(scene.marks.shape, 255, np.uint8)
    opacity[:, :28] = 102
    image = scene.folder / "cut.png"
    Image.fromarray(np.dstack([scene.pixels, opacity])).save(image)
    command = ("matte", image, scene.trimap, "-o", scene.folder / "a.tif", "--weights", weights)
    command = (*command, "--depth", "32")
    told = cli(*command)
    assert (told.code, told.error_line) == (
        0,
        f"{image}: its own opacity is multiplied into the result",
    )
    multiplied, _ = read_grey(scene.folder / "a.tif")
    ignored = cli(*command, "--ignore-opacity")
    assert ignored.error_line == f"{image}: its own opacity is ignored"
    alone, _ = read_grey(scene.folder / "a.tif")
    np.testing.assert_allclose(multiplied, alone * (opacity / 255), atol=1e-6)
    assert (alone[scene.marks == 255] == 1).all()
