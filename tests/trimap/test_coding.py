import numpy as np
import pytest
from PIL import Image

from lsamatting.errors import ImageError, TrimapError, TrimapWarning
from lsamatting.trimap import Trimap

pytestmark = pytest.mark.filterwarnings("ignore::lsamatting.errors.TrimapWarning")

KINDS = np.array([[0, 1, 2, 1], [2, 0, 0, 1]])
EXPECTED = np.array([0, 128, 255], np.uint8)[KINDS]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.float64])
def test_0_1_2(dtype):
    np.testing.assert_array_equal(Trimap.from_array(KINDS.astype(dtype)).values, EXPECTED)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_minus_1_0_1(dtype):
    np.testing.assert_array_equal(Trimap.from_array((KINDS - 1).astype(dtype)).values, EXPECTED)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_0_a_half_1(dtype):
    np.testing.assert_array_equal(Trimap.from_array((KINDS / 2).astype(dtype)).values, EXPECTED)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32])
def test_0_128_255_in_any_type(dtype):
    np.testing.assert_array_equal(Trimap.from_array(EXPECTED.astype(dtype)).values, EXPECTED)


def test_tensors_and_files_of_0_1_2(tmp_path):
    import torch

    Image.fromarray(KINDS.astype(np.uint8)).save(tmp_path / "t.png")
    np.testing.assert_array_equal(Trimap.read(tmp_path / "t.png").values, EXPECTED)
    for tensor in (torch.from_numpy(KINDS), torch.from_numpy(KINDS)[None]):
        np.testing.assert_array_equal(Trimap.read(tensor).values, EXPECTED)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[0, 1]], np.uint8), "0 and 1 only; accepted: grey with black"),
        (np.array([[0, 1]]), "0 and 1 only"),
        (np.array([[0, 300]]), "from 0 to 300; accepted: grey with black"),
        (np.array([[-2, 0, 2]]), "from -2 to 2; accepted"),
        (np.array([[0, 0.5, 1.5]]), "from 0 to 1.5; accepted"),
    ],
)
def test_other_numbers_are_refused_with_what_is_accepted(array, words):
    with pytest.raises(TrimapError, match=words) as caught:
        Trimap.from_array(array)
    assert "0, 1, 2" in str(caught.value)


def test_what_is_no_array_of_numbers_is_refused_as_everywhere():
    with pytest.raises(ImageError, match="not finite"):
        Trimap.from_array(np.array([[0, np.nan]]))
    with pytest.raises(ImageError, match="dtype complex"):
        Trimap.from_array(np.array([[1j]]))


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_colours_are_refused(tmp_path, mode):
    coloured = np.zeros((8, 9, 3), np.uint8)
    coloured[:, :3, 0] = coloured[:, 3:6, 1] = coloured[:, 6:, 2] = 255
    Image.fromarray(coloured).convert(mode).save(tmp_path / "t.png")
    with pytest.raises(TrimapError, match=r"t\.png: 100\.0 % of it is coloured.*accepted: grey"):
        Trimap.read(tmp_path / "t.png")
    with pytest.raises(TrimapError, match="coloured"):
        Trimap.from_mask(tmp_path / "t.png")


def test_what_jpeg_makes_of_grey_is_not_coloured(tmp_path):
    values = np.kron(EXPECTED, np.ones((9, 9), np.uint8))
    Image.fromarray(values).convert("RGB").save(tmp_path / "t.jpg", quality=60)
    trimap = Trimap.read(tmp_path / "t.jpg")
    assert np.mean(trimap.values == values) > 0.97


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_masks_of_0_and_1(dtype):
    mask = np.zeros((9, 9), dtype)
    mask[3:6, 3:6] = 1
    trimap = Trimap.from_mask(mask, erode=0, dilate=0)
    np.testing.assert_array_equal(trimap.foreground, mask.astype(bool))
    np.testing.assert_array_equal(trimap.background, ~mask.astype(bool))


def test_warnings_point_at_the_caller():
    for read in (Trimap.read, Trimap.from_array, Trimap.from_mask):
        with pytest.warns(TrimapWarning, match="the array: it has no unknown pixel") as caught:
            read(np.full((2, 3), 255, np.uint8))
        assert caught[0].filename == __file__


@pytest.mark.parametrize("white", [255, 65535])
def test_deep_masks_may_stay_within_8_bits(tmp_path, white):
    mask = np.zeros((9, 9), np.uint16)
    mask[3:6, 3:6] = white
    mask[3, 3] = white // 5 * 2
    Image.fromarray(mask).save(tmp_path / "m.png")
    for source in (mask, tmp_path / "m.png"):
        trimap = Trimap.from_mask(source, erode=0, dilate=0)
        assert trimap.counts == (72, 1, 8)


def test_a_mask_in_place_of_a_trimap_is_told_where_it_belongs():
    mask = np.zeros((9, 9), np.uint8)
    mask[3:6] = 255
    (warning,) = Trimap.from_array(mask).warnings
    assert warning == (
        "it has no unknown pixel, so nothing is estimated;"
        " if it is a mask, give it with --mask, in Python to Trimap.from_mask"
    )
    (warning,) = Trimap.from_mask(mask, erode=0, dilate=0).warnings
    assert warning == "it has no unknown pixel, so nothing is estimated"
