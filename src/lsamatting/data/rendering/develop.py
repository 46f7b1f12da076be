"""From light to a picture: exposure, colours where nothing is, the sRGB curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.colour import linear_to_srgb
from lsamatting.data.synthesis.cutout import Cutout, extend_colours
from lsamatting.foreground.refine import refine_foreground

Floats = NDArray[np.float32]


def develop(rng: np.random.Generator, rendered: NDArray[Any]) -> Cutout:
    """Straight, gamma-encoded colours that are defined everywhere, and opacity.

    rendered: HxWx5 float32: linear RGB premultiplied by the fourth channel, a rough opacity, and
    the opacity. Exposure is chosen as a photographer would, but not entirely: dark hair stays dark.
    """
    weight = np.clip(rendered[..., 3], 0, 1).astype(np.float32)
    opacity = np.clip(rendered[..., 4], 0, 1).astype(np.float32)
    light = np.maximum(rendered[..., :3], 0).astype(np.float32)
    straight = light / np.maximum(weight, 1e-6)[..., None]
    seen = weight > 0.5 if (weight > 0.5).any() else weight > 0
    shown = straight[seen].mean(axis=-1) if seen.any() else np.ones(1, np.float32)
    middle = float(np.median(shown)) + 1e-4
    exposure = np.float32((rng.uniform(0.1, 0.3) / middle) ** rng.uniform(0.5, 0.9))
    # Never so that a tenth of the subject burns out.
    exposure = min(exposure, np.float32(0.9 / max(float(np.quantile(shown, 0.9)), 1e-4)))
    encoded = linear_to_srgb(_shoulder(straight * exposure))
    everywhere = extend_colours(encoded * weight[..., None], weight)
    return Cutout(refine_foreground(everywhere, opacity), opacity)


def _shoulder(light: Floats) -> Floats:
    """Bring highlights below 1 smoothly; the curve leaves light below 0.6 as it is."""
    knee = np.float32(0.6)
    over = np.maximum(light - knee, 0)
    room = 1 - knee
    return np.asarray(np.minimum(light, knee) + room * over / (over + room), np.float32)
