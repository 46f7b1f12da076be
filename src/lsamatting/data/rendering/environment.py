"""Light from all around, made of a photograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsamatting.colour import srgb_to_linear
from lsamatting.data.synthesis.photos import Photos

Floats = NDArray[np.float32]

_HEIGHT, _WIDTH = 128, 256


def photographed_light(rng: np.random.Generator, photos: Photos) -> Floats:
    """Linear light, 128x256x3, whose mean is about 1.

    A photograph and its mirror image join to a panorama without a seam. What is white in a
    photograph was brighter than white, so highlights are raised, by a random amount.
    """
    half = photos.patch(rng, _HEIGHT, _WIDTH // 2, smooth=1)
    panorama = np.concatenate([half, half[:, ::-1]], axis=1)
    panorama = np.roll(panorama, int(rng.integers(_WIDTH)), axis=1)
    linear = srgb_to_linear(panorama)
    brightness = linear.mean(axis=2, keepdims=True)
    linear *= 1 + rng.uniform(2, 12) * np.clip(brightness - 0.5, 0, None) ** 2 * 4
    # Towards grey, or a lawn would make everything green.
    grey = linear.mean(axis=(0, 1), keepdims=True).mean()
    colourless = linear.mean(axis=(0, 1), keepdims=True) / grey
    linear /= np.maximum(colourless, 0.05) ** rng.uniform(0.4, 0.9)
    return np.asarray(linear / linear.mean(), dtype=np.float32)
