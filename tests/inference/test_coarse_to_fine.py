from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting import Matting
from lsamatting.errors import ConfigError
from lsamatting.evaluation.metrics import sad
from lsamatting.inference.coarse_to_fine import (
    AROUND,
    FAR,
    KEPT_OPEN,
    NEAR,
    OPEN,
    REACH,
    SHARE,
    SMALLEST,
    SURE,
    blend,
    close,
    count_halvings,
    halve,
    halve_trimap,
)
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.levels import OpenLevels
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.strokes import Stroke
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.network.config import NetworkConfig
from lsamatting.weights import bundled_names
from tests.tiny_network import TINY

FEW = RefinementOptions(steps=3)


def band(depth: int, *, height: int = 400, width: int = 600) -> np.ndarray:
    """A trimap whose unknown pixels, a band between two sides, are at most so deep."""
    trimap = np.full((height, width), 255, np.uint8)
    trimap[:, : width // 2 - depth] = 0
    trimap[:, width // 2 - depth : width // 2 + depth] = 128
    return trimap


def distances(mask: np.ndarray) -> np.ndarray:
    """Distance of each pixel of a small mask to the nearest that is not of it, one by one."""
    outside = np.argwhere(~mask)
    found = np.zeros(mask.shape)
    for place in np.argwhere(mask):
        found[tuple(place)] = np.sqrt(np.square(outside - place).sum(axis=1).min())
    return found


class EndedError(Exception):
    """What a test's progress raises."""


class Red(torch.nn.Module):
    """Stands for a network: gives the image's red channel, remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.config = NetworkConfig.from_dict({**TINY, "head": "subpixel"})
        self.seen = []

    def forward(self, image, trimap, priors=None):
        self.seen.append((image.shape[2], image.shape[3], float((trimap == 0.5).float().mean())))
        return image[:, :1]


@pytest.mark.parametrize(
    ("depth", "halvings"), [(1, 0), (REACH, 0), (REACH + 1, 1), (2 * REACH, 1), (2 * REACH + 1, 2)]
)
def test_a_picture_is_halved_until_nothing_is_deep(depth, halvings):
    assert count_halvings(band(depth)) == halvings


def test_small_pictures_and_those_of_which_nothing_is_known_are_not_halved():
    assert count_halvings(band(100, height=SMALLEST - 1)) == 0
    assert count_halvings(band(100, height=SMALLEST)) == 1
    assert count_halvings(np.full((400, 400), 128, np.uint8)) == 0
    assert count_halvings(np.zeros((400, 400), np.uint8)) == 0


@given(height=st.integers(1, 9), width=st.integers(1, 9), kind=st.sampled_from(["u1", "u2", "f4"]))
def test_halves_are_averages_of_the_same_kind(height, width, kind):
    rng = np.random.default_rng(height * 10 + width)
    top = np.iinfo(kind).max if kind != "f4" else 1
    image = (rng.random((2 * height, 2 * width, 3)) * top).astype(kind)
    smaller = halve(image)
    assert (smaller.dtype, smaller.shape) == (image.dtype, (height, width, 3))
    expected = image.astype(np.float64).reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(smaller, expected, atol=0.51 if kind != "f4" else 1e-6)
    odd = halve(image[: 2 * height - 1, : 2 * width - 1])
    assert odd.shape == smaller.shape
    marks = rng.choice(np.uint8([0, 128, 255]), (2 * height - 1, 2 * width - 1))
    assert halve_trimap(marks).shape == (height, width)
    assert set(np.unique(halve_trimap(marks))) <= set(np.unique(marks))


@given(
    row=st.integers(2, 90),
    thick=st.integers(1, 3),
    value=st.sampled_from([0, 255]),
    height=st.sampled_from([101, 102]),
    upright=st.booleans(),
)
def test_thin_lines_are_known_at_half_the_size_too(row, thick, value, height, upright):
    trimap = np.full((height, height), 128, np.uint8)
    trimap[row : row + thick, 20:80] = value
    halved = halve_trimap(trimap.T if upright else trimap)
    halved = halved.T if upright else halved
    assert set(np.unique(halved)) == {128, value}
    rows, columns = np.nonzero(halved == value)
    # One line, whole, where it was; half as thick, or a pixel more.
    assert len(set(columns)) in (30, 31)
    assert len(set(rows)) <= (thick + 2) // 2
    assert abs(rows.mean() * 2 + 0.5 - (row + (thick - 1) / 2)) <= 2


def test_thick_things_are_halved_by_nearest_neighbour():
    trimap = band(20)
    trimap[100:140, 290:310] = 255
    np.testing.assert_array_equal(halve_trimap(trimap), trimap[::2, ::2])


@pytest.mark.parametrize("row", [201, 202])
def test_what_surrounds_a_thin_stroke_stays_open(row):
    trimap = np.full((400, 400), 128, np.uint8)
    trimap[:8] = 0
    trimap[380:388, 380:388] = 255
    trimap[row, 150:250] = 255
    left = close(trimap, np.zeros((200, 200), np.float32), np.zeros(trimap.shape, bool))
    assert (left[row - OPEN + 4 : row, 200] == 128).all()
    assert (left[100, 150:250] == 0).all()


@given(seed=st.integers(0, 50), stroked=st.booleans())
@settings(max_examples=15)
def test_only_what_is_sure_and_far_from_any_edge_is_taken_as_known(seed, stroked):
    rng = np.random.default_rng(seed)
    shape = (50, 90)
    trimap = np.full((100, 180), 128, np.uint8)
    trimap[:, :4], trimap[:, -4:] = 0, 255
    opacity = np.ones(shape, np.float32)
    opacity[:, : int(rng.integers(20, 70))] = 0
    for _ in range(3):
        y, x = rng.integers(shape[0]), rng.integers(shape[1])
        opacity[y, x] = rng.choice([SURE * 0.9, SURE * 1.1, 0.5, 1 - SURE * 1.1])
    keep = np.zeros(trimap.shape, bool)
    if stroked:
        keep[int(rng.integers(100)), int(rng.integers(180))] = True
    closed = close(trimap, opacity, keep)
    halved = halve_trimap(trimap)
    free = distances(halved == 128) > OPEN / 2
    for value, sure in ((0, opacity < SURE), (255, opacity > 1 - SURE)):
        expected = (trimap == value) | (
            np.kron(free & (distances(sure) > AROUND / 2), np.ones((2, 2), bool)) & (trimap == 128)
        )
        if stroked:
            at = np.argwhere(keep)[0]
            near = np.hypot(*(np.indices(trimap.shape) - at[:, None, None]))
            # Within a pixel of the smaller picture.
            expected[(near < KEPT_OPEN - 3) & (trimap == 128)] = False
            settled = np.abs(near - KEPT_OPEN) > 3
            np.testing.assert_array_equal((closed == value)[settled], expected[settled])
        else:
            np.testing.assert_array_equal(closed == value, expected)


@pytest.mark.parametrize("known", [0, 255])
def test_where_one_side_is_not_known_at_all_nothing_is_taken_as_known(known):
    trimap = np.full((400, 400), 128, np.uint8)
    trimap[:20] = known
    sure = np.full((200, 200), known / 255, np.float32)
    np.testing.assert_array_equal(close(trimap, sure, np.zeros(trimap.shape, bool)), trimap)


def test_the_smaller_picture_counts_far_inside():
    trimap = band(100)
    alpha = np.where(trimap == 255, 1, 0).astype(np.float32)
    mixed = blend(alpha.copy(), trimap, np.ones((200, 300), np.float32))
    for depth in (1, NEAR, (NEAR + FAR) // 2, FAR, 90):
        expected = SHARE * np.clip((depth - NEAR) / (FAR - NEAR), 0, 1)
        assert mixed[200, 200 + depth - 1] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(mixed[trimap != 128], alpha[trimap != 128])


def test_the_smallest_is_seen_first_and_the_others_look_at_what_remains():
    """The subject is the right half of a picture, its opacity the red channel's."""
    height, width = 320, 640
    image = np.zeros((height, width, 3), np.float32)
    image[:, width // 2 :, 0] = 1
    trimap = band(150, height=height, width=width)
    network = Red()
    found = estimate(
        TorchRuntime(network), image, trimap, options=EstimateOptions(coarse_to_fine=True)
    )
    sizes = [height_seen for height_seen, _, _ in network.seen]
    assert len(sizes) == 1 + count_halvings(trimap)
    assert sizes == sorted(sizes)
    single = Red()
    once = estimate(
        TorchRuntime(single), image, trimap, options=EstimateOptions(coarse_to_fine=False)
    )
    assert len(single.seen) == 1
    # An edge that every size shows where it is stays where it is.
    np.testing.assert_array_equal(found.alpha, once.alpha)
    area = [height * width * share for height, width, share in (network.seen[-1], single.seen[0])]
    assert area[0] < 0.5 * area[1]


@pytest.mark.parametrize("name", bundled_names())
def test_narrow_bands_are_computed_as_before(name):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (200, 240, 3), dtype=np.uint8)
    trimap = band(REACH, height=200, width=240)
    model = Matting.from_pretrained(name, device="cpu")
    without = Matting(model.runtime, coarse_to_fine=False)
    np.testing.assert_array_equal(model(image, trimap).alpha, without(image, trimap).alpha)


def rough_disc(side: int = 320) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mottled disc on mottled ground, its opacity, and a trimap that knows little of either."""
    import cv2

    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:side, :side]
    distance = np.hypot(rows - side / 2, columns - side / 2)
    alpha = np.clip(0.31 * side - distance, 0, 1).astype(np.float32)

    def mottled(low: int, high: int) -> np.ndarray:
        small = rng.integers(low, high, (side // 20, side // 20, 3)).astype(np.float32)
        return cv2.resize(small, alpha.shape, interpolation=cv2.INTER_CUBIC)

    mixed = alpha[..., None] * mottled(20, 170) + (1 - alpha[..., None]) * mottled(90, 240)
    image = np.clip(mixed + rng.normal(0, 4, mixed.shape), 0, 255).astype(np.uint8)
    trimap = np.full(alpha.shape, 128, np.uint8)
    trimap[distance < 0.08 * side] = 255
    trimap[distance > 0.48 * side] = 0
    return image, alpha, trimap


@pytest.mark.parametrize("name", bundled_names())
def test_a_rough_trimap_costs_less(name):
    image, alpha, trimap = rough_disc(640)
    model = Matting.from_pretrained(name, device="cpu", precision="full")
    without = Matting(model.runtime, precision="full", coarse_to_fine=False)
    errors = [sad(one(image, trimap).alpha, alpha, trimap) for one in (model, without)]
    assert errors[0] < 0.85 * errors[1]


def test_a_session_gives_what_the_model_gives():
    image, _, trimap = rough_disc()
    model = Matting.from_pretrained("lite", device="cpu")
    session = model.open(image, trimap)
    stroke = np.zeros(trimap.shape, bool)
    stroke[120:135, 120:135] = True
    predicted = session.predict()
    np.testing.assert_array_equal(predicted.alpha, model(image, trimap).alpha)
    refined = session.refine(FEW)
    assert refined.seconds["priors"] == 0
    assert len(refined.refinement) == 1 + count_halvings(trimap)
    for value in (0.4, 1.0):
        session.stroke(stroke, value)
        found = session.refine(FEW).alpha
        np.testing.assert_array_equal(
            found, model(image, trimap, strokes=[(stroke, value)], refine=FEW).alpha
        )
        np.testing.assert_array_equal(found[stroke], np.float32(value))
        session.undo_stroke()
    np.testing.assert_array_equal(session.predict().alpha, predicted.alpha)


def test_around_a_soft_stroke_the_own_size_is_asked():
    image, _, trimap = rough_disc()
    model = Matting.from_pretrained("lite", device="cpu")
    stroke = np.zeros(trimap.shape, bool)
    stroke[160, 40:50] = True
    strokes = [Stroke(stroke, 0.5)]
    opened = OpenLevels(
        model.runtime, image, trimap, options=model.options, strokes=strokes, keep=True
    )
    assert opened.holds(trimap, strokes)
    assert opened.holds(trimap, [Stroke(stroke, 0.7)])
    assert not opened.holds(trimap, [])
    assert not opened.holds(np.where(stroke, 0, trimap).astype(np.uint8), strokes)


def test_progress_counts_all_sizes_and_can_end_the_work():
    image, _, trimap = rough_disc()
    model = Matting.from_pretrained("lite", device="cpu")
    told = []
    model(image, trimap, progress=lambda done, of: told.append((done, of)))
    shares = [done / of for done, of in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(told) > count_halvings(trimap)

    def end(done, of):
        if done:
            raise EndedError

    with pytest.raises(EndedError):
        model(image, trimap, progress=end)


def test_it_can_be_ended_before_the_first_step_of_refinement():
    image, _, trimap = rough_disc()
    model = Matting.from_pretrained("lite", device="cpu")
    runs = []
    once = model.runtime.run
    model.runtime.run = lambda *args, **kwargs: runs.append(1) or once(*args, **kwargs)

    def end(done, of):
        if runs:
            raise EndedError

    with pytest.raises(EndedError):
        model(image, trimap, refine=FEW, progress=end)
    assert len(runs) == 1 < count_halvings(trimap)


def test_only_what_surrounds_the_unknown_is_looked_at():
    image, _, trimap = rough_disc()
    network = Red()
    options = EstimateOptions(coarse_to_fine=True, precision="full")
    alone = estimate(TorchRuntime(network, "cpu"), image, trimap, options=options).alpha
    seen = list(network.seen)
    network.seen.clear()
    height, width = trimap.shape
    # Far more of what is known on all sides, by no multiple of what the sizes are halved by.
    wide = np.zeros((height + 1607, width + 1205), np.uint8)
    wide[803 : 803 + height, 602 : 602 + width] = trimap
    large = np.zeros((*wide.shape, 3), image.dtype)
    large[803 : 803 + height, 602 : 602 + width] = image
    found = estimate(TorchRuntime(network, "cpu"), large, wide, options=options).alpha
    assert found.shape == wide.shape
    np.testing.assert_array_equal(found[wide == 0], 0)
    np.testing.assert_array_equal(found[wide == 255], 1)
    inside = found[803 : 803 + height, 602 : 602 + width]
    assert np.abs(inside - alone).mean() < 0.02
    largest = max(height for height, _, _ in network.seen)
    assert largest <= max(height for height, _, _ in seen) + 2 * 64


def test_the_paper_s_paddings_look_at_one_size():
    with pytest.raises(ConfigError, match="goes with window padding, not with paper"):
        EstimateOptions(padding="paper", coarse_to_fine=True)
    lite = NetworkConfig.preset("lite")
    paper = NetworkConfig.preset("paper")
    assert EstimateOptions().starts_coarse(lite)
    assert not EstimateOptions(padding="published").starts_coarse(lite)
    assert not EstimateOptions().starts_coarse(paper)
    assert EstimateOptions(coarse_to_fine=True).starts_coarse(paper)
    assert not replace(EstimateOptions(), coarse_to_fine=False).starts_coarse(lite)
