"""What a client sends becomes the trimap that the command line and Python make of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lsamatting.cli.main import main
from lsamatting.errors import LsamattingError
from lsamatting.images import read_picture
from lsamatting.server.guides import draw_trimap, read_guide
from lsamatting.server.tasks import Guide, Upload
from lsamatting.trimap import Trimap

LIMIT = 10_000


def guide(kind, path, **bands):
    return Guide(kind, Upload(str(path), "what was sent"), **bands)


def by_the_command_line(scene, *options):
    made = scene.folder / "made.png"
    assert main(["trimap", str(scene.mask), "-o", str(made), *options]) == 0
    return Trimap.read(made).values


@pytest.fixture
def strokes(scene):
    layer = np.zeros((*scene.marks.shape, 4), np.uint8)
    layer[20, 20:30] = (255, 255, 255, 255)
    layer[0, :] = (0, 0, 0, 255)
    Image.fromarray(layer).save(scene.folder / "strokes.png")
    return scene.folder / "strokes.png"


@pytest.mark.parametrize("bands", [{}, {"erode": 3, "dilate": 2}])
@pytest.mark.parametrize("seen", [False, True])
def test_a_mask_becomes_what_the_trimap_command_makes_of_it(scene, bands, seen):
    picture = read_picture(scene.image) if seen else None
    options = [part for name, width in bands.items() for part in (f"--{name}", str(width))]
    options += ["--image", str(scene.image)] if seen else []
    found = draw_trimap(guide("mask", scene.mask, **bands), picture, max_pixels=LIMIT)
    np.testing.assert_array_equal(found.values, by_the_command_line(scene, *options))


@pytest.mark.parametrize("bands", [{}, {"erode": 3, "dilate": 2}])
def test_a_matte_s_mask_follows_the_picture_unless_its_band_is_given(scene, bands):
    picture = read_picture(scene.image)
    found = read_guide(guide("mask", scene.mask, **bands), picture, max_pixels=LIMIT)
    seen = None if bands else picture.visible()
    expected = Trimap.from_mask(scene.mask, image=seen, **bands)
    np.testing.assert_array_equal(found.values, expected.values)


def test_what_strokes_leave_out_is_proposed_from_the_picture(scene, strokes):
    picture = read_picture(scene.image)
    foreground, background = np.zeros((2, *scene.marks.shape), bool)
    foreground[20, 20:30] = background[0] = True
    known = {"foreground": foreground, "background": background}
    alone = draw_trimap(guide("strokes", strokes), None, max_pixels=LIMIT).values
    np.testing.assert_array_equal(alone, Trimap.from_known(alone.shape, **known).values)
    proposed = Trimap.from_strokes(picture.visible(), **known).values
    assert (proposed == 128).mean() < 0.9 < (alone == 128).mean()
    for make in (draw_trimap, read_guide):
        found = make(guide("strokes", strokes), picture, max_pixels=LIMIT)
        np.testing.assert_array_equal(found.values, proposed)


def test_values_and_trimaps_are_taken_as_they_are(scene):
    picture = read_picture(scene.image)
    scene.marks.tofile(scene.folder / "values")
    for kind, path in (("values", scene.folder / "values"), ("trimap", scene.trimap)):
        found = read_guide(guide(kind, path), picture, max_pixels=LIMIT)
        np.testing.assert_array_equal(found.values, scene.marks)


@pytest.mark.parametrize("kind", ["values", "trimap", "mask", "strokes"])
def test_sizes_must_agree(scene, strokes, kind):
    scene.marks[:-1].tofile(scene.folder / "values")
    sent = {"values": scene.folder / "values", "strokes": strokes}
    path = sent.get(kind) or getattr(scene, kind)
    picture = read_picture(scene.pixels if kind == "values" else scene.pixels[:-1])
    with pytest.raises(LsamattingError, match=r"pixels"):
        read_guide(guide(kind, path), picture, max_pixels=LIMIT)
