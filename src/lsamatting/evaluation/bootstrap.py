"""How far a mean difference may be trusted: the paired bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: the percentile interval.
Pictures that show one foreground are no independent witnesses, so foregrounds are drawn, each with
all its pictures (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError

LEVEL = 0.95
DEFAULT_SAMPLES = 10_000

# Samples drawn at a time: 256 of a thousand pictures take 2 MB.
_CHUNK = 256


def paired_bootstrap(
    differences: NDArray[Any],
    foregrounds: Sequence[Hashable] | None = None,
    *,
    samples: int = DEFAULT_SAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound the mean of differences between two methods on the same pictures.

    Foregrounds are drawn with replacement, as many as there are, and the mean over all their
    pictures is taken; the bounds are quantiles of such means. All columns share the drawn
    foregrounds, and the same seed always gives the same bounds.

    Parameters
    ----------
    differences
        N×K, one row per picture, one column per quantity.
    foregrounds
        N names, equal for pictures of one foreground. Without them, no two pictures share one.
    samples
        How many times foregrounds are drawn.
    seed
        Of the drawing.
    level
        Probability that the interval is to have.

    Returns
    -------
    low, high : numpy.ndarray
        K float64 each.

    Raises
    ------
    ConfigError
        Fewer than 2 foregrounds or 1 sample, a seed below 0, or a level not between 0 and 1.
    """
    values = np.asarray(differences, np.float64)
    names = list(range(len(values)) if foregrounds is None else foregrounds)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    if len(numbers) < 2:
        raise ConfigError(f"an interval needs at least 2 foregrounds, not {len(numbers)}")
    if samples < 1:
        raise ConfigError(f"samples is {samples}: at least 1 is wanted")
    if seed < 0:
        raise ConfigError(f"seed is {seed}: 0 or more is wanted")
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}: a number between 0 and 1 is wanted")
    members = np.array([numbers[name] for name in names])
    pictures = np.bincount(members).astype(np.float64)
    # SciPy takes a second to import; only comparisons need it.
    from scipy.stats import bootstrap

    bounds = []
    for column in values.T:
        result = bootstrap(
            (np.bincount(members, column), pictures),
            _mean,
            paired=True,
            vectorized=True,
            n_resamples=samples,
            batch=_CHUNK,
            confidence_level=level,
            method="percentile",
            # The same for every column: they share what is drawn.
            random_state=np.random.default_rng(seed),
        )
        bounds.append(result.confidence_interval)
    low, high = (np.array(side, np.float64) for side in zip(*bounds, strict=True))
    # Where all means are equal, percentiles differ by their rounding, and either may be the larger.
    return np.minimum(low, high), np.maximum(low, high)


def _mean(sums: NDArray[Any], pictures: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    return np.asarray(sums.sum(axis) / pictures.sum(axis))
