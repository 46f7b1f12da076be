from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest
import typer
import yaml
from PIL import Image

from lsamatting.batch.lock import locked
from lsamatting.batch.work import Work
from lsamatting.cli import batching
from lsamatting.cli.main import assemble
from lsamatting.cli.outputs import refuse_among_pictures
from lsamatting.errors import ConfigError

HERE = ("--workers", "0")
"""Starts no processes, which would take most of a test's time."""

COUNT = 4

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folders(scene) -> tuple[Path, Path, Path]:
    """Give pictures, trimaps and the place for results."""
    images, trimaps = scene.folder / "images", scene.folder / "trimaps"
    images.mkdir()
    trimaps.mkdir()
    for number in range(COUNT):
        Image.fromarray(scene.pixels).save(images / f"{number}.png")
        Image.fromarray(scene.marks).save(trimaps / f"{number}.png")
    return images, trimaps, scene.folder / "out"


def records(out: Path, name: str = "results.jsonl") -> list[dict[str, object]]:
    path = out / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def names(out: Path, name: str = "results.jsonl") -> list[str]:
    return sorted(Path(str(record["image"])).name for record in records(out, name))


@pytest.fixture
def done(monkeypatch) -> list[str]:
    """The names of pictures that were computed in this process, as they are."""
    made: list[str] = []
    do = Work.do

    def noted(self, job, progress=None, **how):
        report = do(self, job, progress, **how)
        if not report.get("unchanged"):
            made.append(Path(job.image).name)
        return report

    monkeypatch.setattr(Work, "do", noted)
    return made


def test_a_batch_leaves_mattes_records_a_summary_and_a_sheet(cli, folders, weights, monkeypatch):
    monkeypatch.setattr(batching, "LINE_SECONDS", 0.0)
    images, trimaps, out = folders
    (images / "note.txt").touch()
    outcome = cli(
        *("batch", images, "--trimaps", trimaps, "-o", out, "--cutouts", out / "cut"),
        *("--weights", weights, "--workers", "2"),
    )
    assert outcome.code == 0, outcome.err
    # Not on a terminal: lines instead of a bar.
    shape = re.compile(r"[1-4]/4: [\d.]+ pictures/s, [\d.]+ MP/s, \d+:\d\d left")
    assert [bool(shape.fullmatch(line)) for line in outcome.err.splitlines()] == [True] * 4
    assert re.match(r"4 of 4 done\n4 in \d+:\d\d: ", outcome.out)
    assert "note.txt: not a picture that can be read" in outcome.out
    assert names(out) == ["0.png", "1.png", "2.png", "3.png"]
    record = records(out)[0]
    assert record["size"] == [56, 40]
    assert {"read", "network", "write", "total", "processor"} <= set(record["seconds"])
    assert all(len(told["sha256"]) == 64 for told in record["inputs"].values())
    for kind, address in record["outputs"].items():
        assert record["bytes"][kind] == Path(address).stat().st_size
    assert sorted(path.name for path in (out / "cut").iterdir()) == names(out)
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["pictures"], summary["done"], summary["failed"]) == (4, 4, 0)
    assert summary["this_run"]["processor_seconds"] > 0
    with Image.open(out / "worst.jpg") as sheet:
        assert sheet.width == 720
    assert not (out / "failed.jsonl").exists()


def test_a_rerun_does_what_is_missing_or_changed(cli, folders, weights, scene, done):
    images, trimaps, out = folders
    command = ("batch", images, "--trimaps", trimaps, "-o", out, "--weights", weights, *HERE)
    assert cli(*command).code == 0
    assert sorted(done) == ["0.png", "1.png", "2.png", "3.png"]
    done.clear()
    again = cli(*command)
    assert again.out.startswith("4 of 4 done, 4 of them before")
    assert done == []
    (out / "0.png").unlink()
    (out / "1.png").write_bytes(b"cut")
    Image.fromarray(255 - scene.pixels).save(images / "2.png")
    os.utime(images / "3.png", ns=(1, 1))
    touched = cli(*command)
    assert sorted(done) == ["0.png", "1.png", "2.png"]
    assert "1 touched but the same" in touched.out
    # What was only looked at is no work of this run.
    spent = {Path(str(r["image"])).name: r["seconds"]["processor"] for r in records(out)}
    told = json.loads((out / "summary.json").read_text())["this_run"]
    assert told["done"] == 3
    assert told["processor_seconds"] == pytest.approx(
        spent["0.png"] + spent["1.png"] + spent["2.png"], abs=0.001
    )
    done.clear()
    cli(*command)
    assert done == []
    assert cli(*command, "--foreground-method", "none").code == 0
    assert len(done) == COUNT
    assert len(records(out)) == COUNT


def test_failures_do_not_stop_the_rest_and_wait_for_a_retry(cli, folders, weights, done):
    images, trimaps, out = folders
    whole = (images / "1.png").read_bytes()
    (images / "1.png").write_bytes(whole[:60])
    (trimaps / "2.png").unlink()
    command = ("batch", images, "--trimaps", trimaps, "-o", out, "--weights", weights, *HERE)
    outcome = cli(*command)
    assert outcome.code == 2
    assert sorted(done) == ["0.png", "3.png"]
    assert names(out, "failed.jsonl") == ["1.png", "2.png"]
    for record in records(out, "failed.jsonl"):
        assert str(record["reason"]) in outcome.err
        assert "\n" not in str(record["reason"])
    assert "2 of 4 done, 2 failed" in outcome.out
    done.clear()
    again = cli(*command)
    assert again.code == 2
    assert "1 failed before and were left alone; --retry tries them again" in again.err
    retried = cli(*command, "--retry")
    assert (retried.code, done) == (2, [])
    assert "1.png: the file is damaged" in retried.err
    (images / "1.png").write_bytes(whole)
    (trimaps / "2.png").write_bytes((trimaps / "0.png").read_bytes())
    mended = cli(*command)
    assert (mended.code, mended.err) == (0, "")
    assert sorted(done) == ["1.png", "2.png"]
    assert records(out, "failed.jsonl") == []
    assert len(records(out)) == COUNT


def test_a_manifest_of_addresses_here_and_elsewhere(cli, scene, weights):
    store = fsspec.filesystem("memory")
    far = f"memory:///{scene.folder.name}"
    store.pipe_file(f"{far}/photo.png", scene.image.read_bytes())
    store.pipe_file(f"{far}/mask.png", scene.mask.read_bytes())
    manifest = scene.folder / "manifest.csv"
    manifest.write_text(
        "image,trimap,mask,alpha,cutout\n"
        "image.png,trimap.png,,,cut/here.webp\n"
        f"{far}/photo.png,,{far}/mask.png,{far}/deep/alpha.png,\n"
        f"{far}/none.png,trimap.png,,,\n"
    )
    out = scene.folder / "out"
    command = ("batch", manifest, "-o", out, "--weights", weights)
    outcome = cli(*command)
    assert outcome.code == 2
    assert outcome.error_line == f"{far}/none.png: no such file"
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.*")} >= {
        "image.png",
        "cut/here.webp",
    }
    alpha = np.asarray(Image.open(store.open(f"{far}/deep/alpha.png")))
    assert alpha[20, 28] == 255
    assert cli(*command).out.startswith("2 of 3 done, 2 of them before")
    # Results can lie at a URL as well.
    elsewhere = ("batch", manifest, "-o", f"{far}/out", "--weights", weights)
    assert cli(*elsewhere).code == 2
    assert {Path(path).name for path in store.ls(f"{far}/out", detail=False)} == {
        *("image.png", "cut", "results.jsonl", "failed.jsonl", "summary.json", "worst.jpg"),
    }
    assert cli(*elsewhere).out.startswith("2 of 3 done, 2 of them before")
    store.rm(far, recursive=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}/images"], "pictures need --trimaps or --masks"),
        (["{}/images", "--trimaps", "{}/trimaps", "--masks", "{}/trimaps"], "give one of them"),
        (["{}/m.csv", "--trimaps", "{}/trimaps"], "a manifest says itself"),
        (["{}/none.csv"], "none.csv"),
        (["-", "--trimaps", "{}/trimaps"], "not standard input"),
        (["{}/images", "--trimaps", "-"], "not standard input"),
        (["{}/images", "--trimaps", "{}/trimaps", "--cutouts", "-"], "not standard input"),
        (["{}/same.csv"], "two outputs would be written to this file"),
        (["{}/over.csv"], "would replace an input"),
        (["{}/own.csv"], "a file of the run itself"),
        (["{}/composite.csv"], "--composites needs --on"),
        (["{}/images", "--trimaps", "{}/trimaps", "--on", "red"], "--on goes with"),
        (["{}/images", "--trimaps", "{}/trimaps", "--erode", "3"], "--erode and --dilate"),
        (["{}/images", "--trimaps", "nowhere://b/t"], "nowhere://b/t"),
        (["{}/images", "--trimaps", "{}/trimaps", "--threads", "100000"], "threads: found"),
        (["{}/images", "--trimaps", "{}/trimaps", "--weights", "heavy"], "heavy"),
        (
            ["{}/images", "--trimaps", "{}/trimaps", "--gpus", "0.5"],
            "--gpus goes with --engine ray",
        ),
        (
            ["{}/images", "--trimaps", "{}/trimaps", "--engine", "ray", "--workers", "0"],
            "--workers 0 works in this process",
        ),
        (
            ["{}/images", "--trimaps", "{}/trimaps", "--picture-timeout", "9", "--workers", "0"],
            "--picture-timeout needs worker processes",
        ),
        (
            ["{}/images", "--trimaps", "{}/trimaps", "--picture-timeout", "9", "--engine", "ray"],
            "--picture-timeout goes with --engine local",
        ),
    ],
)
def test_mistakes_are_one_line_and_write_no_picture(cli, folders, arguments, words):
    images, _, out = folders
    folder = images.parent
    for name, rows in {
        "m": "image,trimap\nimage.png,trimap.png\n",
        "same": "image,trimap\nimages/0.png,trimap.png\ntrimaps/0.png,trimap.png\n",
        "over": "image,trimap,alpha\nimage.png,trimap.png,../images/0.png\n"
        "images/0.png,trimap.png,\n",
        "own": "image,trimap,alpha\nimage.png,trimap.png,worst.jpg\n",
        "composite": "image,trimap,composite\nimage.png,trimap.png,c.png\n",
    }.items():
        (folder / f"{name}.csv").write_text(rows)
    outcome = cli("batch", *(part.format(folder) for part in arguments), "-o", out)
    assert outcome.code == 2
    assert words in outcome.error_line
    assert list(out.rglob("*.png")) == []


def test_results_among_pictures_are_refused_at_urls_too():
    refuse_among_pictures(["memory://b/out"], ["memory://b/in"])
    with pytest.raises(ConfigError, match="among the pictures"):
        refuse_among_pictures(["memory://b/in/"], ["memory://b/in"])


def test_a_folder_that_another_run_writes_into_is_refused(cli, folders, weights):
    images, trimaps, out = folders
    out.mkdir()
    with locked(str(out)):
        outcome = cli("batch", images, "--trimaps", trimaps, "-o", out, "--weights", weights, *HERE)
    assert outcome.code == 2
    assert outcome.error_line.startswith(f"{out}: another run is writing its results there")
    assert list(out.glob("*.png")) == []


def program(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lsamatting", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A group of its own, which a terminal's Ctrl-C reaches as a whole.
        start_new_session=True,
    )


def wait_for(out: Path, count: int) -> None:
    path = out / "results.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        time.sleep(0.02)


def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(cli, folders, weights):
    images, trimaps, out = folders
    for number in range(COUNT, 60):
        os.link(images / "0.png", images / f"{number}.png")
    command = ("batch", images, "--trimaps", trimaps / "0.png", "-o", out, "--weights", weights)
    run = program(*command, "--workers", "1")
    wait_for(out, 3)
    os.killpg(run.pid, signal.SIGINT)
    told, errors = run.communicate()
    assert run.returncode == 1
    assert "finishing what is in flight" in errors
    left = 60 - len(records(out))
    assert 0 < left < 60
    assert f"stopped with {left} pictures to go; the same command goes on" in errors
    # Each picture that was begun was finished, and nothing half done lies about.
    assert sorted(path.name for path in out.glob("*.png")) == names(out)
    assert f"{left} not reached" in told
    assert cli(*command, *HERE).out.startswith(f"60 of 60 done, {60 - left} of them before")
    assert len(records(out)) == 60


def test_the_cluster_example_of_the_docs_is_a_command():
    job = yaml.safe_load((ROOT / "docs" / "rayjob.yaml").read_text())
    program, command, *arguments = shlex.split(job["spec"]["entrypoint"])
    assert (program, command) == ("lsamatting", "batch")
    group = typer.main.get_command(assemble("batch", "matte"))
    batch = group.commands["batch"]
    parsed = batch.make_context("batch", arguments).params
    workers = job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]
    assert parsed["engine"] == "ray"
    # As many as the machines that may be started have room for.
    (container,) = workers["template"]["spec"]["containers"]
    processors = int(container["resources"]["limits"]["cpu"])
    assert parsed["workers"] == workers["maxReplicas"] * processors


@pytest.mark.slow
def test_a_batch_of_500_killed_three_times_ends_with_500_right_results(cli, tmp_path, weights):
    kinds, count = 5, 500
    images, trimaps, out = tmp_path / "images", tmp_path / "trimaps", tmp_path / "out"
    images.mkdir()
    trimaps.mkdir()
    rows, columns = np.mgrid[:16, :24]
    for number in range(count):
        kind = number % kinds
        if number < kinds:
            distance = np.hypot(rows - 8, columns - 8 - kind)
            marks = np.select([distance < 4, distance > 7], [255, 0], 128).astype(np.uint8)
            grey = np.clip(200 - 20 * distance, 0, 255).astype(np.uint8)
            Image.fromarray(grey).save(images / f"{number:03}.png")
            Image.fromarray(marks).save(trimaps / f"{number:03}.png")
        else:
            for folder in (images, trimaps):
                os.link(folder / f"{kind:03}.png", folder / f"{number:03}.png")
    command = ("batch", images, "--trimaps", trimaps, "-o", out, "--weights", weights)
    seen = []
    for at_least in (100, 200, 350):
        run = program(*command, "--workers", "2")
        wait_for(out, at_least)
        run.kill()
        run.communicate()
        seen.append(len(names(out)))
    last = program(*command, "--workers", "2")
    told, errors = last.communicate()
    assert last.returncode == 0, errors
    assert seen == sorted(seen)
    assert seen[-1] < count
    assert told.startswith(f"{count} of {count} done, {seen[-1]} of them before")
    # Nothing was recorded twice, nothing half written was left.
    assert names(out) == sorted(path.name for path in images.iterdir())
    assert len([p for p in out.iterdir() if p.suffix == ".png"]) == count
    expected = tmp_path / "expected"
    chosen = [images / f"{kind:03}.png" for kind in range(kinds)]
    assert (
        cli(
            *("batch", *chosen, "--trimaps", trimaps, "-o", expected),
            *("--weights", weights, "--threads", "1", *HERE),
        ).code
        == 0
    )
    for number in range(count):
        assert (out / f"{number:03}.png").read_bytes() == (
            expected / f"{number % kinds:03}.png"
        ).read_bytes()
