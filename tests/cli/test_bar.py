import io

from rich.console import Console

from lsamatting.cli.bar import Bar


def drawn(steps, *, terminal=True):
    out = io.StringIO()
    with Bar(Console(file=out, force_terminal=terminal, width=80)) as bar:
        for done, total in steps:
            bar(done, total)
    return out.getvalue()


def test_a_bar_shows_how_far_a_picture_is():
    assert "runs and steps" in drawn([(0, 4), (4, 4)])
    assert "100%" in drawn([(0, 4), (6, 6)])


def test_a_program_without_streams_draws_nothing(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with Bar() as bar:
        bar(0, 4)
    monkeypatch.setattr("sys.stdout", None)
    assert "100%" in drawn([(0, 4), (4, 4)])


def test_one_step_draws_nothing():
    assert drawn([(0, 1), (1, 1)]) == ""


def test_nothing_is_drawn_where_nobody_sees_it():
    assert drawn([(0, 4), (4, 4)], terminal=False) == ""
