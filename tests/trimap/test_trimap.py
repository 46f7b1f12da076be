import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lsamatting.errors import ConfigError, ImageError, TrimapError, TrimapWarning
from lsamatting.trimap import Trimap

pytestmark = pytest.mark.filterwarnings("ignore::lsamatting.errors.TrimapWarning")


# 0, 1 and 2 alone are a coding of their own.
bytes_2d = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)).filter(
    lambda array: array.max() > 2 or array.max() == 0
)


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
