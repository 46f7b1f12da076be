"""Trimaps made from masks, regions and mattes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.images import read_picture
from lsamatting.trimap import BACKGROUND, FOREGROUND, UNKNOWN, Trimap

pytestmark = pytest.mark.filterwarnings("ignore::lsamatting.errors.TrimapWarning")


masks_2d = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


def within(region, distance):
    """Tell, pixel by pixel, whether some pixel of the region is at most `distance` away."""
    height, width = region.shape
    ys, xs = np.nonzero(region)
    result = np.zeros(region.shape, bool)
    for y in range(height):
        for x in range(width):
            result[y, x] = np.any((ys - y) ** 2 + (xs - x) ** 2 <= distance**2)
    return result


@settings(deadline=None)
@given(masks_2d, st.integers(0, 4), st.integers(0, 4))
def test_mask_geometry_is_euclidean_erosion(mask, erode, dilate):
    trimap = Trimap.from_mask(mask, erode=erode, dilate=dilate)
    np.testing.assert_array_equal(trimap.foreground, mask & ~within(~mask, erode))
    np.testing.assert_array_equal(trimap.background, ~mask & ~within(mask, dilate))


def test_soft_mask_values_in_between_are_unknown():
    mask = np.array([[0, 0.05, 0.06, 0.5, 0.94, 0.95, 1]], np.float32)
    trimap = Trimap.from_mask(mask, erode=0, dilate=0)
    np.testing.assert_array_equal(trimap.values, [[0, 0, 128, 128, 128, 255, 255]])


def test_large_mask_agrees_with_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    yy, xx = np.mgrid[:300, :400]
    mask = ((yy - 140) ** 2 / 90**2 + (xx - 190) ** 2 / 120**2) < 1
    trimap = Trimap.from_mask(mask, erode=25, dilate=40)
    np.testing.assert_array_equal(trimap.foreground, ndimage.distance_transform_edt(mask) > 25)
    np.testing.assert_array_equal(trimap.background, ndimage.distance_transform_edt(~mask) > 40)


@pytest.mark.parametrize("value", [False, True])
def test_a_mask_of_one_kind_has_no_edge(value):
    trimap = Trimap.from_mask(np.full((4, 5), value))
    assert (trimap.values == (FOREGROUND if value else BACKGROUND)).all()
    assert len(trimap.warnings) == 2


def test_mask_files_are_read_and_cutouts_give_their_opacity(tmp_path):
    alpha = np.zeros((30, 30), np.uint8)
    alpha[8:22, 8:22] = 255
    Image.fromarray(np.dstack([np.full((30, 30, 3), 99, np.uint8), alpha])).save(
        tmp_path / "cutout.png"
    )
    from_file = Trimap.from_mask(tmp_path / "cutout.png", erode=2, dilate=2)
    np.testing.assert_array_equal(
        from_file.values, Trimap.from_mask(alpha == 255, erode=2, dilate=2).values
    )


def test_the_band_grows_with_the_subject():
    for side in (50, 400):
        mask = np.zeros((2 * side, 2 * side), bool)
        mask[:side, :side] = True
        trimap = Trimap.from_mask(mask)
        expected = Trimap.from_mask(mask, erode=max(2, side // 50), dilate=max(2, side // 50))
        np.testing.assert_array_equal(trimap.values, expected.values)


@pytest.mark.parametrize(
    "options", [{"erode": -1}, {"dilate": -1}, {"low": 0.9, "high": 0.1}, {"high": 1.5}]
)
def test_mask_options_out_of_range(options):
    with pytest.raises(ConfigError):
        Trimap.from_mask(np.zeros((2, 2), bool), **options)


def test_strokes_are_known_and_the_rest_unknown():
    front, back = np.zeros((2, 3, 4), bool)
    front[0, 0], back[2, 3] = True, True
    trimap = Trimap.from_known((3, 4), foreground=front, background=back)
    assert trimap.values[0, 0] == FOREGROUND
    assert trimap.values[2, 3] == BACKGROUND
    assert trimap.counts == (1, 10, 1)
    assert trimap.warnings == ()


def test_strokes_must_fit_and_not_overlap():
    front, back = np.zeros((2, 3, 4), bool)
    with pytest.raises(TrimapError, match="background strokes are 4x2 pixels, the image is 4x3"):
        Trimap.from_known((3, 4), foreground=front, background=back[:2])
    front[1, 1:3] = back[1, 1:4] = True
    with pytest.raises(TrimapError, match="overlap in 2 pixels"):
        Trimap.from_known((3, 4), foreground=front, background=back)


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=11),
        elements=st.sampled_from([0, 0.03, 0.05, 0.4, 0.5, 0.6, 0.95, 0.97, 1]),
    ),
    st.integers(0, 5),
)
def test_evaluation_trimap_follows_its_definition(alpha, band):
    inside = alpha > 0.5
    seeds = (alpha > np.float32(0.05)) & (alpha < np.float32(0.95))
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            for v, u in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if 0 <= v < height and 0 <= u < width and inside[v, u] != inside[y, x]:
                    seeds[y, x] = True
    expected = np.where(inside, FOREGROUND, BACKGROUND)
    expected[within(seeds, band)] = UNKNOWN
    np.testing.assert_array_equal(Trimap.from_alpha(alpha, band=band).values, expected)


def test_evaluation_trimap_around_a_straight_edge():
    alpha = np.zeros((5, 60), np.float32)
    alpha[:, 30:] = 1
    row = Trimap.from_alpha(alpha).values[2]
    # 15 px beyond the two pixels 29 and 30 that touch the contour
    np.testing.assert_array_equal(row[:14], 0)
    np.testing.assert_array_equal(row[14:46], 128)
    np.testing.assert_array_equal(row[46:], 255)


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def subject(tmp_path):
    mask = np.zeros((40, 50), bool)
    mask[10:30, 15:35] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return mask


def ways_to_give(photo):
    opened = Image.open(photo)
    return [str(photo), photo, photo.read_bytes(), opened, read_picture(photo), np.asarray(opened)]


def test_masks_and_strokes_take_the_picture_in_any_way(photo, subject):
    seen = read_picture(photo).visible()
    front, back = np.zeros((2, *subject.shape), bool)
    front[20, 20:30] = back[0] = True
    strokes = {"foreground": front, "background": back}
    band = Trimap.from_mask(subject, image=seen).values
    proposed = Trimap.from_strokes(seen, **strokes).values
    for image in ways_to_give(photo):
        np.testing.assert_array_equal(Trimap.from_mask(subject, image=image).values, band)
        # Reduced from 8 bits, colours are rounded otherwise.
        assert np.mean(Trimap.from_strokes(image, **strokes).values == proposed) > 0.98


def test_a_picture_that_cannot_be_read_is_named(tmp_path, subject):
    missing = tmp_path / "none.jpg"
    with pytest.raises(ImageError, match=r"none\.jpg: no such"):
        Trimap.from_mask(subject, image=missing)
    with pytest.raises(ImageError, match=r"none\.jpg: no such"):
        Trimap.from_strokes(missing, foreground=subject, background=~subject)


def test_both_files_of_other_sizes_are_named(tmp_path, photo, subject):
    Image.fromarray(subject[:30]).save(tmp_path / "mask.png")
    words = r"mask\.png is 50x30 pixels but .*photo\.png is 50x40; they must be equal"
    for image in (photo, str(photo), read_picture(photo)):
        with pytest.raises(TrimapError, match=words):
            Trimap.from_mask(tmp_path / "mask.png", image=image)
        with (tmp_path / "mask.png").open("rb") as file, pytest.raises(TrimapError, match=words):
            Trimap.from_mask(file, image=image)
