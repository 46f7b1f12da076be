from __future__ import annotations

import numpy as np
import pytest

from lsamatting import Matting
from lsamatting.errors import ConfigError, TrimapError
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.matte import Note
from lsamatting.weights import bundled_names

FEW = RefinementOptions(steps=5)


@pytest.fixture(scope="module", params=bundled_names())
def model(request):
    """The bundled weights: an untrained network has nothing to refine."""
    return Matting.from_pretrained(request.param, device="cpu")


def lookalike():
    """A dark disc, and in its unknown ring a dark blot that is not part of it."""
    rows, columns = np.mgrid[:128, :160]
    disc = np.hypot(rows - 64, columns - 64) < 30
    blot = np.hypot(rows - 64, columns - 112) < 12
    image = np.where((disc | blot)[..., None], (60, 70, 90), (195, 185, 160)).astype(np.uint8)
    image = image + np.random.default_rng(0).integers(0, 60, image.shape, dtype=np.uint8)
    trimap = np.full(disc.shape, 128, np.uint8)
    trimap[np.hypot(rows - 64, columns - 64) < 24] = 255
    trimap[np.hypot(rows - 64, columns - 80) > 56] = 0
    return image, trimap, blot


def test_it_predicts_and_refines_as_the_model_does(model, scene):
    session = model.open(scene.image, scene.trimap)
    predicted = session.predict()
    expected = model(scene.image, scene.trimap)
    np.testing.assert_array_equal(predicted.alpha, expected.alpha)
    refined = session.refine(FEW)
    np.testing.assert_array_equal(refined.alpha, model(scene.image, scene.trimap, refine=FEW).alpha)
    assert len(refined.refinement) == 1
    known = scene.marks != 128
    np.testing.assert_array_equal(refined.alpha[known], scene.marks[known] / np.float32(255))


def test_what_is_refined_in_tiles_keeps_the_priors_of_before(model, monkeypatch):
    """Refining takes more memory than predicting, here so much more that it needs tiles."""
    image, trimap, blot = lookalike()
    whole, session = (model.open(image, trimap) for _ in range(2))
    for one in (whole, session):
        one.stroke(blot, 0.3)
    expected = whole.refine(FEW)
    monkeypatch.setattr(
        "lsamatting.inference.levels.choose_tile",
        lambda *_, refined, **__: 128 if refined else None,
    )
    session.predict()
    refined = session.refine(FEW)
    assert refined.seconds["priors"] == 0
    assert not refined.refinement[0].kept
    np.testing.assert_allclose(refined.alpha, expected.alpha, atol=1 / 255)


def test_a_stroke_is_what_was_painted(model, scene):
    session = model.open(scene.image, scene.trimap, foreground="none")
    before = session.predict().alpha
    first = np.zeros(scene.marks.shape, bool)
    first[5:9, 5:20] = True
    second = np.zeros(scene.marks.shape, bool)
    second[5:9, 10:15] = True
    session.stroke(first, 1)
    session.stroke(second, 0.25)
    for alpha in (session.predict().alpha, session.refine(FEW).alpha):
        assert (alpha[first & ~second] == 1).all()
        assert (alpha[second] == 0.25).all()
    session.undo_stroke()
    session.undo_stroke()
    assert not session.strokes
    np.testing.assert_array_equal(session.predict().alpha, before)
    with pytest.raises(ConfigError, match="no stroke"):
        session.undo_stroke()


def test_one_small_stroke_corrects_what_is_around_it_too(model):
    image, trimap, blot = lookalike()
    session = model.open(image, trimap, foreground="none")
    before = session.refine().alpha
    stroke = np.zeros(blot.shape, bool)
    stroke[62:66, 108:116] = True
    around = blot & ~stroke
    assert before[around].mean() > 0.6
    session.stroke(stroke, 0)
    after = session.refine().alpha
    assert after[around].mean() < before[around].mean() / 2
    subject = trimap == 255
    assert (after[subject] == 1).all()


def test_strokes_that_do_not_fit_are_refused(model, scene):
    session = model.open(scene.image, scene.trimap)
    mask = np.ones(scene.marks.shape, bool)
    with pytest.raises(TrimapError, match=r"3×2 pixels but the picture is 56×40"):
        session.stroke(np.ones((2, 3), bool), 1)
    with pytest.raises(TrimapError, match="no pixel"):
        session.stroke(~mask, 1)
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="from 0 to 1"):
            session.stroke(mask, value)
    assert not session.strokes


def test_nothing_unknown_is_nothing_to_refine(model, scene):
    marks = np.where(scene.marks > 0, 255, 0).astype(np.uint8)
    session = model.open(scene.image, marks)
    refined = session.refine()
    np.testing.assert_array_equal(refined.alpha, marks / np.float32(255))
    assert any("nothing is unknown" in str(note) for note in refined.notes)


def test_a_trimap_of_unknown_alone_is_not_refined(model, scene):
    refined = model(scene.image, np.full(scene.marks.shape, 128, np.uint8), refine=True)
    (report,) = refined.refinement
    assert report.kept
    assert Note("refinement", report.notice) in refined.notes
