"""How far a mean difference may be trusted: the paired bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: the percentile interval.
"""

from __future__ import annotations

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
    *,
    samples: int = DEFAULT_SAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound the mean of differences between two methods on the same pictures.

    Pictures are drawn with replacement, as many as there are, and the mean is taken; the bounds
    are quantiles of such means. All columns share the drawn pictures, and the same seed always
    gives the same bounds.

    Parameters
    ----------
    differences
        N×K, one row per picture, one column per quantity.
    samples
        How many times pictures are drawn.
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
        Fewer than 2 pictures or 1 sample, a seed below 0, or a level not between 0 and 1.
    """
    count = len(differences)
    if count < 2:
        raise ConfigError(f"an interval needs at least 2 pictures, not {count}")
    if samples < 1:
        raise ConfigError(f"samples is {samples}: at least 1 is wanted")
    if seed < 0:
        raise ConfigError(f"seed is {seed}: 0 or more is wanted")
    if not 0 < level < 1:
        raise ConfigError(f"level is {level}: a number between 0 and 1 is wanted")
    values = np.asarray(differences, np.float64)
    rng = np.random.default_rng(seed)
    means = np.empty((samples, values.shape[1]))
    for start in range(0, samples, _CHUNK):
        rows = min(_CHUNK, samples - start)
        drawn = rng.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        # How often each picture was drawn turns the means into one product of matrices.
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        means[start : start + rows] = times @ values / count
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
