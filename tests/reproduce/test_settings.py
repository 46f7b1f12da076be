from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsamatting.errors import ConfigError
from reproduce.settings import differences, flatten, merge, nest, read_yaml, write_yaml

names = st.text("abc_", min_size=1, max_size=3)
values = st.one_of(
    st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False), st.lists(st.integers())
)
settings = st.recursive(
    st.dictionaries(names, values, max_size=3),
    lambda inner: st.dictionaries(names, st.one_of(values, inner), max_size=3),
    max_leaves=8,
)


@given(settings)
def test_flattening_is_undone(tree: dict) -> None:
    assert nest(flatten(tree)) == tree


@given(settings, settings)
def test_a_merge_has_all_changes_and_alters_nothing(tree: dict, changes: dict) -> None:
    before = deepcopy((tree, changes))
    merged = merge(tree, changes)
    assert (tree, changes) == before
    assert merge(merged, changes) == merged
    assert merge(tree, {}) == tree
    assert merge({}, changes) == changes


@given(settings, settings)
def test_differences_are_none_exactly_between_equals(tree: dict, other: dict) -> None:
    assert differences(tree, tree) == []
    assert bool(differences(tree, other)) == (flatten(tree) != flatten(other))
    assert differences(tree, other) == differences(other, tree)


def test_dotted_names_and_mappings_mean_the_same() -> None:
    assert nest({"data.size": 3, "data.augment.blur": 1}) == nest(
        flatten({"data": {"size": 3, "augment": {"blur": 1}}})
    )
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 0}) == ["a.c", "d"]


def test_yaml_comes_back(tmp_path: Path) -> None:
    tree = {"model": {"loss": {"epsilon": 1e-3}}, "data": {"root": "ä b", "sizes": [1, 2]}}
    (tmp_path / "a.yaml").write_text(write_yaml(tree), encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == tree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "a.yaml: cannot be read"),
        ("a: [", "a.yaml: not YAML"),
        ("- a", "a.yaml: must hold keys"),
    ],
)
def test_what_is_no_settings_file_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_yaml(tmp_path / "a.yaml")
    assert "\n" not in str(caught.value)
