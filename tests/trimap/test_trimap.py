import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lsamatting.errors import ConfigError, ImageError, TrimapError, TrimapWarning
from lsamatting.trimap import BACKGROUND, FOREGROUND, UNKNOWN, Trimap

pytestmark = pytest.mark.filterwarnings("ignore::lsamatting.errors.TrimapWarning")

# 0, 1 and 2 alone are a coding of their own.
bytes_2d = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)).filter(
    lambda array: array.max() > 2 or array.max() == 0
)
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


# ---- sorting values ----


@given(bytes_2d, st.integers(0, 255), st.integers(0, 255))
def test_thresholds_sort_every_value_as_stated(array, one, other):
    low, high = sorted((one, other))
    trimap = Trimap.from_array(array, background_below=low, foreground_above=high)
    np.testing.assert_array_equal(trimap.background, array < low)
    np.testing.assert_array_equal(trimap.foreground, (array >= low) & (array > high))
    np.testing.assert_array_equal(trimap.unknown, (array >= low) & (array <= high))


@given(bytes_2d)
def test_counts_add_up_and_masks_do_not_overlap(array):
    trimap = Trimap.from_array(array)
    assert sum(trimap.counts) == array.size
    total = trimap.background.astype(int) + trimap.unknown + trimap.foreground
    assert (total == 1).all()
    assert trimap.counts.unknown == trimap.unknown.sum()


@given(bytes_2d)
def test_all_depths_sort_alike(array):
    expected = Trimap.from_array(array).values
    sixteen = array.astype(np.uint16) * 257
    single = array.astype(np.float32) / 255
    double = array.astype(np.float64) / 255
    for same in (sixteen, single, double):
        np.testing.assert_array_equal(Trimap.from_array(same).values, expected)


def test_default_thresholds():
    array = np.array([[0, 84, 85, 128, 170, 171, 255]], np.uint8)
    expected = [[0, 0, 128, 128, 128, 255, 255]]
    np.testing.assert_array_equal(Trimap.from_array(array).values, expected)


@pytest.mark.parametrize(("low", "high"), [(-1, 100), (100, 99), (0, 256)])
def test_thresholds_out_of_order_are_refused(low, high):
    with pytest.raises(ConfigError, match="background_below"):
        Trimap.from_array(np.zeros((2, 2), np.uint8), background_below=low, foreground_above=high)


# ---- files ----


@pytest.mark.parametrize("kind", ["L", "RGB", "RGBA", "LA", "P", "I;16", "1"])
def test_reads_any_kind_of_file(tmp_path, kind):
    values = np.array([[0, 128, 255], [255, 0, 128]], np.uint8)
    if kind == "1":
        values = np.where(values == 128, 0, values).astype(np.uint8)
    path = tmp_path / "trimap.png"
    if kind == "I;16":
        Image.fromarray(values.astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(values).convert(kind).save(path)
    np.testing.assert_array_equal(Trimap.read(path).values, values)


def test_opacity_is_the_trimap_of_a_file_whose_opacity_varies(tmp_path):
    values = np.array([[0, 128, 255]], np.uint8)
    rgba = np.dstack([np.full((1, 3, 3), 200, np.uint8), values])
    Image.fromarray(rgba).save(tmp_path / "t.png")
    np.testing.assert_array_equal(Trimap.read(tmp_path / "t.png").values, values)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp"])
def test_written_trimaps_come_back(tmp_path, suffix):
    values = np.random.default_rng(0).choice([0, 128, 255], (9, 7)).astype(np.uint8)
    Trimap(values).write(tmp_path / f"t{suffix}")
    with Image.open(tmp_path / f"t{suffix}") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("L")), values)
    assert Trimap.read(tmp_path / f"t{suffix}").warnings == ()


def test_formats_that_change_values_are_refused(tmp_path):
    with pytest.raises(ImageError, match=r"a trimap needs \.png"):
        Trimap(np.zeros((2, 2), np.uint8)).write(tmp_path / "t.jpg")


# ---- warnings and errors ----


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ([0, 128, 0], "no foreground"),
        ([255, 128, 255], "no background"),
        ([255, 0, 255], "no unknown"),
        ([0, 100, 128, 255], "4 different values"),
    ],
)
def test_oddities_are_told(values, warning):
    with pytest.warns(TrimapWarning, match=warning):
        trimap = Trimap.from_array(np.array([values], np.uint8))
    assert any(warning in told for told in trimap.warnings), trimap.warnings


def test_a_proper_trimap_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trimap.from_array(np.array([[0, 128, 255]], np.uint8))
    assert Trimap.from_array(np.array([[0, 128, 255]], np.uint8)).warnings == ()


def test_size_mismatch_prints_both_sizes():
    trimap = Trimap(np.zeros((3, 4), np.uint8))
    trimap.check_size((3, 4), "cat.jpg")
    with pytest.raises(TrimapError, match=r"trimap is 4x3 pixels but cat\.jpg is 6x5"):
        trimap.check_size((5, 6), "cat.jpg")


@pytest.mark.parametrize(
    "values",
    [
        np.full((2, 2), 7, np.uint8),
        np.zeros((2, 2, 3), np.uint8),
        np.zeros((0, 2), np.uint8),
        np.zeros((2, 2), np.float32),
    ],
)
def test_other_contents_are_refused(values):
    with pytest.raises(TrimapError):
        Trimap(values)


def test_describe_counts():
    trimap = Trimap(np.array([[0, 128, 255, 255]], np.uint8))
    assert trimap.describe() == (
        "4x1 pixels: 1 background (25.0 %), 1 unknown (25.0 %), 2 foreground (50.0 %)"
    )
    assert trimap.size == (4, 1)


# ---- from a mask ----


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


# ---- from marked regions ----


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


# ---- from a known matte ----


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


# ---- boundary ----


@given(hnp.arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 128, 255])))
def test_boundary_meets_both_the_region_and_its_complement(values):
    trimap = Trimap(values)
    for region, mask in (("foreground", values == 255), ("background", values == 0)):
        expected = np.zeros(values.shape, bool)
        for y in range(6):
            for x in range(7):
                cross = [(y, x), (y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
                seen = {bool(mask[v, u]) for v, u in cross if 0 <= v < 6 and 0 <= u < 7}
                expected[y, x] = len(seen) == 2
        np.testing.assert_array_equal(trimap.boundary(region), expected)


def test_boundary_of_something_else():
    with pytest.raises(ConfigError, match="accepted are foreground and background"):
        Trimap(np.zeros((2, 2), np.uint8)).boundary("unknown")
