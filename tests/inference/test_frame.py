import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.errors import TrimapError
from lsamatting.inference.frame import frame_picture
from lsamatting.inference.symmetry import square_symmetries
from lsamatting.priors.channels import PRIOR_CHANNELS

PADDINGS = ["window", "paper", "published"]
MULTIPLES = {"window": 32, "paper": 64, "published": 64}


def picture(height, width, seed=0):
    """A random picture and a trimap of which at least one pixel is unknown."""
    rng = np.random.default_rng(seed)
    trimap = rng.choice(np.uint8([0, 128, 255]), (height, width))
    trimap[height // 2, width // 2] = 128
    return rng.random((height, width, 3), dtype=np.float32), trimap


def published(array):
    """The authors' padding, with NumPy."""
    height, width = array.shape[:2]
    rest = [(0, 0)] * (array.ndim - 2)
    array = np.pad(array, [(0, -height % 64), (0, -width % 64), *rest], mode="reflect")
    array = np.pad(array, [(16, 16), (16, 16), *rest], mode="reflect")
    return np.pad(array, [(16, 16), (16, 16), *rest], mode="constant")


def laid_out(image, trimap, padding, priors=()):
    frame = frame_picture(image, trimap, padding=padding, priors=priors)
    assert not frame.empty
    return frame, frame.lay_out()


@given(height=st.integers(1, 150), width=st.integers(1, 150))
@settings(max_examples=40, deadline=None)
def test_published_padding_is_the_authors(height, width):
    image, trimap = picture(height, width)
    _, layout = laid_out(image, trimap, "published")
    np.testing.assert_array_equal(layout.image, published(image))
    np.testing.assert_array_equal(
        layout.trimap, published(trimap).astype(np.float32) / np.float32(255)
    )
    np.testing.assert_array_equal(layout.marks, published(trimap))
    np.testing.assert_array_equal(image, layout.image[layout.place])
    assert layout.counted.all()


@given(height=st.integers(1, 150), width=st.integers(1, 150))
@settings(max_examples=40, deadline=None)
def test_the_papers_padding_reflects_to_multiples_of_64(height, width):
    image, trimap = picture(height, width)
    _, layout = laid_out(image, trimap, "paper")
    wide = [(0, -height % 64), (0, -width % 64)]
    expected = np.pad(image, [*wide, (0, 0)], mode="reflect")
    np.testing.assert_array_equal(layout.image, expected)
    marks = np.pad(trimap, wide, mode="reflect")
    np.testing.assert_array_equal(layout.marks, marks)
    np.testing.assert_array_equal(layout.trimap, np.round(marks / 127.5) / 2)
    assert layout.counted[:height, :width].all()
    assert layout.counted.sum() == height * width


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("priors", [(), tuple(PRIOR_CHANNELS)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 97), (97, 1), (2, 3), (64, 65)])
def test_every_size_is_laid_out_and_put_back(shape, priors, padding):
    image, trimap = picture(*shape)
    frame, layout = laid_out(image, trimap, padding, priors)
    height, width = layout.marks.shape
    assert height % MULTIPLES[padding] == width % MULTIPLES[padding] == 0
    assert layout.image.shape == (height, width, 3)
    assert layout.trimap.shape == (height, width)
    channels = sum(PRIOR_CHANNELS[name] for name in priors)
    assert layout.priors.shape == (height, width, channels)
    assert np.isfinite(layout.priors).all()
    assert layout.counted.shape == (height, width)
    estimate = layout.image[..., 1] * 1.5 - 0.2
    alpha = frame.restore(layout.take(estimate))
    expected = np.where(trimap == 128, np.clip(image[..., 1] * 1.5 - 0.2, 0, 1), trimap == 255)
    np.testing.assert_allclose(alpha, expected, atol=1e-6)


@pytest.mark.parametrize("padding", PADDINGS)
def test_nothing_unknown_means_an_empty_frame(padding):
    image, _ = picture(5, 7)
    frame = frame_picture(
        image, np.full((5, 7), 255, np.uint8), padding=padding, priors=("distances",)
    )
    assert frame.empty
    np.testing.assert_array_equal(frame.restore(np.empty((0, 0), np.float32)), np.ones((5, 7)))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("symmetry", square_symmetries())
def test_a_mask_is_laid_out_as_the_picture_is(symmetry, padding):
    image, trimap = picture(40, 70)
    mask = image[..., 0] > 0.5
    frame = frame_picture(image, trimap, padding=padding, margin=3)
    layout = frame.lay_out(symmetry)
    laid = frame.lay_out_mask(mask, layout)
    height, width = mask[frame.window].shape
    np.testing.assert_array_equal(layout.take(laid)[:height, :width], mask[frame.window])
    assert laid.sum() == mask[frame.window].sum()


def test_one_thread_is_one_thread(monkeypatch):
    def no_more(*_):
        raise AssertionError("another thread was started")

    monkeypatch.setattr("lsamatting.inference.frame.thread_count", lambda: 1)
    monkeypatch.setattr("lsamatting.priors.priors.ThreadPoolExecutor", no_more)
    frame_picture(*picture(40, 60), priors=("alpha_joint", "alpha_closed_form"))


def test_only_the_window_is_cut_out():
    image, trimap = np.zeros((300, 400, 3), np.float32), np.zeros((300, 400), np.uint8)
    trimap[100:110, 200:203] = 128
    frame = frame_picture(image, trimap, margin=10)
    assert frame.window == (slice(90, 120), slice(190, 213))
    assert frame.trimap.shape == (32, 32)
    for padding in ("paper", "published"):
        frame = frame_picture(image, trimap, margin=10, padding=padding)
        assert frame.window == (slice(0, 300), slice(0, 400))


def test_sizes_that_differ_are_both_named():
    image, _ = picture(10, 20)
    with pytest.raises(TrimapError, match=r"30×40.*20×10"):
        frame_picture(image, np.full((40, 30), 128, np.uint8))
