from __future__ import annotations

from pathlib import Path

from lsamatting.data.held_out import is_held_out, take_part


def test_a_name_is_held_out_whatever_its_folder_and_suffix() -> None:
    names = [f"picture{number}" for number in range(2000)]
    held = [is_held_out(Path("a") / f"{name}.jpg") for name in names]
    assert held == [is_held_out(Path("b/c") / f"{name}.png") for name in names]
    assert 200 < sum(held) < 300


def test_the_parts_make_up_the_whole() -> None:
    files = [Path(f"{number}.jpg") for number in range(50)]
    training, held_out = take_part(files, "training"), take_part(files, "held-out")
    assert take_part(files, "all") == files
    assert sorted([*training, *held_out]) == sorted(files)
    assert training
    assert held_out
