import cv2
import numpy as np
import pytest

from lsamatting.errors import TrimapError
from lsamatting.trimap import Trimap
from lsamatting.trimap.band import default_width, details


def head(*, noise=0.02, size=400):
    """A grey disc with whiskers on a green ground, its mask without them, and the whiskers."""
    rng = np.random.default_rng(0)
    centre, radius = size // 2, size // 5
    mask = cv2.circle(np.zeros((size, size), np.uint8), (centre, centre), radius, 1, -1) > 0
    whiskers = np.zeros((size, size), np.uint8)
    for angle in np.linspace(-0.5, 0.5, 5):
        reach = np.array([np.cos(angle), np.sin(angle)]) * radius * 1.7
        end = np.rint(centre + reach).astype(int).tolist()
        cv2.line(whiskers, (centre, centre), end, 1, 2, cv2.LINE_8)
    image = np.where((mask | (whiskers > 0))[..., None], (0.8, 0.8, 0.75), (0.2, 0.4, 0.15))
    image = image + rng.normal(0, noise, image.shape)
    return image.clip(0, 1).astype(np.float32), mask, (whiskers > 0) & ~mask


def test_whiskers_survive_a_mask_that_passes_over_them():
    image, mask, whiskers = head()
    plain, seen = Trimap.from_mask(mask), Trimap.from_mask(mask, image=image)
    assert plain.background[whiskers].mean() > 0.7
    assert seen.background[whiskers].mean() < 0.02
    # and little else becomes unknown
    assert seen.counts.unknown < plain.counts.unknown + 12 * whiskers.sum()


def test_a_gap_in_the_subject_is_found_too():
    image, mask, _ = head()
    gap = np.zeros(mask.shape, bool)
    gap[198:202, 115:175] = True  # from the left edge inwards: nothing of the subject is here
    image[gap & mask] = (0.2, 0.4, 0.15)
    seen = Trimap.from_mask(mask, image=image)
    assert not seen.foreground[gap & mask].any()


def test_an_even_picture_adds_nothing():
    _, mask, _ = head()
    flat = np.where(mask[..., None], 0.8, 0.3) * np.ones(3)
    assert not details(flat.astype(np.float32), mask, width=default_width(mask)).any()


def test_what_is_not_joined_to_the_subject_stays_background():
    image, mask, _ = head()
    image[20:40, 20:40] = (0.8, 0.8, 0.75)
    assert not details(image, mask, width=default_width(mask))[15:45, 15:45].any()


def test_bytes_see_what_floats_see():
    image, mask, _ = head()
    eight = np.rint(image * 255).astype(np.uint8)
    same = details(image, mask, width=3) == details(eight, mask, width=3)
    assert same.mean() > 0.995


def test_large_pictures_are_looked_at_small():
    image, mask, whiskers = head(size=1600)
    found = details(image, mask, width=8, pixels=300_000)
    assert found[whiskers & (cv2.blur(mask.astype(np.float32), (33, 33)) == 0)].mean() > 0.9


def test_picture_and_mask_are_of_one_size():
    image, mask, _ = head()
    with pytest.raises(TrimapError, match="the mask is 400x400 pixels but the picture is 400x399"):
        Trimap.from_mask(mask, image=image[:-1])


@pytest.mark.filterwarnings("ignore::lsamatting.errors.TrimapWarning")
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2)])
@pytest.mark.parametrize("kind", ["none", "all", "some"])
def test_smallest_pictures(shape, kind):
    mask = np.full(shape, kind == "all")
    mask[0, 0] |= kind == "some"
    trimap = Trimap.from_mask(mask, image=np.zeros((*shape, 3), np.float32))
    assert trimap.values.shape == shape


def test_whiskers_survive_scribbles_too():
    image, mask, whiskers = head()
    front = cv2.erode(mask.astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
    back = np.zeros(mask.shape, bool)
    back[5:15] = back[-15:-5] = True
    for picture in (image, np.rint(image * 255).astype(np.uint8)):
        trimap = Trimap.from_strokes(picture, foreground=front, background=back)
        assert trimap.background[whiskers].mean() < 0.1
        assert trimap.foreground[front].all()
        assert trimap.background[back].all()
        assert trimap.counts.background > 0.6 * mask.size


def test_faint_whiskers_survive_on_a_ground_of_many_colours():
    """Here their colour is not strange: the ground has it too, but nothing as fine."""
    image, mask, whiskers = head(noise=0.01)
    ramp = np.linspace(0, 1, mask.shape[1])[None, :, None]
    ground = ramp * (0.9, 0.95, 0.6) + (1 - ramp) * (0.05, 0.1, 0.05)
    rows = np.linspace(0, 6, mask.shape[0])[:, None, None]
    ground = ground * (0.75 + 0.25 * np.sin(rows))
    faint = 0.7 * ground + 0.3 * np.array((0.95, 0.95, 0.9))
    image = np.where(mask[..., None], image, np.where(whiskers[..., None], faint, ground))
    image = image + np.random.default_rng(1).normal(0, 0.005, image.shape)
    image = image.clip(0, 1).astype(np.float32)
    plain, seen = Trimap.from_mask(mask), Trimap.from_mask(mask, image=image)
    assert plain.background[whiskers].mean() > 0.7
    assert seen.background[whiskers].mean() < 0.1
    assert seen.counts.unknown < plain.counts.unknown + 12 * whiskers.sum()


@pytest.mark.parametrize("noise", [0.005, 0.02, 0.05, 0.1])
def test_noise_all_around_is_no_detail_of_the_subject(noise):
    _, mask, _ = head()
    image = np.where(mask[..., None], (0.8, 0.8, 0.75), (0.2, 0.4, 0.15))
    image = image + np.random.default_rng(3).normal(0, noise, image.shape)
    seen = details(image.clip(0, 1).astype(np.float32), mask, width=default_width(mask))
    assert np.count_nonzero(seen) < 0.01 * np.count_nonzero(mask)
