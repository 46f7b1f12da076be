import numpy as np
import pytest

from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.foreground.decontaminate import estimate_foreground
from lsamatting.trimap import Trimap

RED, BLUE = np.array([0.9, 0.2, 0.1], np.float32), np.array([0.1, 0.2, 0.8], np.float32)


@pytest.fixture
def soft_disc():
    yy, xx = np.mgrid[:80, :90]
    distance = np.hypot(yy - 40, xx - 45)
    alpha = np.clip((30 - distance) / 10, 0, 1).astype(np.float32)
    image = alpha[..., None] * RED + (1 - alpha[..., None]) * BLUE
    return image.astype(np.float32), alpha


@pytest.mark.parametrize(("method", "error"), [("ml", 0.03), ("closed-form", 0.01)])
def test_the_old_background_is_removed(soft_disc, method, error):
    image, alpha = soft_disc
    colours = estimate_foreground(image, alpha, None, method=method)
    edge = (alpha > 0.1) & (alpha < 1)
    assert np.abs(colours[edge] - RED).mean() < error
    assert np.abs(image[edge] - RED).mean() > 0.15
    assert colours.dtype == np.float32
    assert colours.min() >= 0
    assert colours.max() <= 1


@pytest.mark.parametrize("method", ["ml", "closed-form"])
def test_known_foreground_keeps_its_colour(soft_disc, method):
    image, alpha = soft_disc
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 0.1, image.shape), 0, 1)
    noisy = noisy.astype(np.float32)
    trimap = Trimap.from_mask(alpha, erode=4, dilate=4)
    assert trimap.counts.foreground
    colours = estimate_foreground(noisy, alpha, trimap.values, method=method)
    np.testing.assert_array_equal(colours[trimap.foreground], noisy[trimap.foreground])
    opaque = estimate_foreground(noisy, alpha, None, method=method)
    np.testing.assert_array_equal(opaque[alpha == 1], noisy[alpha == 1])


def test_only_the_surroundings_of_the_edge_are_touched():
    rng = np.random.default_rng(0)
    image = rng.random((400, 300, 3), np.float32)
    alpha = np.zeros((400, 300), np.float32)
    alpha[:, 150:] = 1
    alpha[100:110, 150:155] = 0.5
    colours = estimate_foreground(image, alpha)
    changed = (colours != image).any(axis=2)
    assert changed[100:110, 150:155].any()
    assert not changed[300:].any()
    assert not changed[alpha == 1].any()


def test_light_brighter_than_white_is_kept(soft_disc):
    image, alpha = soft_disc
    colours = estimate_foreground(image * 2, alpha)
    edge = (alpha > 0.5) & (alpha < 1)
    assert np.abs(colours[edge] - 2 * RED).mean() < 0.1


def test_nothing_to_do(soft_disc):
    image, alpha = soft_disc
    hard = (alpha > 0.5).astype(np.float32)
    for colours in (
        estimate_foreground(image, alpha, method="none"),
        estimate_foreground(image, hard),
    ):
        np.testing.assert_array_equal(colours, image)
        assert not np.shares_memory(colours, image)


def test_mistakes_are_told(soft_disc):
    image, alpha = soft_disc
    with pytest.raises(ConfigError, match="'levin'; accepted are ml, closed-form, none"):
        estimate_foreground(image, alpha, method="levin")
    with pytest.raises(ImageError, match="alpha is 90x70 pixels but the image is 90x80"):
        estimate_foreground(image, alpha[:70])
    with pytest.raises(TrimapError, match="trimap is 80x80 pixels but the image is 90x80"):
        estimate_foreground(image, alpha, np.zeros((80, 80), np.uint8))


@pytest.mark.parametrize("method", ["ml", "closed-form"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 9)])
def test_the_smallest_pictures_without_a_word(shape, method, capsys):
    image = np.full((*shape, 3), 0.3, np.float32)
    colours = estimate_foreground(image, np.full(shape, 0.4, np.float32), method=method)
    assert colours.shape == image.shape
    assert np.isfinite(colours).all()
    assert capsys.readouterr() == ("", "")
