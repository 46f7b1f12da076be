from __future__ import annotations

import sys
from types import ModuleType


def test_train_hands_everything_on(cli, monkeypatch):
    seen = []
    fake = ModuleType("lsamatting.training.cli")
    fake.main = seen.append
    monkeypatch.setitem(sys.modules, "lsamatting.training.cli", fake)
    arguments = ["configs/aim.yaml", "--trainer.max_epochs=1", "--data.h", "320", "--help", "-x"]
    assert cli("train", *arguments).code == 0
    assert seen == [arguments]


def test_without_the_extra_it_says_what_to_install(cli, monkeypatch):
    monkeypatch.setattr("lsamatting.extras.find_spec", lambda name: None)
    outcome = cli("train", "configs/aim.yaml")
    assert outcome.code == 2
    assert "lsamatting[train]" in outcome.error_line


def test_a_run_that_was_stopped_is_not_done(cli, monkeypatch):
    def stop(_):
        raise SystemExit("stopped by a signal")

    fake = ModuleType("lsamatting.training.cli")
    fake.main = stop
    monkeypatch.setitem(sys.modules, "lsamatting.training.cli", fake)
    outcome = cli("train", "configs/aim.yaml")
    assert (outcome.code, outcome.error_line) == (1, "stopped by a signal")
