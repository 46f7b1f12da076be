import subprocess
import sys

import cv2
import numpy as np
import pytest

from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.foreground import estimate
from lsamatting.foreground.estimate import estimate_foreground
from lsamatting.trimap import Trimap

RED, BLUE = np.array([0.9, 0.2, 0.1], np.float32), np.array([0.1, 0.2, 0.8], np.float32)


@pytest.fixture
def soft_disc():
    yy, xx = np.mgrid[:80, :90]
    distance = np.hypot(yy - 40, xx - 45)
    alpha = np.clip((30 - distance) / 10, 0, 1).astype(np.float32)
    image = alpha[..., None] * RED + (1 - alpha[..., None]) * BLUE
    return image.astype(np.float32), alpha


def test_the_old_background_is_removed(soft_disc):
    image, alpha = soft_disc
    colours = estimate_foreground(image, alpha)
    edge = (alpha > 0.1) & (alpha < 1)
    assert np.abs(colours[edge] - RED).mean() < 0.01
    assert np.abs(image[edge] - RED).mean() > 0.15
    assert colours.dtype == np.float32
    assert colours.min() >= 0
    assert colours.max() <= 1


def test_known_foreground_keeps_its_colour(soft_disc):
    image, alpha = soft_disc
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 0.1, image.shape), 0, 1)
    noisy = noisy.astype(np.float32)
    trimap = Trimap.from_mask(alpha, erode=4, dilate=4)
    assert trimap.counts.foreground
    colours = estimate_foreground(noisy, alpha, trimap.values)
    np.testing.assert_array_equal(colours[trimap.foreground], noisy[trimap.foreground])
    opaque = estimate_foreground(noisy, alpha)
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
    with pytest.raises(ConfigError, match="'levin'; accepted are blur-fusion, none"):
        estimate_foreground(image, alpha, method="levin")
    with pytest.raises(ImageError, match="alpha is 90x70 pixels but the image is 90x80"):
        estimate_foreground(image, alpha[:70])
    with pytest.raises(TrimapError, match="trimap is 80x80 pixels but the image is 90x80"):
        estimate_foreground(image, alpha, np.zeros((80, 80), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 9)])
def test_the_smallest_pictures_without_a_word(shape, capsys):
    image = np.full((*shape, 3), 0.3, np.float32)
    colours = estimate_foreground(image, np.full(shape, 0.4, np.float32))
    assert colours.shape == image.shape
    assert np.isfinite(colours).all()
    assert capsys.readouterr() == ("", "")


def two_steps(image, alpha, radii, give, keep):
    """Blur fusion of one channel, pixel by pixel in double precision."""
    foreground, background = image.astype(float), image.astype(float)
    height, width = alpha.shape
    for radius in radii:
        new = np.empty((2, height, width))
        for y, x in np.ndindex(height, width):
            # The averages' mirror does not repeat the edge.
            rows, columns = (np.abs(np.arange(at - radius, at + radius + 1)) for at in (y, x))
            rows = np.where(rows >= height, 2 * height - 2 - rows, rows)
            columns = np.where(columns >= width, 2 * width - 2 - columns, columns)
            near = np.ix_(rows, columns)
            a = float(alpha[y, x])
            means = []
            for colours, weights in ((foreground, alpha), (background, 1 - alpha)):
                w = weights[near].astype(float)
                total = (w * colours[near]).mean() + keep * colours[y, x]
                means.append(total / (w.mean() + keep))
            excess = image[y, x] - a * means[0] - (1 - a) * means[1]
            excess /= a**2 + (1 - a) ** 2 + give
            new[:, y, x] = means[0] + a * excess, means[1] + (1 - a) * excess
        foreground, background = np.clip(new, 0, 1)
    return foreground


def test_agrees_with_a_slow_loop(monkeypatch):
    rng = np.random.default_rng(4)
    image = rng.random((21, 17, 3), np.float32)
    alpha = rng.uniform(0.05, 0.95, (21, 17)).astype(np.float32)
    monkeypatch.setattr(estimate, "_reach", lambda *_: 4)
    monkeypatch.setattr(estimate, "_fuse", _without_coarse_scales)
    found = estimate_foreground(image, alpha)
    for c in range(3):
        expected = two_steps(image[..., c], alpha, (4, 1), estimate._GIVE, estimate._KEEP)
        np.testing.assert_allclose(found[..., c], expected, atol=1e-5)


def _without_coarse_scales(plane, alpha, reach, bounds):
    foreground = background = plane
    while reach:
        foreground, background = estimate._mix(plane, alpha, foreground, background, reach, bounds)
        reach //= 4
    return foreground


def test_strips_change_nothing(soft_disc, monkeypatch):
    image, alpha = soft_disc
    whole = estimate_foreground(image, alpha)
    monkeypatch.setattr(estimate, "_STRIP", 1)
    np.testing.assert_allclose(estimate_foreground(image, alpha), whole, atol=1e-6)


def test_rows_are_stretched_as_opencv_does():
    plane = np.random.default_rng(0).random((7, 5), np.float32)
    for height in (7, 25, 26, 28):
        expected = cv2.resize(plane, (5, height), interpolation=cv2.INTER_LINEAR)
        rows = estimate._interpolated_rows(plane, height, 3, height - 1)
        np.testing.assert_allclose(rows, expected[3:-1], atol=1e-6)


def test_integers_are_what_they_stand_for(soft_disc):
    image, alpha = soft_disc
    stored = np.rint(image * 255).astype(np.uint8)
    np.testing.assert_array_equal(
        estimate_foreground(stored, alpha),
        estimate_foreground(stored / np.float32(255), alpha),
    )


def test_colour_comes_from_afar():
    """Fully unknown for 300 pixels; what is opaque lies on one side alone."""
    alpha = np.ones((40, 400), np.float32)
    alpha[:, 60:360] = np.random.default_rng(0).uniform(0.2, 0.8, (40, 300))
    alpha[:, 360:] = 0
    image = alpha[..., None] * RED + (1 - alpha[..., None]) * BLUE
    colours = estimate_foreground(image.astype(np.float32), alpha)
    mixed = (alpha > 0) & (alpha < 1)
    assert np.abs(colours[mixed] - RED).mean() < 0.1
    assert np.abs(image[mixed] - RED).mean() > 0.2


def test_threads_give_what_one_gives(soft_disc):
    from concurrent.futures import ThreadPoolExecutor

    image, alpha = soft_disc
    expected = estimate_foreground(image, alpha)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: estimate_foreground(image, alpha), range(8)):
            np.testing.assert_array_equal(found, expected)


def test_nothing_is_compiled():
    """Neither Numba nor PyMatting is loaded on the way from a matte to its colours."""
    code = (
        "import sys, numpy as np\n"
        "from lsamatting.foreground.estimate import estimate_foreground\n"
        "estimate_foreground(np.ones((9, 9, 3), 'f'), np.full((9, 9), 0.5, 'f'))\n"
        "print([n for n in ('numba', 'pymatting', 'torch') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
