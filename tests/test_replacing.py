from __future__ import annotations

import pytest

from lsamatting.replacing import is_whole, replacing


def test_the_file_is_there_whole_and_alone(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"
        assert temporary.name.startswith(".")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert path.read_text() == "new"


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, problem):
    path = tmp_path / "a.png"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise problem

    with pytest.raises(problem):
        interrupted()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert path.read_text() == "old"


def test_a_long_name_is_no_problem(tmp_path):
    path = tmp_path / f"{'x' * 250}.png"
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_only_a_file_that_holds_something_is_whole(tmp_path):
    path = tmp_path / "a.png"
    assert not is_whole(path)
    path.touch()
    assert not is_whole(path)
    path.write_text("something")
    assert is_whole(path)
    assert not is_whole(tmp_path)
