from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lsamatting.errors import ImageError
from lsamatting.images import read_picture
from lsamatting.painted import MOST_OPACITIES, read_corrections, read_scribbles


@pytest.fixture
def layer() -> np.ndarray:
    return np.zeros((12, 20, 4), np.uint8)


def saved(tmp_path, layer):
    Image.fromarray(layer).save(tmp_path / "s.png")
    return tmp_path / "s.png"


def corrections(tmp_path, layer):
    Image.new("RGB", (20, 12)).save(tmp_path / "photo.png")
    path = saved(tmp_path, layer)
    return read_corrections(path, read_picture(tmp_path / "photo.png"), max_pixels=1000)


def test_each_grey_is_an_opacity(tmp_path, layer):
    layer[2, 3:9] = (0, 0, 0, 255)
    layer[5, 3:9] = (51, 51, 51, 200)
    layer[8, 3:9] = (255, 255, 255, 100)  # too faint to be meant
    found = corrections(tmp_path, layer)
    assert [value for _, value in found] == pytest.approx([0, 0.2])
    for (mask, _), row in zip(found, (2, 5), strict=True):
        assert np.argwhere(mask).tolist() == [[row, column] for column in range(3, 9)]


def test_scribbles_are_of_the_subject_or_of_what_is_behind(tmp_path, layer):
    layer[2, 3:9] = (255, 250, 240, 255)
    layer[5, 3:9] = (20, 0, 0, 255)
    foreground, background = read_scribbles(saved(tmp_path, layer), max_pixels=1000)
    assert np.argwhere(foreground)[:, 0].tolist() == [2] * 6
    assert np.argwhere(background)[:, 0].tolist() == [5] * 6


@pytest.mark.parametrize(
    "read", [corrections, lambda *s: read_scribbles(saved(*s), max_pixels=999)]
)
def test_a_layer_is_transparent(tmp_path, layer, read):
    with pytest.raises(ImageError, match=r"s\.png: has no transparency; accepted: .* transparent"):
        read(tmp_path, layer[..., :3])


def test_corrections_that_cannot_be_meant(tmp_path, layer):
    with pytest.raises(ImageError, match="holds no stroke"):
        corrections(tmp_path, layer)
    with pytest.raises(ImageError, match=r"s\.png is 10x12 pixels but .*photo\.png is 20x12"):
        corrections(tmp_path, layer[:, :10])
    layer[0, : MOST_OPACITIES + 1] = np.arange(MOST_OPACITIES + 1)[:, None]
    layer[..., 3] = 255
    with pytest.raises(ImageError, match="different greys"):
        corrections(tmp_path, layer)


@pytest.mark.parametrize(
    ("read", "accepted"),
    [
        (corrections, "greys from black"),
        (lambda *s: read_scribbles(saved(*s), max_pixels=999), "white for the subject"),
    ],
)
def test_colours_stand_for_no_opacity(tmp_path, layer, read, accepted):
    layer[2, 3:9] = (255, 0, 0, 255)
    layer[5, 3:9] = (255, 255, 255, 255)
    words = rf"s\.png: 50\.0 % of its strokes are coloured; accepted: {accepted}"
    with pytest.raises(ImageError, match=words):
        read(tmp_path, layer)


def test_tinted_borders_and_what_is_not_painted_are_no_coloured_strokes(tmp_path, layer):
    layer[..., 0] = 255  # red where nothing is painted
    layer[1:11, :, :] = (255, 255, 255, 255)
    layer[3] = (130, 128, 140, 255)
    layer[5, 5] = (40, 0, 0, 255)
    found = corrections(tmp_path, layer)
    assert 0.52 in [pytest.approx(value, abs=0.005) for _, value in found]
    foreground, background = read_scribbles(saved(tmp_path, layer), max_pixels=1000)
    assert foreground.sum() == 199
    assert background.sum() == 1


def test_lossy_grey_is_not_coloured(tmp_path, layer):
    layer[2:10, 3:17] = (200, 200, 200, 255)
    layer[4, 4:15] = (0, 0, 0, 255)
    Image.fromarray(layer).save(tmp_path / "s.webp", quality=30)
    foreground, background = read_scribbles(tmp_path / "s.webp", max_pixels=1000)
    assert foreground.any()
    assert background.any()
