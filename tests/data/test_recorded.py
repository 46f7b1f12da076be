from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lsamatting.data.augment_config import AugmentConfig
from lsamatting.data.cache import PictureCache
from lsamatting.data.recorded import RecordedSamples, seen_anew
from lsamatting.data.samples import CompositingDataset
from lsamatting.errors import DatasetError
from lsamatting.priors import compute_priors
from lsamatting.priors.channels import PRIOR_CHANNELS, channel_count

ALL = ("alpha_nearest", "alpha_smooth", "nearest_foreground", "distances")
SOME = ("alpha_smooth", "distances")


@pytest.fixture
def samples(cache: PictureCache) -> CompositingDataset:
    return CompositingDataset(cache, size=64, seed=3, config=AugmentConfig(), priors=ALL)


def test_what_is_read_is_what_was_made_but_for_rounding(
    samples: CompositingDataset, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    first = RecordedSamples(samples, folder, priors=ALL)
    made = [first[n] for n in range(4)]
    again = RecordedSamples(samples, folder, priors=ALL)
    for number, sample in enumerate(made):
        exact, read = samples[number], again[number]
        for key in ("image", "trimap", "alpha", "priors"):
            assert torch.equal(sample[key], read[key])
            assert read[key].dtype == torch.float32
        assert torch.equal(read["trimap"], exact["trimap"])
        assert float((read["alpha"] - exact["alpha"]).abs().max()) <= 0.51 / 65535
        assert float((read["image"] - exact["image"]).abs().max()) <= 0.51 / 255
        assert float((read["priors"][:2] - exact["priors"][:2]).abs().max()) <= 0.51 / 65535
        assert float((read["priors"] - exact["priors"]).abs().max()) <= 0.51 / 255


def test_kept_samples_are_read_rather_than_made(
    samples: CompositingDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RecordedSamples(samples, tmp_path / "kept", priors=ALL)[5]

    def fail(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(CompositingDataset, "sample", fail)
    RecordedSamples(samples, tmp_path / "kept", priors=ALL)[5]


def test_a_network_gets_its_priors_in_its_order(
    samples: CompositingDataset, tmp_path: Path
) -> None:
    everything = RecordedSamples(samples, tmp_path / "kept", priors=ALL)[0]["priors"]
    some = RecordedSamples(samples, tmp_path / "kept", priors=SOME)[0]["priors"]
    assert some.shape[0] == channel_count(SOME)
    assert torch.equal(some, torch.cat((everything[1:2], everything[5:])))
    assert RecordedSamples(samples, tmp_path / "kept", priors=())[0]["priors"].shape == (0, 64, 64)


def test_a_damaged_sample_is_made_again(samples: CompositingDataset, tmp_path: Path) -> None:
    kept = RecordedSamples(samples, tmp_path / "kept", priors=ALL)
    whole = kept[1]
    (file,) = (tmp_path / "kept").glob("*/*.npz")
    file.write_bytes(file.read_bytes()[:100])
    assert torch.equal(kept[1]["priors"], whole["priors"])
    file.write_bytes(b"")
    assert torch.equal(kept[1]["priors"], whole["priors"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"size": 96}, "size"),
        ({"config": AugmentConfig(rotate=0.1)}, "augment"),
        ({"priors": SOME}, "priors"),
    ],
)
def test_samples_of_another_making_are_refused(
    samples: CompositingDataset, tmp_path: Path, change: dict, named: str
) -> None:
    RecordedSamples(samples, tmp_path, priors=SOME)
    settings = {"size": 64, "seed": 3, "config": AugmentConfig(), "priors": ALL, **change}
    other = CompositingDataset(samples.cache, **settings)
    with pytest.raises(DatasetError, match=named):
        RecordedSamples(other, tmp_path, priors=SOME)


def test_a_damaged_description_is_named(samples: CompositingDataset, tmp_path: Path) -> None:
    (tmp_path / "samples.json").write_text("{")
    with pytest.raises(DatasetError, match=r"samples\.json"):
        RecordedSamples(samples, tmp_path, priors=SOME)
    (tmp_path / "samples.json").write_text(json.dumps({}))
    with pytest.raises(DatasetError, match="another"):
        RecordedSamples(samples, tmp_path, priors=SOME)


def test_beyond_the_count_kept_samples_come_again_turned(
    samples: CompositingDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = RecordedSamples(samples, tmp_path / "kept", priors=ALL, count=4)
    first = [kept[number] for number in range(4)]
    monkeypatch.setattr(CompositingDataset, "sample", None)
    again = [kept[number] for number in range(4, 44)]
    seen = {sample["image"].numpy().tobytes() for sample in again}
    assert len(seen) > 20
    for number, sample in enumerate(again):
        original = first[number % 4]
        assert sorted(sample["alpha"].ravel().tolist()) == sorted(
            original["alpha"].ravel().tolist()
        )
        repeated = RecordedSamples(samples, tmp_path / "kept", priors=ALL, count=4)[number + 4]
        assert all(torch.equal(sample[key], repeated[key]) for key in sample)


def test_priors_of_a_sample_seen_anew_are_those_of_its_picture(cache: PictureCache) -> None:
    names = tuple(PRIOR_CHANNELS)
    dataset = CompositingDataset(cache, size=64, seed=3, config=AugmentConfig(), priors=names)
    original = dataset[1]
    recoloured = 0
    for seed in range(12):
        sample = seen_anew(original, names, np.random.default_rng(seed))
        image = np.ascontiguousarray(sample["image"].permute(1, 2, 0).numpy())
        trimap = (sample["trimap"][0].numpy() * 255).round().astype(np.uint8)
        trimap[trimap == 127] = 128
        own = compute_priors(image, trimap, which=names)
        difference = np.abs(own - sample["priors"].permute(1, 2, 0).numpy())
        # Solved to a tolerance, on grids that are not symmetric: equal but for a little.
        assert difference.mean() < 0.01
        assert np.quantile(difference, 0.99) < 0.12
        ordered = [image[..., channel].sum() for channel in range(3)]
        recoloured += not np.allclose(
            ordered, [float(original["image"][channel].sum()) for channel in range(3)]
        )
        mixed_up = seen_anew(original, names, np.random.default_rng(seed + 100))
        wrong = np.abs(own - mixed_up["priors"].permute(1, 2, 0).numpy()).mean()
        assert wrong > difference.mean() or torch.equal(mixed_up["image"], sample["image"])
    assert 0 < recoloured < 12
