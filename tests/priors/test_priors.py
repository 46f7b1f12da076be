import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lsamatting.errors import ConfigError
from lsamatting.priors import PRIOR_CHANNELS, PriorField, channel_count, compute_priors


def scene(height, width, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, 3), dtype=np.float32)
    trimap = np.full((height, width), 128, np.uint8)
    trimap[: height // 3], trimap[-(height // 3) or height :] = 255, 0
    return image, trimap


@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_any_size_gives_finite_values_between_0_and_1(height, width, seed):
    image, trimap = scene(height, width, seed)
    priors = compute_priors(image, trimap)
    assert priors.shape == (height, width, channel_count(PRIOR_CHANNELS))
    assert priors.dtype == np.float32
    assert (priors >= 0).all()
    assert (priors <= 1).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_trimaps_of_one_value(value):
    image, trimap = scene(32, 32)
    trimap[:] = value
    assert np.isfinite(compute_priors(image, trimap)).all()


def test_channels_come_in_the_order_asked_for():
    image, trimap = scene(48, 64)
    every = compute_priors(image, trimap)
    bounds = np.cumsum([0, *PRIOR_CHANNELS.values()])
    start = dict(zip(PRIOR_CHANNELS, bounds, strict=False))
    picked = compute_priors(image, trimap, which=("distances", "alpha_smooth"))
    np.testing.assert_array_equal(
        picked[..., :2], every[..., start["distances"] : start["distances"] + 2]
    )
    np.testing.assert_array_equal(picked[..., 2], every[..., start["alpha_smooth"]])


def test_a_plain_scene_is_solved_by_every_prior():
    """Flat colours on both sides, their numbers mixed: each prior's opacity is the truth."""
    alpha = np.clip((np.arange(128, dtype=np.float32)[None] - 48) / 32, 0, 1)
    alpha = np.repeat(alpha, 64, axis=0)
    image = alpha[..., None] * np.float32([0.8, 0.6, 0.1])
    image += (1 - alpha[..., None]) * np.float32([0.1, 0.2, 0.5])
    trimap = np.full(alpha.shape, 128, np.uint8)
    trimap[:, :44], trimap[:, 84:] = 0, 255
    # By light it is another, see test_light.py.
    for name in ("joint", "closed_form", "mixture", "nearest", "smooth"):
        prior = compute_priors(image, trimap, which=(f"alpha_{name}",))[..., 0]
        assert np.abs(prior - alpha).max() < 0.03, name


def test_distances_count_image_pixels():
    image, trimap = scene(60, 200)
    trimap[:] = 128
    trimap[:, :40], trimap[:, -40:] = 255, 0
    foreground, background = compute_priors(image, trimap, which=("distances",))[30].T
    columns = np.arange(200)
    np.testing.assert_allclose(foreground, np.clip((columns - 39) / 64, 0, 1), atol=2 / 64)
    np.testing.assert_allclose(background, np.clip((160 - columns) / 64, 0, 1), atol=2 / 64)


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="'hue'"):
        compute_priors(*scene(4, 4), which=("hue",))


def test_threads_change_nothing():
    image, trimap = scene(60, 80)
    np.testing.assert_array_equal(
        compute_priors(image, trimap, workers=2), compute_priors(image, trimap)
    )


@given(
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    share=st.tuples(*[st.floats(0, 1)] * 4),
    odd=st.tuples(st.integers(0, 1), st.integers(0, 1)),
)
@example(size=(1, 1), share=(1.0, 0.0, 0.0, 0.0), odd=(0, 0))
@settings(max_examples=25, deadline=None)
def test_a_part_is_what_the_whole_has_there(size, share, odd):
    height, width = (max(2 * side - less, 1) for side, less in zip(size, odd, strict=True))
    field = PriorField(*scene(height, width))
    whole = field.part()
    top, left = int(share[0] * height) // 2 * 2, int(share[1] * width) // 2 * 2
    rows = slice(top, top + 1 + int(share[2] * (height - top)))
    columns = slice(left, left + 1 + int(share[3] * (width - left)))
    np.testing.assert_allclose(field.part(rows, columns), whole[rows, columns], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_what_they_stand_for(dtype):
    image, trimap = scene(40, 60)
    top = np.iinfo(dtype).max
    stored = np.rint(image * top).astype(dtype)
    np.testing.assert_allclose(
        compute_priors(stored, trimap),
        compute_priors(stored.astype(np.float32) / np.float32(top), trimap),
        atol=1e-6,
    )
