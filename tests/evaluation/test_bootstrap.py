from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lsamatting.errors import ConfigError
from lsamatting.evaluation.bootstrap import paired_bootstrap


def one_by_one(differences, samples, seed, level):
    """Draw and average every sample by itself, with the same numbers."""
    count = len(differences)
    rng = np.random.default_rng(seed)
    means = []
    while len(means) < samples:
        chunk = rng.integers(count, size=(min(256, samples - len(means)), count))
        means += [np.mean([differences[i] for i in drawn], axis=0) for drawn in chunk]
    tail = (1 - level) / 2
    return np.quantile(means, tail, axis=0), np.quantile(means, 1 - tail, axis=0)


def test_agrees_with_samples_drawn_one_by_one():
    differences = np.random.default_rng(3).normal(size=(13, 3))
    low, high = paired_bootstrap(differences, samples=700, seed=5, level=0.9)
    expected_low, expected_high = one_by_one(differences, 700, 5, 0.9)
    np.testing.assert_allclose(low, expected_low, rtol=1e-12)
    np.testing.assert_allclose(high, expected_high, rtol=1e-12)


def test_agrees_with_all_possible_samples():
    # Four pictures can be drawn in 4^4 ways, all as likely: the bootstrap distribution itself.
    differences = np.array([-1.0, 0.5, 2.0, 7.0])
    means = [np.mean(drawn) for drawn in itertools.product(differences, repeat=4)]
    for level in (0.5, 0.8, 0.95):
        low, high = paired_bootstrap(differences[:, None], samples=200_000, level=level)
        tail = (1 - level) / 2
        # A quantile of a discrete distribution may fall on the neighbouring value.
        for found, probability in ((low[0], tail), (high[0], 1 - tail)):
            nearby = np.quantile(means, [probability - 0.004, probability + 0.004])
            assert nearby[0] - 1e-9 <= found <= nearby[1] + 1e-9


def test_is_what_the_normal_distribution_says():
    # The standard error of a mean of many pictures; 1.96 of it on either side.
    differences = np.random.default_rng(0).normal(0.3, 2, size=(2000, 1))
    low, high = paired_bootstrap(differences)
    error = differences.std() / np.sqrt(len(differences))
    assert low[0] == pytest.approx(differences.mean() - 1.96 * error, abs=0.1 * error)
    assert high[0] == pytest.approx(differences.mean() + 1.96 * error, abs=0.1 * error)


def test_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth, trials = 0.25, 400
    columns = rng.normal(truth, 1, size=(60, trials))
    low, high = paired_bootstrap(columns, samples=1000)
    covered = ((low <= truth) & (truth <= high)).mean()
    # The percentile interval is a little short for 60 pictures; 400 trials scatter by 1.1 points.
    assert 0.90 <= covered <= 0.975


@settings(deadline=None)  # the first call imports SciPy
@given(
    differences=hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 8), st.integers(1, 3)),
        elements=st.floats(-100, 100),
    )
)
def test_swapping_the_methods_mirrors_the_interval(differences):
    low, high = paired_bootstrap(differences, samples=50)
    mirrored_low, mirrored_high = paired_bootstrap(-differences, samples=50)
    np.testing.assert_allclose(mirrored_low, -high, atol=1e-9)
    np.testing.assert_allclose(mirrored_high, -low, atol=1e-9)
    assert (low <= high).all()
    assert (low >= differences.min(axis=0) - 1e-9).all()
    assert (high <= differences.max(axis=0) + 1e-9).all()


def test_foregrounds_are_drawn_with_all_their_pictures():
    """Drawn one by one, with the same numbers; foregrounds have 1, 2, 3 and 5 pictures."""
    foregrounds = ["a", "b", "b", "c", "d", "c", "d", "d", "d", "c", "d"]
    differences = np.random.default_rng(2).normal(size=(11, 2))
    rng = np.random.default_rng(7)
    means = []
    for drawn in rng.integers(4, size=(200, 4)):
        rows = [
            row
            for foreground in drawn
            for row, name in zip(differences, foregrounds, strict=True)
            if name == "abcd"[foreground]
        ]
        means.append(np.mean(rows, axis=0))
    low, high = paired_bootstrap(differences, foregrounds, samples=200, seed=7)
    np.testing.assert_allclose(low, np.quantile(means, 0.025, axis=0), rtol=1e-12)
    np.testing.assert_allclose(high, np.quantile(means, 0.975, axis=0), rtol=1e-12)


def test_composites_of_few_foregrounds_are_no_independent_witnesses():
    """50 foregrounds with 20 composites each; all composites of one share most of its error."""
    rng = np.random.default_rng(0)
    foregrounds = np.repeat(np.arange(50), 20).tolist()
    covered = {"as independent": 0, "by foreground": 0}
    for _ in range(100):
        differences = rng.normal(size=(50, 1)) + rng.normal(0, 0.3, (50, 20))
        for how, names in (("as independent", None), ("by foreground", foregrounds)):
            low, high = paired_bootstrap(differences.reshape(-1, 1), names, samples=300)
            covered[how] += bool(low[0] <= 0 <= high[0])
    assert covered["as independent"] < 60
    assert 88 <= covered["by foreground"] <= 100


def test_the_seed_decides():
    differences = np.random.default_rng(0).normal(size=(9, 2))
    first = paired_bootstrap(differences, samples=300, seed=1)
    np.testing.assert_array_equal(first, paired_bootstrap(differences, samples=300, seed=1))
    assert not np.array_equal(first, paired_bootstrap(differences, samples=300, seed=2))


def test_a_constant_difference_is_certain():
    low, high = paired_bootstrap(np.full((5, 1), 0.75), samples=10)
    assert low == pytest.approx(0.75)
    assert high == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"level": 1}, "level is 1"),
        ({"differences": np.zeros((1, 1))}, "an interval needs at least 2 foregrounds, not 1"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ConfigError, match=message):
        paired_bootstrap(**{"differences": np.zeros((3, 1)), **options})
