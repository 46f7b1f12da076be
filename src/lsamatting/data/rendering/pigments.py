"""Colours of hair and fur, as the light that pigments absorb."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_EUMELANIN = np.array([0.506, 0.841, 1.653])
_PHEOMELANIN = np.array([0.343, 0.733, 1.924])


def melanin(amount: NDArray[Any] | float, redness: NDArray[Any] | float) -> Floats:
    """Absorption, ...x3, of `amount` melanin (0 white, 1 blond, 2-4 brown, 8 black).

    redness: share of pheomelanin, 0 to 1. After d'Eon et al., "An energy-conserving hair
    reflectance model", EGSR 2011.
    """
    amount, redness = np.asarray(amount)[..., None], np.asarray(redness)[..., None]
    absorbed = amount * ((1 - redness) * _EUMELANIN + redness * _PHEOMELANIN)
    return np.asarray(absorbed, dtype=np.float32)


def absorption(colour: NDArray[Any], radial_roughness: float) -> Floats:
    """Absorption that gives a coat of fibres a linear colour, both ...x3.

    Chiang et al., "A practical and controllable hair and fur model for production path tracing",
    CGF 2016, equation 9.
    """
    r = radial_roughness
    scale = 5.969 - 0.215 * r + 2.532 * r**2 - 10.73 * r**3 + 5.574 * r**4 + 0.245 * r**5
    return np.asarray((np.log(np.clip(colour, 1e-3, 0.99)) / scale) ** 2, dtype=np.float32)
