from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from lsamatting.cli.data import repeat_options


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("OUT --photos A", "OUT --photos A"),
        ("OUT --photos A B --count 3", "OUT --photos A --photos B --count 3"),
        ("OUT --seed 1 --photos A B C", "OUT --seed 1 --photos A --photos B --photos C"),
        ("--photos A OUT", "--photos A OUT"),
        ("--count 3 --photos A --photos B OUT", "--count 3 --photos A --photos B OUT"),
        ("--photos A B --count 3 OUT", "--photos A --photos B --count 3 OUT"),
        ("--photos A B --cutouts C D OUT", "--photos A --photos B --cutouts C --cutouts D OUT"),
        ("--seed=1 OUT --photos A B", "--seed=1 OUT --photos A --photos B"),
        ("OUT --photos A B --cutouts C D", "OUT --photos A --photos B --cutouts C --cutouts D"),
    ],
)
def test_folders_may_follow_one_option(given, understood):
    assert repeat_options(given.split()) == understood.split()


def test_synthesize_hands_everything_on(cli, monkeypatch):
    seen = {}
    fake = ModuleType("lsamatting.data.synthesis.dataset")
    fake.synthesize_dataset = lambda out, **options: seen.update(options, out=out)
    monkeypatch.setitem(sys.modules, "lsamatting.data.synthesis.dataset", fake)
    outcome = cli(
        *("data", "synthesize", "out", "--count", "7", "--seed", "3", "--photos", "a", "b"),
        *("--kinds", "hair", "--workers", "2"),
    )
    assert outcome.code == 0, outcome.err
    assert str(Path("out", "contact_sheet.jpg")) in outcome.out
    assert seen == {
        "out": Path("out"),
        "count": 7,
        "seed": 3,
        "photos": [Path("a"), Path("b")],
        "cutouts": [],
        "kinds": ["hair"],
        "workers": 2,
    }


def test_photos_are_needed(cli):
    outcome = cli("data", "synthesize", "out")
    assert outcome.code == 2
    assert "--photos" in outcome.err
