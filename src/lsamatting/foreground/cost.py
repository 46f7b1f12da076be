"""The cost that re-estimation minimises."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Border
from lsamatting.errors import ImageError
from lsamatting.foreground.pictures import (
    check_alpha,
    check_border,
    check_foreground,
    check_kappa,
)


def foreground_cost(
    estimate: NDArray[Any],
    foreground: NDArray[Any],
    alpha: NDArray[Any],
    kappa: float = 1.0,
    *,
    border: Border = "inside",
) -> float:
    """Compute how far colours are from the foreground and from being smooth.

    C = ½ Σ_i Σ_c { α_i² (F̂_i − F_i)² + κ (1 − α_i)² Σ_j (F̂_i − F̂_j)² }, j the four neighbours of
    pixel i (Wang et al., section 4.1), in double precision.

    Parameters
    ----------
    estimate, foreground
        F̂ and F: HxW, HxWx1 or HxWx3 float.
    alpha
        HxW float in [0, 1].
    kappa
        κ > 0.
    border
        ``inside``: only neighbours in the picture. ``reflect``: the cost of the plane tiled with
        the picture and its mirror images (the edge not repeated), per picture; a pixel on an edge
        belongs to two of them and one in a corner to four.

    Returns
    -------
    float
        0 only for a foreground that is already smooth wherever it is not opaque.

    Raises
    ------
    ImageError
        Shapes differ or do not fit, or values are not finite floats.
    ConfigError
        Kappa or border are not accepted.
    """
    check_kappa(kappa)
    check_border(border)
    target = check_foreground("foreground", foreground)
    colours = check_foreground("estimate", estimate)
    if colours.shape != target.shape:
        raise ImageError(f"estimate of shape {colours.shape}; the foreground's is {target.shape}")
    opacity = check_alpha(alpha, target).astype(np.float64)
    rows, columns = (np.ones(n) for n in opacity.shape)
    if border == "reflect":
        for shares in (rows, columns):
            if len(shares) > 1:
                shares[[0, -1]] = 0.5
    fidelity = np.outer(rows, columns) * opacity**2
    q = kappa * (1 - opacity) ** 2
    across = rows[:, None] * (q[:, :-1] + q[:, 1:])
    down = columns * (q[:-1] + q[1:])
    total = 0.0
    for c in range(target.shape[2]):
        plane = colours[..., c].astype(np.float64)
        total += float(np.vdot(fidelity, (plane - target[..., c]) ** 2))
        total += float(np.vdot(across, np.diff(plane, axis=1) ** 2))
        total += float(np.vdot(down, np.diff(plane, axis=0) ** 2))
    return total / 2
