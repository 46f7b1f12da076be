from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from lsamatting.data.augment_config import AugmentConfig, Realism
from lsamatting.data.cache import PictureCache
from lsamatting.data.samples import CompositingDataset, WideBatches
from lsamatting.data.wide_trimaps import WideTrimaps


def dataset(cache: PictureCache, **changes) -> CompositingDataset:
    settings = {"size": 64, "seed": 0, "config": AugmentConfig(), **changes}
    return CompositingDataset(cache, **settings)


def backgrounds(data: CompositingDataset, numbers: range) -> list[int]:
    return [round(float(data.sample(n).background.mean()) * 255 / 30) for n in numbers]


def test_an_epoch_draws_every_background_once_in_an_order_of_its_own(cache: PictureCache) -> None:
    data = dataset(cache)
    first, second = backgrounds(data, range(7)), backgrounds(data, range(7, 14))
    assert len(data) == 7
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second


def test_a_sample_depends_on_seed_and_number_alone(cache: PictureCache) -> None:
    forwards, backwards = dataset(cache), dataset(cache)
    ahead = [forwards[n] for n in range(16)]
    behind = [backwards[n] for n in reversed(range(16))][::-1]
    for one, other in zip(ahead, behind, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)
    other_seed = dataset(cache, seed=1)
    assert not torch.equal(other_seed[0]["image"], ahead[0]["image"])
    assert not torch.equal(ahead[0]["image"], ahead[7]["image"])


def test_shapes_and_values(cache: PictureCache) -> None:
    item = dataset(cache)[3]
    assert {key: tuple(value.shape) for key, value in item.items()} == {
        "image": (3, 64, 64),
        "trimap": (1, 64, 64),
        "alpha": (1, 64, 64),
        "priors": (0, 64, 64),
    }
    assert all(value.dtype == torch.float32 for value in item.values())
    assert set(item["trimap"].unique().tolist()) <= {0, 0.5, 1}


def test_priors_are_those_of_the_composite(cache: PictureCache) -> None:
    from lsamatting.priors import compute_priors

    data = dataset(cache, priors=("distances", "alpha_smooth"))
    sample = data.sample(2)
    expected = compute_priors(sample.image, sample.trimap, which=("distances", "alpha_smooth"))
    np.testing.assert_array_equal(data[2]["priors"].permute(1, 2, 0).numpy(), expected)


def test_smoother_backgrounds_are_the_least_busy_of_three(cache: PictureCache, tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    for file in cache.backgrounds[1:]:
        cv2.imwrite(str(file), noise)
    plain = dataset(cache)
    picky = dataset(cache, config=AugmentConfig(realism=Realism(smoother_background=1)))

    def smooth_ones(data: CompositingDataset) -> int:
        return sum(data.sample(number).background.std() < 0.01 for number in range(70))

    assert smooth_ones(plain) == 10
    assert smooth_ones(picky) > 15


def test_wide_batches_have_one_size_and_the_configured_share(cache: PictureCache) -> None:
    config = AugmentConfig(wide=WideTrimaps(bands=0.5))
    data = dataset(cache, config=config, size=32, wide=WideBatches(size=64, share=0.3, batch=4))
    sides = np.array([data.sample(number).alpha.shape[0] for number in range(400)]).reshape(-1, 4)
    assert (sides == sides[:, :1]).all()
    assert set(sides[:, 0]) == {32, 64}
    assert 15 <= (sides[:, 0] == 64).sum() <= 45
    again = dataset(cache, config=config, size=32, wide=WideBatches(size=64, share=0.3, batch=4))
    np.testing.assert_array_equal(again.sample(17).image, data.sample(17).image)


def test_sources_have_their_shares(cache: PictureCache) -> None:
    data = dataset(cache, config=AugmentConfig(colour=0, invert=0), shares=[(1, 0.2), (2, 0.6)])
    values = [
        round(float(data.sample(number).foreground.mean()) * 255 / 80) for number in range(400)
    ]
    # 100 of the first source's only foreground, 300 of the other two in equal parts.
    assert [values.count(value) for value in range(3)] == pytest.approx([100, 150, 150], abs=35)
