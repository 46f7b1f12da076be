"""`matte` on one picture."""

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

from lsamatting.images import read_grey, read_picture, write_picture
from tests.cli.matte_runs import pixels_of


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


def test_what_is_done_to_a_backdrop_is_told(cli, scene, weights):
    light, clear = scene.folder / "light.tif", scene.folder / "clear.png"
    tifffile.imwrite(light, np.full((8, 8, 3), 0.5, np.float32), photometric="rgb")
    Image.new("RGBA", (8, 8), (9, 9, 9, 40)).save(clear)
    for behind, words in ((light, "taken for linear light"), (clear, "its own opacity is ignored")):
        composite = scene.folder / "composite.png"
        command = ("matte", scene.image, scene.trimap, "--composite", composite, "--on", behind)
        outcome = cli(*command, "--weights", weights)
        assert outcome.code == 0, outcome.err
        assert f"{behind.name}: " in outcome.err.replace("\n", "")
        assert words in " ".join(outcome.err.split())


@pytest.mark.parametrize(("option", "expected"), [("--gamma", 128), ("--linear", 188)])
def test_a_backdrop_means_what_it_is_told_to(cli, scene, weights, option, expected):
    behind, composite = scene.folder / "behind.tif", scene.folder / "composite.png"
    tifffile.imwrite(behind, np.full((8, 8, 3), 0.5, np.float32), photometric="rgb")
    command = ("matte", scene.image, scene.trimap, "--composite", composite, "--on", behind)
    assert cli(*command, option, "--weights", weights).code == 0
    assert (pixels_of(composite)[scene.marks == 0] == expected).all()


def test_opacity_is_what_is_written_if_nothing_is_asked_for(cli, scene, weights, monkeypatch):
    here = scene.folder / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    outcome = cli("matte", scene.image, scene.trimap, "--weights", weights)
    assert outcome.code == 0, outcome.err
    assert "image-alpha.png" in outcome.out
    assert [path.name for path in here.iterdir()] == ["image-alpha.png"]


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


def test_a_wide_unknown_region_is_looked_at_from_afar_unless_told_otherwise(cli, tmp_path):
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:200, :320]
    subject = columns < 160 + 20 * np.sin(rows / 15)
    light = np.where(subject, 90, 170)[..., None] + rng.normal(0, 25, (200, 320, 3))
    trimap = np.where(columns < 70, 255, np.where(columns > 250, 0, 128))
    image, guide = tmp_path / "image.png", tmp_path / "trimap.png"
    for path, array in ((image, light.clip(0, 255)), (guide, trimap)):
        Image.fromarray(array.astype(np.uint8)).save(path)
    found = {}
    for name, options in {
        "usual": [],
        "asked": ["--coarse-to-fine"],
        "one": ["--no-coarse-to-fine"],
    }.items():
        outcome = cli("matte", image, guide, "-o", tmp_path / f"{name}.png", *options)
        assert (outcome.code, outcome.err) == (0, "")
        found[name] = pixels_of(tmp_path / f"{name}.png")
    np.testing.assert_array_equal(found["usual"], found["asked"])
    assert (found["usual"] != found["one"]).mean() > 0.01
