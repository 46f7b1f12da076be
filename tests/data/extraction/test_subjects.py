from __future__ import annotations

from pathlib import Path

import pytest

from lsamatting.data.extraction.subjects import Subject, read_subjects
from lsamatting.errors import ConfigError


def listed(tmp_path: Path, text: str) -> list[Subject]:
    file = tmp_path / "list.toml"
    file.write_text(text)
    return read_subjects(file)


def test_a_list_is_read_as_it_is_written(tmp_path: Path) -> None:
    subjects = listed(
        tmp_path,
        "cat = { box = [1, 2, 50, 60.5], band = [1, 2], inside = [[3, 4, 5, 6], [7, 8]] }\n"
        '"d g" = {}\n'
        "[bird]\noutline = [0, 0, 100, 0, 50, 100]\noutside = [[9, 9]]\n",
    )
    assert subjects == [
        Subject("cat", box=(1, 2, 50, 60.5), band=(1, 2), inside=((3, 4, 5, 6), (7, 8))),
        Subject("d g"),
        Subject("bird", outline=(0, 0, 100, 0, 50, 100), outside=((9, 9),)),
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cat = 3", "cat"),
        ("cat = { bax = [1] }", "bax"),
        ("cat = { box = [1, 2, 3] }", "box"),
        ("cat = { box = [1, 2] }", "4"),
        ("cat = { box = [9, 2, 3, 4] }", "empty"),
        ("cat = { box = [-1, 2, 3, 4] }", "0 to 100"),
        ("cat = { band = 3 }", "band"),
        ("cat = { inside = 3 }", "inside"),
        ("cat = { inside = [3, 4] }", "inside"),
        ("cat = {", "TOML"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        listed(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_subjects(tmp_path / "nowhere.toml")


def test_the_list_of_the_repository_is_valid() -> None:
    subjects = read_subjects(Path(__file__).parents[3] / "configs" / "photo_cutouts.toml")
    assert len(subjects) >= 100
