"""Refinement, strokes and averaging through the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from lsamatting import Matting


@pytest.fixture
def strokes(scene):
    """A stroke of opacity 1 and one of 51/255, on a transparent layer."""
    layer = np.zeros((*scene.marks.shape, 4), np.uint8)
    layer[2:6, 2:20] = (255, 255, 255, 255)
    layer[30:33, 2:20] = (51, 51, 51, 255)
    path = scene.folder / "strokes.png"
    Image.fromarray(layer).save(path)
    return path


def test_refinement_tells_its_objective(cli, scene):
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png", "--json"),
        *("--refine", "--refine-steps", "4", "--boundary", "published"),
    )
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert report["refine"]["steps"] == 4
    assert report["refine"]["rate"] == 20
    assert report["refine"]["optimiser"] == "descent"
    assert report["refine"]["boundary"] == "published"
    (refinement,) = report["pictures"][0]["refinement"]
    if not refinement["kept"]:
        assert len(refinement["c1"]) == len(refinement["c2"]) <= 5
        objective = [a + 0.1 * b for a, b in zip(refinement["c1"], refinement["c2"], strict=True)]
        assert objective[-1] < objective[0]


def test_where_the_paper_is_reproduced_descent_is_plain(cli, scene):
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png", "--json"),
        *("--refine", "--refine-steps", "3", "--padding", "paper"),
    )
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["refine"]["optimiser"] == "descent"


def test_averaging_and_refining_together(cli, scene):
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png", "--json"),
        *("--tta", "--tta-scales", "1,1.25", "--tta-symmetries", "2"),
        *("--refine", "--refine-steps", "2"),
    )
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert report["tta"]["scales"] == [1, 1.25]
    assert len(report["pictures"][0]["refinement"]) == 4
    alpha = np.asarray(Image.open(scene.folder / "a.png"))
    known = scene.marks != 128
    assert (alpha[known] == scene.marks[known]).all()


def test_strokes_are_in_the_matte(cli, scene, strokes):
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png"),
        *("--refine", "--refine-steps", "2", "--strokes", strokes),
    )
    assert outcome.code == 0, outcome.err
    alpha = np.asarray(Image.open(scene.folder / "a.png"))
    assert (alpha[2:6, 2:20] == 255).all()
    assert (alpha[30:33, 2:20] == 51).all()


def test_the_command_and_a_session_do_the_same(cli, scene, strokes):
    layer = np.asarray(Image.open(strokes))
    session = Matting.from_pretrained(device="cpu").open(scene.image, scene.trimap)
    for grey in (51, 255):
        session.stroke((layer[..., 3] > 0) & (layer[..., 0] == grey), grey / 255)
    for options, matte in (((), session.predict()), (("--refine",), session.refine())):
        outcome = cli(
            *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png", "--depth", "16"),
            *("--strokes", strokes, "--device", "cpu", *options),
        )
        assert outcome.code == 0, outcome.err
        alpha = np.asarray(Image.open(scene.folder / "a.png"))
        np.testing.assert_array_equal(alpha, np.rint(matte.alpha * 65535))


def test_strokes_that_cannot_be_read_are_named(cli, scene, strokes):
    def run(path):
        outcome = cli(
            *("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png"),
            *("--refine", "--strokes", path),
        )
        assert outcome.code == 2
        assert path.name in outcome.error_line
        return outcome.error_line

    assert "no transparency" in run(scene.image)
    layer = np.array(Image.open(strokes))
    small = scene.folder / "small.png"
    Image.fromarray(layer[:20]).save(small)
    assert "56x20" in run(small)
    empty = scene.folder / "empty.png"
    Image.fromarray(np.zeros_like(layer)).save(empty)
    assert "no stroke" in run(empty)
    soft = scene.folder / "soft.png"
    layer[..., :3] = np.arange(layer.shape[1], dtype=np.uint8)[:, None]
    layer[..., 3] = 255
    Image.fromarray(layer).save(soft)
    assert "different greys" in run(soft)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--refine-steps", "5"), ("--refine-steps", "--refine")),
        (("--boundary", "paper"), ("--boundary", "--refine")),
        (("--refine", "--refine-rate", "-1"), ("rate", "-1")),
        (("--tta-scales", "1"), ("--tta-scales", "--tta")),
        (("--tta", "--tta-scales", "1,big"), ("1,big", "0.8,1,1.25")),
        (("--tta", "--tta-scales", "1,-2"), ("-2",)),
        (("--tta", "--tta-symmetries", "3"), ("3",)),
    ],
)
def test_options_that_do_not_fit_are_refused(cli, scene, options, words):
    outcome = cli("matte", scene.image, scene.trimap, "-o", scene.folder / "a.png", *options)
    assert outcome.code == 2
    for word in words:
        assert word in outcome.error_line
    assert not (scene.folder / "a.png").exists()


def test_published_padding_reads_trimaps_as_the_authors_do(cli, scene):
    """60 is background by our thresholds, and 190 foreground; by theirs both are unknown."""
    marks = scene.marks.copy()
    marks[0, 0], marks[20, 28] = 60, 190
    Image.fromarray(marks).save(scene.trimap)
    alphas = {}
    for padding in ("paper", "published"):
        path = scene.folder / f"{padding}.png"
        outcome = cli(
            *("matte", scene.image, scene.trimap, "-o", path, "--padding", padding, "--json")
        )
        assert outcome.code == 0, outcome.err
        alphas[padding] = json.loads(outcome.out)["pictures"][0]["pixels"]["unknown"]
    assert alphas["published"] == alphas["paper"] + 2
