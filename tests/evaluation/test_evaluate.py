from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from lsamatting.errors import ConfigError, DatasetError, ImageError, MetricError, MissingExtraError
from lsamatting.evaluation import metrics
from lsamatting.evaluation.datasets import open_dataset
from lsamatting.evaluation.evaluate import evaluate
from lsamatting.evaluation.knn import knn_matting
from lsamatting.evaluation.methods import Method, made_elsewhere, peer, prior
from lsamatting.evaluation.records import MEASURES, read_records
from lsamatting.formats import icc
from lsamatting.images import read_grey, read_picture
from lsamatting.priors import compute_priors
from lsamatting.trimap import Trimap

METHOD = Method("stripes", options={"threads": 1})


def stripes(picture, trimap):
    """Predict something, different for every picture, off the 8-bit grid."""
    rows = np.arange(trimap.values.shape[0])[:, None]
    return np.clip(picture.pixels.mean(2) + 0.3 * np.sin(rows), 0, 1)


class Counting:
    """Predicts stripes for real pictures and fails on demand."""

    def __init__(self, fail_at=None, error=KeyboardInterrupt):
        self.seen = []
        self.fail_at, self.error = fail_at, error

    def __call__(self, picture, trimap):
        if picture.path is None:  # the warm-up
            return stripes(picture, trimap)
        self.seen.append(picture.path.stem)
        if len(self.seen) == self.fail_at:
            raise self.error
        return stripes(picture, trimap)


def test_errors_are_those_of_the_metrics(trio, tmp_path):
    test_set = open_dataset(trio())
    records = evaluate(test_set, stripes, tmp_path / "r.jsonl", method=METHOD)
    functions = (metrics.sad, metrics.mse, metrics.mad, metrics.grad, metrics.conn)
    for picture, record in zip(test_set, records.pictures, strict=True):
        trimap = Trimap.read(picture.trimap)
        image = np.asarray(Image.open(picture.image), np.float32) / np.float32(255)
        rows = np.arange(image.shape[0])[:, None]
        prediction = np.clip(image.mean(2) + 0.3 * np.sin(rows), 0, 1)
        truth = np.asarray(Image.open(picture.alpha))
        wanted = [f(prediction, truth, trimap.values) for f in functions]
        assert [record.errors[m] for m in MEASURES] == pytest.approx(wanted, rel=1e-6)
        assert record.unknown == trimap.counts.unknown
        assert record.size == (44, 30)
        assert record.seconds > 0
    assert read_records(tmp_path / "r.jsonl") == records


def test_saved_mattes_score_exactly_as_the_predictions_did(alphamatting, tmp_path):
    test_set = open_dataset(alphamatting())
    first = evaluate(test_set, stripes, tmp_path / "a.jsonl", method=METHOD, save=tmp_path / "m")
    mattes, method = made_elsewhere(tmp_path / "m", test_set)
    second = evaluate(test_set, mattes, tmp_path / "b.jsonl", method=method)
    assert [p.errors for p in first.pictures] == [p.errors for p in second.pictures]
    assert [p.seconds for p in second.pictures] == [None] * 4
    assert method.name == "m"
    assert first.means("Trimap1") != first.means("Trimap2")
    both = [first.means(group)["SAD"] for group in ("Trimap1", "Trimap2")]
    assert first.means()["SAD"] == pytest.approx(sum(both) / 2)


def test_an_empty_file_is_no_saved_matte(trio, tmp_path):
    test_set = open_dataset(trio(2))
    options = {"method": METHOD, "save": tmp_path / "m"}
    evaluate(test_set, stripes, tmp_path / "r.jsonl", **options)
    saved = test_set[0].in_folder(tmp_path / "m")
    before = saved.read_bytes()
    saved.write_bytes(b"")
    evaluate(test_set, stripes, tmp_path / "r.jsonl", **options)
    assert saved.read_bytes() == before


def test_what_cannot_be_saved_is_named_as_it_would_be(trio, tmp_path):
    test_set = open_dataset(trio(1))
    target = test_set[0].in_folder(tmp_path / "m")
    target.mkdir(parents=True)
    with pytest.raises(ImageError) as caught:
        evaluate(test_set, stripes, tmp_path / "r.jsonl", method=METHOD, save=tmp_path / "m")
    assert str(caught.value).startswith(f"{target}: ")


def test_an_interrupted_run_goes_on_where_it_was(trio, tmp_path):
    test_set = open_dataset(trio(5))
    whole = evaluate(test_set, stripes, tmp_path / "whole.jsonl", method=METHOD)
    output = tmp_path / "r.jsonl"
    with pytest.raises(KeyboardInterrupt):
        evaluate(test_set, Counting(fail_at=3), output, method=METHOD)
    assert [p.name for p in read_records(output).pictures] == ["a", "b"]
    output.write_bytes(output.read_bytes()[:-9])  # as if the machine had died while writing b
    again = Counting()
    records = evaluate(test_set, again, output, method=METHOD)
    assert again.seen == ["b", "c", "d", "e"]
    assert [p.errors for p in records.pictures] == [p.errors for p in whole.pictures]
    idle = Counting()
    assert evaluate(test_set, idle, output, method=METHOD).means() == whole.means()
    assert idle.seen == []


def test_what_another_run_wrote_is_not_continued(trio, tmp_path):
    test_set = open_dataset(trio(trimaps=False))
    output = tmp_path / "r.jsonl"
    evaluate(test_set, stripes, output, method=METHOD)
    with pytest.raises(DatasetError, match=r"method\.sha256 is not given there and abc here"):
        evaluate(test_set, stripes, output, method=Method("stripes", sha256="abc"))
    with pytest.raises(DatasetError, match=r"protocol\.trimaps is .* there and .* here"):
        evaluate(test_set, stripes, output, method=METHOD, band=3)
    before = read_records(output).means()
    evaluate(test_set, stripes, output, method=METHOD, band=3, overwrite=True)
    assert read_records(output).means() != before


def test_changed_predictions_are_not_taken_for_the_old_ones(trio, tmp_path):
    test_set = open_dataset(trio())
    evaluate(test_set, stripes, tmp_path / "a.jsonl", method=METHOD, save=tmp_path / "m")
    output = tmp_path / "b.jsonl"
    mattes, method = made_elsewhere(tmp_path / "m", test_set)
    evaluate(test_set, mattes, output, method=method)
    Image.new("L", (44, 30), 9).save(tmp_path / "m/a.png")
    mattes, method = made_elsewhere(tmp_path / "m", test_set)
    with pytest.raises(DatasetError, match=r"method\.sha256"):
        evaluate(test_set, mattes, output, method=method)


def test_trimaps_are_made_from_alpha_with_the_band(trio, tmp_path):
    test_set = open_dataset(trio(1, trimaps=False))
    records = evaluate(test_set, stripes, tmp_path / "r.jsonl", method=METHOD, band=4)
    made = Trimap.from_alpha(read_grey(test_set[0].alpha)[0], band=4)
    assert records.pictures[0].unknown == made.counts.unknown
    assert records.header["protocol"]["trimaps"] == "from alpha, band 4 px"


def test_the_header_says_what_produced_the_results(trio, tmp_path):
    records = evaluate(open_dataset(trio()), stripes, tmp_path / "r.jsonl", method=METHOD)
    header = records.header
    assert header["dataset"] | {"digest": ""} == {
        "name": "discs", "layout": "trio", "pictures": 3, "digest": "",
    }  # fmt: skip
    assert header["method"]["options"] == {"threads": 1}
    assert {"lsamatting", "python", "torch", "numpy"} <= header["versions"].keys()
    assert list(header["protocol"]["measures"]) == list(MEASURES)


def test_a_picture_that_fails_leaves_the_others(trio, tmp_path):
    test_set = open_dataset(trio())
    Image.new("L", (44, 30), 255).save(test_set[1].trimap)  # nothing unknown
    failed = []
    records = evaluate(
        test_set,
        stripes,
        tmp_path / "r.jsonl",
        method=METHOD,
        on_failure=lambda picture, error: failed.append((picture.name, type(error))),
    )
    assert failed == [("b", MetricError)]
    assert [p.name for p in records.pictures] == ["a", "c"]
    with pytest.raises(MetricError, match="no unknown pixel"):
        evaluate(test_set, stripes, tmp_path / "r.jsonl", method=METHOD)


def test_without_truth_mattes_are_saved_for_each_trimap(alphamatting, tmp_path):
    test_set = open_dataset(alphamatting(test=True))
    with pytest.raises(ConfigError, match="no true mattes to score with; --save"):
        evaluate(test_set, stripes, tmp_path / "r.jsonl", method=METHOD)
    save = tmp_path / "site"
    records = evaluate(test_set, stripes, tmp_path / "r.jsonl", method=METHOD, save=save)
    names = sorted(str(file.relative_to(save)) for file in save.rglob("*.png"))
    assert names == [
        f"Trimap{group}/{name}.png" for group in (1, 2, 3) for name in ("doll", "troll")
    ]
    assert all(p.errors == {} for p in records.pictures)
    for picture in test_set:
        matte = np.asarray(Image.open(picture.in_folder(save)))
        trimap = np.asarray(Image.open(picture.trimap))
        assert matte.dtype == np.uint8
        assert (matte[trimap == 0] == 0).all()
        assert (matte[trimap == 255] == 255).all()


def test_a_matte_that_is_not_there_is_made_again_but_not_measured_twice(trio, tmp_path):
    test_set = open_dataset(trio())
    output, save = tmp_path / "r.jsonl", tmp_path / "m"
    evaluate(test_set, stripes, output, method=METHOD, save=save)
    before, text = (save / "b.png").read_bytes(), output.read_text()
    (save / "b.png").unlink()
    again = Counting()
    evaluate(test_set, again, output, method=METHOD, save=save)
    assert again.seen == ["b"]
    assert (save / "b.png").read_bytes() == before
    assert output.read_text() == text


def test_the_test_set_is_not_written_over(trio, tmp_path):
    root = trio()
    before = (root / "alpha/a.png").read_bytes()
    with pytest.raises(ConfigError, match="holds files of the test set"):
        evaluate(
            open_dataset(root),
            stripes,
            tmp_path / "r.jsonl",
            method=METHOD,
            save=root / "alpha",
        )
    assert (root / "alpha/a.png").read_bytes() == before


@pytest.mark.parametrize("saves", [False, True])
def test_the_contact_sheet_is_the_same_after_an_interruption(trio, tmp_path, saves):
    test_set = open_dataset(trio(11))
    sheets = [tmp_path / "whole.png", tmp_path / "again.png"]
    evaluate(test_set, stripes, tmp_path / "w.jsonl", method=METHOD, contact_sheet=sheets[0])
    options = {"method": METHOD, "save": tmp_path / "m"} if saves else {"method": METHOD}
    with pytest.raises(KeyboardInterrupt):
        evaluate(test_set, Counting(7), tmp_path / "r.jsonl", contact_sheet=sheets[1], **options)
    assert not sheets[1].exists()
    rest = Counting()
    evaluate(test_set, rest, tmp_path / "r.jsonl", contact_sheet=sheets[1], **options)
    assert sheets[1].read_bytes() == sheets[0].read_bytes()
    assert (len(rest.seen) == 5) is saves  # saved mattes need not be predicted again
    drawn = sheets[1].stat().st_mtime_ns
    idle = Counting()
    evaluate(test_set, idle, tmp_path / "r.jsonl", contact_sheet=sheets[1], **options)
    assert (idle.seen, sheets[1].stat().st_mtime_ns) == ([], drawn)


@pytest.mark.parametrize("algorithm", ["closed-form", "knn"])
def test_peers_get_the_files_values(trio, tmp_path, capsys, algorithm):
    import pymatting

    reference = {"closed-form": pymatting.estimate_alpha_cf, "knn": knn_matting}
    test_set = open_dataset(trio(1))
    predictor, method = peer(algorithm, threads=1)
    save = tmp_path / "m"
    evaluate(test_set, predictor, tmp_path / "r.jsonl", method=method, save=save)
    assert capsys.readouterr().out == ""
    assert method.name == algorithm
    image, trimap = (
        np.asarray(Image.open(p)) / 255 for p in (test_set[0].image, test_set[0].trimap)
    )
    wanted = np.floor(reference[algorithm](image, trimap) * 255 + 0.5)
    unknown = (trimap > 0) & (trimap < 1)
    assert (np.asarray(Image.open(save / "a.png"))[unknown] == wanted[unknown]).all()


def test_peers_leave_the_output_to_other_threads(trio, capsys):
    """Each call is silent, and when all are done standard output is what it was."""
    picture = open_dataset(trio(1))[0]
    image, trimap = read_picture(picture.image), Trimap.read(picture.trimap)
    predictor, _ = peer("closed-form")
    before = sys.stdout
    with ThreadPoolExecutor(4) as pool:
        mattes = list(pool.map(lambda _: predictor(image, trimap), range(8)))
    assert sys.stdout is before
    assert all((matte == mattes[0]).all() for matte in mattes)
    assert capsys.readouterr().out == ""


def test_peers_need_their_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymatting.laplacian.knn_laplacian", None)
    with pytest.raises(MissingExtraError, match=r"evaluating knn needs .*lsamatting\[peers\]"):
        peer("knn")


def test_a_prior_is_evaluated_without_network(trio, tmp_path):
    test_set = open_dataset(trio(1))
    predictor, method = prior("alpha_mixture")
    image, trimap = read_picture(test_set[0].image), Trimap.read(test_set[0].trimap)
    expected = compute_priors(image.pixels, trimap.values, which=("alpha_mixture",))[..., 0]
    np.testing.assert_array_equal(predictor(image, trimap), expected)
    assert (method.name, method.options["prior"]) == ("alpha_mixture", "alpha_mixture")
    with pytest.raises(ConfigError, match="prior 'distances'; accepted are the opacities alpha_"):
        prior("distances")


@pytest.mark.parametrize(("layout", "converted"), [("composition-1k", 0), ("trio", 1)])
def test_profiles_of_composites_are_left_alone(tmp_path, monkeypatch, layout, converted):
    """Adobe's script lets a background's profile through, and others' codes ignore it."""
    folders = {
        "composition-1k": ("merged", "trimaps", "alpha"),
        "trio": ("image", "trimap", "alpha"),
    }[layout]
    for folder, value in zip(folders, (100, 128, 50), strict=True):
        (tmp_path / folder).mkdir()
        Image.new("L", (20, 20), value).save(tmp_path / folder / "fox_0.png")
    image = tmp_path / folders[0] / "fox_0.png"
    Image.new("RGB", (20, 20), (9, 8, 7)).save(image, icc_profile=icc.srgb_profile())
    conversions = []

    def convert(colour, profile):
        conversions.append(profile)
        return icc.Converted(colour, False, None)

    monkeypatch.setattr("lsamatting.formats.icc.to_srgb", convert)
    evaluate(open_dataset(tmp_path), stripes, tmp_path / "r.jsonl", method=METHOD)
    assert len(conversions) == converted
