from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.synthesis.photos import Photos, blur, find_pictures
from lsamatting.errors import DatasetError, ImageError


def test_patches_have_the_size_asked_for_and_depend_on_the_seed_only(photos, photo_folder):
    first = photos.patch(np.random.default_rng(5), 90, 200)
    again = Photos([photo_folder], cached=1).patch(np.random.default_rng(5), 90, 200)
    assert first.shape == (90, 200, 3)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 1
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("sigma", [1, 4, 12, 60])
def test_blur_keeps_the_mean_and_lowers_the_contrast(photos, sigma):
    patch = photos.patch(np.random.default_rng(1), 200, 200)
    soft = blur(patch, sigma)
    assert soft.mean() == pytest.approx(patch.mean(), abs=0.03)
    assert np.abs(np.diff(soft, axis=0)).mean() < np.abs(np.diff(patch, axis=0)).mean()


def test_blur_of_a_step_is_the_normal_distribution_at_every_width():
    step = np.zeros((400, 400, 3), np.float32)
    step[:, 200:] = 1
    for sigma in (2.0, 8.0, 20.0):
        soft = blur(step, sigma)[200, :, 0]
        # 84 % of the height is reached one sigma beyond the step.
        reached = np.interp(199.5 + sigma, np.arange(400), soft)
        assert reached == pytest.approx(0.8413, abs=0.02)


def test_palette_colours_occur_in_the_photographs(photos):
    colours = photos.palette(np.random.default_rng(0), 5)
    assert colours.shape == (5, 3)
    assert ((colours >= 0) & (colours <= 1)).all()


def test_missing_empty_and_damaged_sources_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere: no such folder"):
        find_pictures([tmp_path / "nowhere"])
    with pytest.raises(DatasetError, match="no pictures found"):
        Photos([tmp_path])
    with pytest.raises(DatasetError, match="no folder given"):
        Photos([])
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    with pytest.raises(ImageError, match=r"broken\.jpg: not a picture"):
        Photos([tmp_path]).patch(np.random.default_rng(0), 8, 8)
