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
    monkeypatch.setattr("lsamatting.cli.train.find_spec", lambda name: None)
    outcome = cli("train", "configs/aim.yaml")
    assert outcome.code == 2
    assert "lsamatting[train]" in outcome.error_line
