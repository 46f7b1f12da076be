from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from lsamatting.data.held_out import is_held_out
from lsamatting.errors import ConfigError
from lsamatting.training.data import MattingData, NumberedBatches, samples_of_one_size


def numbers(position: int, *, rank: int = 0, processes: int = 1) -> list[list[int]]:
    data = SimpleNamespace(position=lambda: position)
    sampler = NumberedBatches(data, batches=4, batch_size=2, rank=rank, processes=processes)
    assert len(sampler) == 4
    return list(sampler)


def test_epochs_follow_each_other_without_gap() -> None:
    assert numbers(0) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert numbers(4) == [[8, 9], [10, 11], [12, 13], [14, 15]]


def test_inside_an_epoch_it_goes_on_where_training_stands() -> None:
    assert numbers(2) == [[4, 5], [6, 7]]
    assert numbers(7) == [[14, 15]]


def test_processes_share_the_numbers_of_a_step() -> None:
    first, second = numbers(1, rank=0, processes=2), numbers(1, rank=1, processes=2)
    for batch, (one, other) in enumerate(zip(first, second, strict=True), start=1):
        assert sorted(one + other) == list(range(4 * batch, 4 * batch + 4))


@pytest.mark.parametrize(
    "values",
    [
        {"size": 100},
        {"size": 0},
        {"batch_size": 0},
        {"workers": -1},
        {"wide_size": 100},
        {"wide_share": 1.5},
        {"mix": {"a": 1.0}},
        {"mix": {"a": -0.1}},
    ],
    ids=str,
)
def test_impossible_options_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        MattingData(root="nowhere", **values)


def test_foregrounds_may_come_from_another_folder(tmp_path: Path) -> None:
    for name in ("fg/a.png", "fg_refined/a.png", "alpha/a.png", "bg/a.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    for folder in ("fg", "fg_refined"):
        [(foreground, _)] = MattingData(str(tmp_path), foreground_folder=folder).cache.pairs
        assert foreground == tmp_path / folder / "a.png"


def make_files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_further_folders_are_mixed_in_by_their_shares(tmp_path: Path) -> None:
    make_files(tmp_path, "a/fg/x.png", "a/fg/y.png", "a/alpha/x.png", "a/alpha/y.png", "a/bg/0.jpg")
    make_files(tmp_path, "b/fg/z.png", "b/alpha/z.png")
    data = MattingData(str(tmp_path / "a"), mix={str(tmp_path / "b"): 0.25})
    assert [foreground.stem for foreground, _ in data.cache.pairs] == ["x", "y", "z"]
    assert data.shares == [(2, 0.75), (1, 0.25)]
    assert MattingData(str(tmp_path / "a")).shares == []


def test_the_training_part_leaves_out_what_is_held_out(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(60)]
    make_files(
        tmp_path, *(f"{folder}/{name}" for folder in ("fg", "alpha", "bg") for name in names)
    )
    data = MattingData(str(tmp_path), part="training")
    kept = {name for name in names if not is_held_out(Path(name))}
    assert len(kept) < 60
    assert {file.name for pair in data.cache.pairs for file in pair} == kept
    assert {file.name for file in data.cache.backgrounds} == kept


@pytest.mark.parametrize("count", [0, 6, -4])
def test_kept_samples_fill_whole_steps(tmp_path: Path, count: int) -> None:
    make_files(tmp_path, "fg/x.png", "alpha/x.png", *(f"bg/{number}.jpg" for number in range(8)))
    with pytest.raises(ConfigError, match="multiple of the 4 samples"):
        MattingData(
            str(tmp_path), batch_size=2, recorded=str(tmp_path / "kept"), recorded_count=count
        ).check_recorded(step=4)


@pytest.mark.parametrize("step", [*range(1, 40), 64])
def test_a_step_has_samples_of_one_size(step: int) -> None:
    run = samples_of_one_size(step)
    assert all(
        first // run == (first + step - 1) // run for first in range(0, 3 * step * run, step)
    )
    assert run == 16 or 16 % step
