from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from lsamatting.errors import DatasetError, LsamattingError
from lsamatting.evaluation.datasets import find_mattes, open_dataset


def grey(path, width=8, height=6, value=128):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (width, height), value).save(path)


def composition(root, *, alphas, trimaps="trimaps", names=("fox_0", "fox_2", "fox_10", "owl_0")):
    for name in names:
        grey(root / "merged" / f"{name}.png")
        grey(root / trimaps / f"{name}.png")
    for name in alphas:
        grey(root / name)
    return root


def files_of(test_set):
    """What was found, as paths in the set's folder."""
    return [
        tuple(
            str(file.relative_to(test_set.root)) if file else None
            for file in (picture.image, picture.trimap, picture.alpha)
        )
        for picture in test_set
    ]


def test_a_trio_is_matched_by_stem(tmp_path):
    grey(tmp_path / "image/a.jpg")
    grey(tmp_path / "alpha/a.png")
    test_set = open_dataset(tmp_path)
    assert test_set.layout == "trio"
    assert files_of(test_set) == [("image/a.jpg", None, "alpha/a.png")]
    grey(tmp_path / "trimap/a.tif")
    assert files_of(open_dataset(tmp_path)) == [("image/a.jpg", "trimap/a.tif", "alpha/a.png")]


def test_composites_share_the_alpha_of_their_foreground(tmp_path):
    test_set = open_dataset(composition(tmp_path, alphas=["alpha/fox.png", "alpha/owl.png"]))
    assert test_set.layout == "composition-1k"
    assert [picture.name for picture in test_set] == ["fox_0", "fox_2", "fox_10", "owl_0"]
    assert files_of(test_set)[2] == ("merged/fox_10.png", "trimaps/fox_10.png", "alpha/fox.png")


def test_an_alpha_for_every_composite_is_taken_too(tmp_path):
    names = ("fox_0", "owl_0")
    alphas = [f"alpha_copy/{name}.png" for name in names] + ["alpha/fox.png"]
    test_set = open_dataset(composition(tmp_path, alphas=alphas, trimaps="trimap", names=names))
    assert files_of(test_set)[0] == ("merged/fox_0.png", "trimap/fox_0.png", alphas[0])


def test_adobes_folder_may_hold_alphas_and_trimaps(tmp_path):
    adobe = "Adobe-licensed images"
    alphas = [f"{adobe}/alpha/{name}.png" for name in ("fox", "owl")]
    test_set = open_dataset(composition(tmp_path, alphas=alphas, trimaps=f"{adobe}/trimaps"))
    assert files_of(test_set)[3] == ("merged/owl_0.png", f"{adobe}/trimaps/owl_0.png", alphas[1])


def test_a_name_that_ends_in_a_number_by_itself_is_no_composite_of_another(tmp_path):
    names = ("boy_1920_0", "boy_1920_1")
    test_set = open_dataset(composition(tmp_path, alphas=["alpha/boy_1920.png"], names=names))
    assert {picture.alpha.name for picture in test_set} == {"boy_1920.png"}


def test_the_training_set_has_two_trimaps_a_picture(alphamatting):
    test_set = open_dataset(alphamatting())
    assert test_set.layout == "alphamatting"
    assert [picture.key for picture in test_set] == [
        ("Trimap1", "GT01"), ("Trimap1", "GT02"), ("Trimap2", "GT01"), ("Trimap2", "GT02"),
    ]  # fmt: skip
    assert test_set.has_truth
    assert len({picture.trimap for picture in test_set}) == 4
    assert len({picture.alpha for picture in test_set}) == 2


def test_the_test_set_has_three_and_no_truth(alphamatting):
    test_set = open_dataset(alphamatting(test=True))
    assert test_set.layout == "alphamatting-test"
    assert len(test_set) == 6
    assert not test_set.has_truth


def test_two_sets_in_one_folder_must_be_told_apart(alphamatting):
    alphamatting()
    root = alphamatting(test=True)
    with pytest.raises(DatasetError, match=r"input_lowres/ \(alphamatting-test\); say with"):
        open_dataset(root)
    assert len(open_dataset(root, layout="alphamatting")) == 4


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda root: (root / "image/b.png").unlink(), r"alpha/b\.png: no file .* in \S+image"),
        (lambda root: (root / "alpha/c.png").unlink(), r"image/c\.png: no file .* in \S+alpha"),
        (lambda root: (root / "trimap/a.png").unlink(), r"image/a\.png: no file .* in \S+trimap"),
        (lambda root: shutil.rmtree(root / "alpha"), r"alpha: no such folder"),
        (lambda root: grey(root / "trimap/b.png"), r"trimap/b\.png is 8x6 pixels but .* is 44x30"),
        (lambda root: grey(root / "alpha/c.png", 44, 29), r"alpha/c\.png is 44x29 pixels but"),
        (lambda root: (root / "alpha/c.png").write_bytes(b""), r"alpha/c\.png: the file is empty"),
        (lambda root: (root / "image").rename(root / "images"), r"discs: no test set; accepted"),
    ],
)
def test_what_does_not_fit_is_named(trio, break_it, said):
    root = trio()
    break_it(root)
    with pytest.raises(LsamattingError, match=said):
        open_dataset(root)


def test_all_that_does_not_fit_is_named_at_once(trio):
    root = trio()
    for name in ("a", "c"):
        grey(root / f"trimap/{name}.png")
    with pytest.raises(DatasetError, match=r"trimap/a\.png is .*trimap/c\.png is "):
        open_dataset(root)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("alpha/owl.png", r"merged/owl_0\.png: no file of that name in \S+alpha"),
        ("trimaps/fox_2.png", r"merged/fox_2\.png: no file of that name in \S+trimaps"),
        ("merged/fox_2.png", r"trimaps/fox_2\.png: no file of that name in \S+merged"),
    ],
)
def test_what_a_composition_lacks_is_named(tmp_path, missing, said):
    composition(tmp_path, alphas=["alpha/fox.png", "alpha/owl.png"])
    (tmp_path / missing).unlink()
    with pytest.raises(DatasetError, match=said):
        open_dataset(tmp_path)


def test_a_composition_without_trimaps_is_none(tmp_path):
    composition(tmp_path, alphas=["alpha/fox.png", "alpha/owl.png"])
    shutil.rmtree(tmp_path / "trimaps")
    with pytest.raises(DatasetError, match=r"no folder trimaps/ or trimap/"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    "missing", ["trimap_training_lowres/Trimap2", "gt_training_lowres", "input_training_lowres"]
)
def test_what_the_training_set_lacks_is_named(alphamatting, missing):
    root = alphamatting()
    shutil.rmtree(root / missing)
    with pytest.raises(DatasetError, match=re.escape(f"{root / missing}: no such folder")):
        open_dataset(root, layout="alphamatting")


def test_sizes_are_those_of_upright_pictures(tmp_path):
    """A photograph that its camera turned by EXIF has the size that a viewer shows."""
    turned = Image.new("RGB", (8, 6))
    exif = turned.getexif()
    exif[0x0112] = 6
    (tmp_path / "image").mkdir()
    turned.save(tmp_path / "image/a.jpg", exif=exif)
    grey(tmp_path / "alpha/a.png", 6, 8)
    assert len(open_dataset(tmp_path)) == 1
    grey(tmp_path / "alpha/a.png", 8, 6)
    with pytest.raises(DatasetError, match=r"is 8x6 pixels but .* is 6x8"):
        open_dataset(tmp_path)


def test_the_digest_changes_with_what_decides_the_results(trio):
    root = trio()
    before = open_dataset(root).digest()
    assert open_dataset(root).digest() == before
    alpha = np.asarray(Image.open(root / "alpha/b.png")).copy()
    alpha[3, 4] ^= 1
    Image.fromarray(alpha).save(root / "alpha/b.png")
    assert open_dataset(root).digest() != before


def test_the_digest_does_not_depend_on_where_the_set_lies(trio, tmp_path):
    root = trio()
    shutil.copytree(root, tmp_path / "elsewhere")
    assert open_dataset(root).digest() == open_dataset(tmp_path / "elsewhere").digest()


def test_mattes_made_elsewhere_are_found_by_group(alphamatting, tmp_path):
    pictures = open_dataset(alphamatting())
    mattes = tmp_path / "mattes"
    for group in ("Trimap1", "Trimap2"):
        for name in ("GT01", "GT02"):
            grey(mattes / group / f"{name}.tif", 44, 30)
    found = find_mattes(mattes, pictures)
    assert all(file.parent.name == p.group and file.stem == p.name for p, file in found.items())
    grey(mattes / "Trimap2/GT02.tif", 44, 31)
    with pytest.raises(DatasetError, match=r"Trimap2/GT02\.tif is 44x31 pixels"):
        find_mattes(mattes, pictures)
    (mattes / "Trimap2/GT02.tif").unlink()
    with pytest.raises(DatasetError, match=r"GT02\.png: no file of that name in \S+Trimap2"):
        find_mattes(mattes, pictures)
