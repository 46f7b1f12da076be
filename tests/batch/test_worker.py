from __future__ import annotations

import os

import pytest

from lsamatting import budget
from lsamatting.batch.recipe import Model, Recipe
from lsamatting.batch.work import Work
from lsamatting.batch.worker import prepare


@pytest.fixture(autouse=True)
def this_process_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(budget, "_sharing", 1)
    monkeypatch.setattr("lsamatting.memory.keep_freed_memory", lambda: None)
    monkeypatch.setattr("lsamatting.threads.limit_threads", lambda _: None)


def test_workers_share_what_all_may_take(monkeypatch):
    monkeypatch.setattr(Work, "of", lambda recipe: recipe.model.memory)
    monkeypatch.setattr(budget, "free_memory", lambda: 64 * 2**30)
    assert prepare(Recipe(Model("lite", "cpu", memory=8 * 2**30)), 1, 4) == 2 * 2**30
    assert prepare(Recipe(Model("lite", "cpu")), 1, 4) is None
    assert budget.default_memory() == 8 * 2**30
