from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from lsamatting.errors import ConfigError, ImageError
from lsamatting.foreground import folder, refine_foreground
from lsamatting.foreground.closed_form import closed_form_foreground
from lsamatting.foreground.folder import Reestimation, Task, output_suffix, reestimate_files
from lsamatting.images import read_grey, read_picture, write_grey, write_picture

GIB = 2**30


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    """Three foregrounds of noise, of 8, 16 and 32 bit, that fade from left to right."""
    rng = np.random.default_rng(0)
    found = []
    for name, depth in (("a.png", 8), ("b.png", 16), ("c.tif", 32)):
        task = Task(tmp_path / f"fg-{name}", tmp_path / f"alpha-{name}", tmp_path / f"new-{name}")
        write_picture(task.foreground, rng.random((20, 30, 3), np.float32), depth=depth)
        write_grey(task.alpha, np.tile(np.linspace(0, 1, 30, dtype=np.float32), (20, 1)), depth=8)
        found.append(task)
    return found


@pytest.mark.parametrize(
    "how",
    [
        Reestimation(),
        Reestimation("multilevel", {"scales": 2, "iterations": 3}),
        Reestimation("closed-form"),
    ],
    ids=lambda how: how.method,
)
def test_every_file_gets_its_own_result_at_its_own_depth(tasks, how):
    with reestimate_files(tasks, how, workers=1) as results:
        assert dict(results) == dict.fromkeys(tasks, ())
    for task, depth in zip(tasks, (8, 16, 32), strict=True):
        colours, alpha = read_picture(task.foreground).pixels, read_grey(task.alpha)[0]
        if how.method == "closed-form":
            expected = closed_form_foreground(colours, alpha)
        else:
            expected = refine_foreground(colours, alpha, method=how.method, **how.options)
        written = read_picture(task.output)
        assert written.depth == depth
        error = 1e-6 if depth == 32 else 0.51 / (2**depth - 1)
        np.testing.assert_allclose(written.pixels, np.clip(expected, 0, 1), atol=error)


def test_one_that_fails_does_not_stop_the_others(tasks):
    write_grey(tasks[0].alpha, np.ones((5, 6), np.float32))
    tasks[1].foreground.write_bytes(b"no picture")
    with reestimate_files(tasks, Reestimation(), workers=1) as results:
        outcomes = dict(results)
    assert isinstance(outcomes[tasks[0]], ImageError)
    assert "alpha-a.png: 6x5 pixels" in str(outcomes[tasks[0]])
    assert isinstance(outcomes[tasks[1]], ImageError)
    assert outcomes[tasks[2]] == ()
    assert [task.output.exists() for task in tasks] == [False, False, True]


def test_an_option_out_of_range_is_the_result(tasks):
    with reestimate_files(tasks[:1], Reestimation(options={"kappa": -1}), workers=1) as results:
        [(_, outcome)] = results
    assert isinstance(outcome, ConfigError)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.jpg", ".png"), ("a.EXR", ".EXR"), ("a.tif", ".tif"), ("a.webp", ".png")],
)
def test_what_may_hold_floats_stays_what_it_is(name, suffix):
    assert output_suffix(Path(name)) == suffix


def test_processes_share_the_memory(tasks, monkeypatch):
    seen = []
    monkeypatch.setattr(
        folder, "in_processes", lambda work, tasks, workers: seen.append(work) or nullcontext()
    )
    for workers, tasked in ((1, 3), (2, 3), (8, 3), (8, 0)):
        with reestimate_files(tasks[:tasked], Reestimation(memory=12 * GIB), workers=workers):
            pass
    assert [work.args[0].memory // GIB for work in seen] == [12, 6, 4, 12]
    monkeypatch.setattr(folder, "default_memory", lambda: 6 * GIB)
    with reestimate_files(tasks, Reestimation(), workers=2):
        pass
    assert seen[-1].args[0].memory == 3 * GIB


@pytest.mark.parametrize("method", ["exact", "multilevel"])
def test_little_memory_changes_nothing(tasks, monkeypatch, method):
    monkeypatch.setattr(folder, "choose_rows", lambda *size, **how: 4)
    used = []
    refine = folder.refine_samples
    monkeypatch.setattr(
        folder, "refine_samples", lambda *a, **how: used.append(how["rows"]) or refine(*a, **how)
    )
    how = Reestimation(method)
    for task in tasks:
        how.write(task)
        colours, alpha = read_picture(task.foreground).pixels, read_grey(task.alpha)[0]
        expected = np.clip(refine_foreground(colours, alpha, method=method), 0, 1)
        written = read_picture(task.output)
        error = 1e-6 if written.depth == 32 else 0.51 / (2**written.depth - 1)
        np.testing.assert_allclose(written.pixels, expected, atol=error)
    assert used == [4, 4, 4]
