"""Re-estimating a foreground so that it is smooth where it hardly shows (RF)."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Border, SmoothingMethod
from lsamatting.errors import ConfigError
from lsamatting.foreground.pictures import (
    check_alpha,
    check_border,
    check_foreground,
    check_kappa,
)
from lsamatting.samples import Samples
from lsamatting.threads import check_numba

Array = NDArray[np.float32]

SCALES, ITERATIONS = 6, 20
MOST_SCALES = 16


def refine_foreground(
    foreground: NDArray[Any],
    alpha: NDArray[Any],
    *,
    method: SmoothingMethod = "exact",
    kappa: float = 1.0,
    scales: int = SCALES,
    iterations: int = ITERATIONS,
    tolerance: float = 1e-4,
    border: Border | None = None,
) -> Array:
    """Keep a foreground's colours where it is opaque and make them smooth where it is not.

    The result minimises, or comes near to minimising, `foreground_cost` (Wang et al., section 4.1).

    Parameters
    ----------
    foreground
        HxW, HxWx1 or HxWx3 float, at least 1x1 pixels; [0, 1] or any wider range.
    alpha
        HxW float in [0, 1].
    method
        ``exact``: the minimiser itself, by multigrid. ``multilevel``: Algorithm 2 of the paper,
        which stops short of it; scales at which the picture would have no pixel are skipped, as on
        all pictures less than 32 pixels high or wide. ``jacobi``: Algorithm 1, `iterations` sweeps
        that carry colours as many pixels far.
    kappa
        κ, the weight of smoothness, 0.001 to 1000.
    scales
        S of ``multilevel``: the coarsest picture is 2^(S−1) times smaller.
    iterations
        T of ``multilevel`` and ``jacobi``: sweeps; 2^s T of them at scale s.
    tolerance
        ``exact`` stops when the norm of the residual is at most this times that of the system's
        right side, in each channel, or when nothing but rounding is left. 1e-7 to 0.1.
    border
        ``inside``: a border pixel has only its neighbours in the picture, as the cost says.
        ``reflect``: it sees its inner neighbour twice, as in the authors' code. If not given,
        ``inside`` for ``exact`` and ``reflect`` for the algorithms of the paper.

    Returns
    -------
    numpy.ndarray
        float32 of the foreground's shape, within the range of its values. Where alpha is 0
        everywhere, nothing is known and ``exact`` gives the mean colour.

    Raises
    ------
    ImageError
        Shapes do not fit, or values are not finite floats, or alpha is not in [0, 1].
    ConfigError
        An option is not accepted.
    """
    colours = check_foreground("foreground", foreground)
    opacity = check_alpha(alpha, colours)
    result = refine_samples(
        colours,
        opacity,
        method=method,
        kappa=kappa,
        scales=scales,
        iterations=iterations,
        tolerance=tolerance,
        border=border,
    )
    return np.ascontiguousarray(result).reshape(np.shape(foreground))


def refine_samples(
    foreground: Samples,
    alpha: Samples,
    *,
    method: SmoothingMethod = "exact",
    kappa: float = 1.0,
    scales: int = SCALES,
    iterations: int = ITERATIONS,
    tolerance: float = 1e-4,
    border: Border | None = None,
    rows: int | None = None,
) -> Array:
    """Do the same with a picture as it was read.

    Parameters
    ----------
    foreground, alpha
        HxWxC and HxW samples of finite values, those of alpha standing for [0, 1].
    method, kappa, scales, iterations, tolerance, border
        As of `refine_foreground`.
    rows
        How many rows are computed together; all if not given. It does not change the result.

    Returns
    -------
    numpy.ndarray
        HxWxC float32, not always in C order.

    Raises
    ------
    ImageError
        The residual of ``exact`` does not come down.
    ConfigError
        An option is not accepted.
    """
    if method not in get_args(SmoothingMethod):
        raise ConfigError(f"method '{method}'; accepted are {', '.join(get_args(SmoothingMethod))}")
    check_kappa(kappa)
    border = border or ("inside" if method == "exact" else "reflect")
    check_border(border)
    if not 1 <= scales <= MOST_SCALES:
        raise ConfigError(f"scales is {scales}; accepted are 1 to {MOST_SCALES}")
    if iterations < 1:
        raise ConfigError(f"iterations is {iterations}; accepted are 1 and more")
    if not 1e-7 <= tolerance <= 0.1:
        raise ConfigError(f"tolerance is {tolerance}; accepted are 1e-7 to 0.1")
    mirrored = border == "reflect"
    check_numba()
    # Numba takes its time to load, so only here.
    if method == "exact":
        from lsamatting.foreground.multigrid import minimise

        return minimise(
            foreground, alpha, kappa=kappa, mirrored=mirrored, tolerance=tolerance, rows=rows
        )
    from lsamatting.foreground.jacobi import multilevel

    return multilevel(
        foreground,
        alpha,
        kappa=kappa,
        scales=scales if method == "multilevel" else 1,
        iterations=iterations,
        mirrored=mirrored,
        rows=rows,
    )
