"""What a camera does to a subject: a little softness everywhere, and parts out of focus."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import Cutout, from_premultiplied
from lsamatting.data.synthesis.noise import smooth_field

Floats = NDArray[np.float32]


def photograph(rng: np.random.Generator, canvas: Floats) -> Cutout:
    """Cutout of a premultiplied RGBA canvas (HxWx4) as an imperfect lens would show it.

    Light mixes before it is recorded, so the premultiplied colours and alpha are blurred alike.
    Half of the pictures have one sharpness; in the others it changes smoothly across the frame.
    """
    sharpest = float(
        rng.choice([0.0, 0.5, 0.7, 1.0, 1.4, 2.0], p=[0.04, 0.18, 0.25, 0.25, 0.18, 0.1])
    )
    if rng.random() < 0.45:
        focused = canvas if sharpest == 0 else cv2.GaussianBlur(canvas, (0, 0), sharpest)
        return _develop(np.asarray(focused, dtype=np.float32))
    softest = max(sharpest, 0.5) * float(np.exp(rng.uniform(0.7, 2.3)))
    shape = (canvas.shape[0], canvas.shape[1])
    ramp = smooth_field(rng, shape, scale=rng.uniform(0.4, 1.0) * min(shape))
    # A subject's larger part is in focus.
    amount = np.clip((ramp - rng.uniform(-0.3, 0.8)) / 1.2, 0, 1)
    return _develop(blur_by(canvas, amount, sharpest, softest))


def blur_by(canvas: Floats, amount: Floats, sharpest: float, softest: float) -> Floats:
    """Gaussian blur whose sigma grows from `sharpest` to `softest` pixels as amount does, 0 to 1.

    canvas: HxWxC. amount: HxW. A few evenly blurred copies are mixed.
    """
    steps = 4
    sigmas = np.linspace(max(sharpest, 0.01), softest, steps)
    place = amount * (steps - 1)
    result = np.zeros_like(canvas)
    for k, sigma in enumerate(sigmas):
        share = np.clip(1 - np.abs(place - k), 0, 1)[..., None]
        blurred = canvas if sigma < 0.2 else cv2.GaussianBlur(canvas, (0, 0), float(sigma))
        result += share * blurred
    return result


def _develop(canvas: Floats) -> Cutout:
    return from_premultiplied(
        np.ascontiguousarray(canvas[..., :3], dtype=np.float32),
        np.ascontiguousarray(canvas[..., 3], dtype=np.float32),
    )
