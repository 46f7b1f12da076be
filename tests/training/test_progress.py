from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("lightning")

from lsamatting.training.progress import describe, seconds_left

ROW = {
    "step": 100,
    "samples": 800,
    "samples_per_second": 10.0,
    "learning_rate": 1e-3,
    "loss": 0.25,
}


def test_time_to_go_follows_the_samples_to_go() -> None:
    trainer = SimpleNamespace(max_steps=350, global_step=100, callbacks=[])
    assert seconds_left(trainer, ROW) == pytest.approx(200)


def test_an_endless_run_has_no_end() -> None:
    trainer = SimpleNamespace(max_steps=-1, max_epochs=-1, global_step=100, callbacks=[])
    assert seconds_left(trainer, ROW) is None
    assert "eta ?" in describe(ROW, None)


def test_a_row_in_words() -> None:
    text = describe(ROW, 3725.4)
    assert text == "loss 0.2500  10.0 samples/s  800 samples  lr 1.00e-03  eta 1:02:05"
