from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from lsamatting.evaluation.records import MEASURES, read_records


@pytest.fixture
def discs(scene, monkeypatch):
    """A folder trio of two pictures, in the working folder."""
    root = scene.folder / "discs"
    for kind, file in (("image", scene.image), ("trimap", scene.trimap), ("alpha", scene.mask)):
        (root / kind).mkdir(parents=True)
        for name in ("a", "b"):
            shutil.copy(file, root / kind / f"{name}.png")
    monkeypatch.chdir(scene.folder)
    return root


@pytest.fixture
def mattes(discs):
    """Mattes of another method: a is right, b is empty."""
    folder = discs.parent / "other"
    shutil.copytree(discs / "alpha", folder)
    alpha = np.asarray(Image.open(folder / "b.png"))
    Image.fromarray(np.zeros_like(alpha)).save(folder / "b.png")
    return folder


def test_our_network_is_evaluated_and_its_hash_stated(cli, discs, weights):
    import hashlib

    outcome = cli("evaluate", discs, "--weights", weights, "--device", "cpu")
    assert (outcome.code, outcome.err) == (0, "")
    file = discs.parent / "evaluation" / f"discs-{weights.name}.jsonl"
    records = read_records(file)
    assert [p.name for p in records.pictures] == ["a", "b"]
    wanted = hashlib.sha256((weights / "model.safetensors").read_bytes()).hexdigest()
    assert records.header["method"]["sha256"] == wanted
    options = records.header["method"]["options"]
    assert (options["refinement"], options["tta"]) == (None, None)
    assert options["precision"] == "full"
    assert file.with_suffix(".jpg").exists()
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["picture", *MEASURES, "s"]
    assert lines[3].split()[:3] == ["mean", "of", "2"]
    assert float(lines[3].split()[3]) == pytest.approx(records.means()["SAD"], abs=0.005)


def test_refinement_and_averaging_are_done_and_stated(cli, discs, weights):
    plain = cli("evaluate", discs, "--weights", weights, "-o", "plain.jsonl")
    outcome = cli(
        *("evaluate", discs, "--weights", weights, "-o", "r.jsonl"),
        *("--refine", "--tta", "--precision", "auto", "--coarse-to-fine"),
    )
    assert (plain.code, outcome.code, outcome.err) == (0, 0, "")
    records = read_records(discs.parent / "r.jsonl")
    options = records.header["method"]["options"]
    assert (options["padding"], options["boundary"]) == ("window", "paper")
    assert (options["precision"], options["coarse_to_fine"]) == ("auto", True)
    assert options["tta"]["symmetries"] == 8
    assert options["refinement"]["optimiser"] == "lbfgs"
    assert records.means() != read_records(discs.parent / "plain.jsonl").means()


def test_the_same_command_says_the_same_without_predicting(cli, discs, weights):
    command = ("evaluate", discs, "--weights", weights, "--device", "cpu")
    first = cli(*command)
    before = (discs.parent / "evaluation" / f"discs-{weights.name}.jsonl").read_bytes()
    assert cli(*command) == first
    assert (discs.parent / "evaluation" / f"discs-{weights.name}.jsonl").read_bytes() == before


def test_mattes_of_another_method_are_scored(cli, discs, mattes):
    outcome = cli("evaluate", discs, "--predictions", mattes, "-o", "r.jsonl", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    report = json.loads(outcome.out)
    assert report["method"] == "other"
    assert report["pictures"] == 2
    assert (report["results"], report["sheet"]) == ("r.jsonl", "r.jpg")
    right, empty = read_records(discs.parent / "r.jsonl").pictures
    assert right.errors == dict.fromkeys(MEASURES, 0)
    assert report["means"]["SAD"] == pytest.approx(empty.errors["SAD"] / 2)


def test_scoring_needs_no_network(discs, mattes):
    program = (
        "import sys; from lsamatting.cli.main import main;"
        f"code = main(['evaluate', {str(discs)!r}, '--predictions', {str(mattes)!r}]);"
        "sys.exit(code or 3 * ('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("method", ["prior", "closed-form", "knn"])
def test_others_than_our_network(cli, discs, method):
    outcome = cli("evaluate", discs, "--method", method, "-o", "r.jsonl")
    assert outcome.code == 0, outcome.err
    assert read_records(discs.parent / "r.jsonl").name == {"prior": "alpha_light"}.get(
        method, method
    )


def test_saved_mattes_and_a_name_for_the_table(cli, discs, weights):
    outcome = cli(
        *("evaluate", discs, "--weights", weights, "--device", "cpu"),
        *("--save", "mattes", "--name", "new one", "--sheet", "look.png"),
    )
    assert outcome.code == 0, outcome.err
    assert sorted(p.name for p in (discs.parent / "mattes").iterdir()) == [
        "a.png",
        "b.png",
        "made_by.json",
    ]
    assert (discs.parent / "look.png").exists()
    assert read_records(discs.parent / "evaluation/discs-new-one.jsonl").name == "new one"


def test_groups_have_means_of_their_own(cli, discs, mattes):
    root = discs.parent / "site"
    shutil.copytree(discs / "image", root / "input_training_lowres")
    shutil.copytree(discs / "alpha", root / "gt_training_lowres")
    for group in ("Trimap1", "Trimap2"):
        shutil.copytree(discs / "trimap", root / "trimap_training_lowres" / group)
        shutil.copytree(mattes, root / "mattes" / group)
    outcome = cli("evaluate", root, "--predictions", root / "mattes")
    assert outcome.code == 0, outcome.err
    firsts = [line.split("  ")[0] for line in outcome.out.splitlines()]
    assert firsts[1] == "Trimap1/a"
    assert firsts[5:8] == ["mean of Trimap1", "mean of Trimap2", "mean of 4"]


def test_predictions_for_the_site_are_written_by_trimap(cli, discs, weights):
    root = discs.parent / "site"
    shutil.copytree(discs / "image", root / "input_lowres")
    for group in ("Trimap1", "Trimap2", "Trimap3"):
        shutil.copytree(discs / "trimap", root / "trimap_lowres" / group)
    command = ("evaluate", root, "--weights", weights, "--device", "cpu")
    refused = cli(*command)
    assert refused.code == 2
    assert "no true mattes" in refused.error_line
    outcome = cli(*command, "--save", "upload")
    assert outcome.code == 0, outcome.err
    written = sorted(
        str(p.relative_to(discs.parent / "upload"))
        for p in (discs.parent / "upload").rglob("*")
        if p.is_file()
    )
    mattes = [f"Trimap{group}/{name}.png" for group in (1, 2, 3) for name in "ab"]
    assert written == [*mattes, "made_by.json"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--predictions", "other", "--weights", "lite"], "--weights does not go with --pred"),
        (["--predictions", "other", "--save", "x"], "--save does not go with --predictions"),
        (["--predictions", "other", "--method", "closed-form"], "--method does not go with"),
        (["--method", "closed-form", "--refine"], "--refine goes with our network"),
        (["--method", "knn", "--weights", "lite"], "--weights goes with our network"),
        (["--prior", "alpha_joint"], "--prior goes with --method prior"),
        (["--method", "prior", "--prior", "hair"], "prior 'hair'; accepted are the opacities"),
        (["--boundary", "published"], "--boundary goes with --refine"),
        (["--predictions", "nowhere"], "nowhere: no such folder"),
        (["--weights", "nowhere"], "nowhere: no such weights"),
        (["--predictions", "other", "-o", "r.txt"], "accepted: a name in .jsonl"),
        (["--predictions", "other", "-o", "no/r.jsonl"], "no/r.jsonl: there is no folder no"),
        (["--predictions", "other", "--sheet", "r.txt"], "unknown file type '.txt'"),
        (["--predictions", "other", "--sheet", "other/b.png"], "other/b.png: would replace an in"),
        (["--method", "prior", "--band", "9"], "--band goes with pictures without trimap"),
        (["--method", "prior", "--save", "m", "--sheet", "m/a.png"], "two outputs would be writ"),
        (["--predictions", "discs", "--layout", "composition-1k"], "merged: no such folder"),
    ],
)
def test_mistakes_are_said_in_one_line(cli, discs, mattes, options, said):
    outcome = cli("evaluate", discs, *options)
    assert outcome.code == 2
    assert said in outcome.error_line
    assert list(discs.parent.glob("**/*.jsonl")) == []


def test_another_runs_results_are_refused_until_overwritten(cli, discs, mattes):
    command = ("evaluate", discs, "--predictions", mattes, "-o", "r.jsonl")
    assert cli(*command).code == 0
    shutil.copy(mattes / "a.png", mattes / "b.png")
    refused = cli(*command)
    assert refused.code == 2
    assert "r.jsonl: holds results of another run (method.sha256 is" in refused.error_line
    assert cli(*command, "--overwrite").code == 0
    assert read_records(discs.parent / "r.jsonl").means()["SAD"] == 0


def test_a_picture_that_fails_is_named_and_the_others_are_done(cli, discs, mattes):
    Image.new("L", (56, 40), 255).save(discs / "trimap/a.png")
    outcome = cli("evaluate", discs, "--predictions", mattes)
    assert outcome.code == 2
    first, second = outcome.err.strip().splitlines()
    assert "a.png: trimap has no unknown pixel" in first
    assert "1 of 2 pictures are missing" in second
    assert outcome.out.splitlines()[2].startswith("mean of 1")


def test_mattes_that_another_run_saved_are_not_taken_for_this_ones(cli, discs, weights):
    prior = ("evaluate", discs, "--method", "prior", "-o", "prior.jsonl", "--save", "m")
    ours = ("evaluate", discs, "--weights", weights, "--device", "cpu", "-o", "ours.jsonl")
    assert cli(*prior).code == 0
    assert cli(*ours).code == 0
    before = (discs.parent / "m/a.png").read_bytes()
    refused = cli(*ours, "--save", "m")
    assert refused.code == 2
    assert "m: holds mattes of another run, as a.png" in refused.error_line
    assert (discs.parent / "m/a.png").read_bytes() == before
    assert cli(*prior).code == 0  # its own
    assert cli(*ours, "--save", "m", "--overwrite").code == 0
    assert cli("evaluate", discs, "--predictions", "m", "-o", "again.jsonl").code == 0
    again, first = (read_records(discs.parent / f"{n}.jsonl") for n in ("again", "ours"))
    assert again.means() == first.means()


def test_published_padding_reads_trimaps_as_the_authors_do(cli, discs, weights):
    for name in "ab":
        marks = np.array(Image.open(discs / f"trimap/{name}.png"))
        marks[:5] = 60
        Image.fromarray(marks).save(discs / f"trimap/{name}.png")
    unknown, said = [], []
    for padding in ("window", "published"):
        command = ("evaluate", discs, "--weights", weights, "--device", "cpu", "-o", "r.jsonl")
        assert cli(*command, "--padding", padding, "--overwrite").code == 0
        records = read_records(discs.parent / "r.jsonl")
        unknown.append(records.pictures[0].unknown)
        said.append(records.header["protocol"]["trimaps"])
    assert unknown[1] - unknown[0] == 5 * 56
    assert said == ["as given", "as given, background below 50, foreground above 200"]


def test_files_that_are_no_results_are_left_alone(cli, discs):
    for content in ('{"image": "photo.png"}', "x", '{"record": "picture"'):
        (discs.parent / "r.jsonl").write_text(content)
        outcome = cli("evaluate", discs, "--method", "prior", "-o", "r.jsonl")
        assert outcome.code == 2, content
        assert (discs.parent / "r.jsonl").read_text() == content


def test_a_damaged_png_does_not_stop_the_others(cli, discs):
    whole = (discs / "image/a.png").read_bytes()
    (discs / "image/a.png").write_bytes(whole[: len(whole) // 2])
    outcome = cli("evaluate", discs, "--method", "prior", "-o", "r.jsonl")
    assert outcome.code == 2
    line = " ".join(outcome.err.split())
    assert line.count("image/a.png") == 1, line
    assert "damaged" in line
    assert [p.name for p in read_records(discs.parent / "r.jsonl").pictures] == ["b"]


def test_weights_here_have_the_folders_name(cli, discs, weights, monkeypatch):
    monkeypatch.chdir(weights)
    results = discs.parent / "r.jsonl"
    outcome = cli("evaluate", discs, "--weights", ".", "--device", "cpu", "--json", "-o", results)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["method"] == weights.name


def test_other_files_beside_mattes_do_no_harm(cli, discs, mattes):
    for suffix in ("png", "jpg"):
        Image.new("L", (3, 3)).save(mattes / f"notes.{suffix}")
    assert cli("evaluate", discs, "--predictions", mattes).code == 0
