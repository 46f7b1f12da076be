"""Foreground colours for a cutout: the old background removed from half-transparent pixels.

Blur fusion (Forte, "Approximate fast foreground colour estimation", ICIP 2021) at more scales than
the paper's two. At each scale the colours around a pixel are averaged, those of the foreground
weighted by α and those of the background by 1 − α, and then both averages give way, as little as
they can, so that they mix to what the picture shows:

    minimise |α F + (1 − α) B − I|² + λ (|F − mean F|² + |B − mean B|²)   over F and B.

Scales go from as far as the known foreground is away down to the next pixel.
"""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import ForegroundMethod
from lsamatting.errors import ConfigError, ImageError, TrimapError
from lsamatting.samples import Samples, as_float
from lsamatting.trimap import FOREGROUND
from lsamatting.windows import window_around

Array = NDArray[np.float32]

# Context around the half-transparent pixels from which their colours are estimated.
_MARGIN = 64

# λ: an opacity that is wrong should not push colours far from those around.
_GIVE = 0.03

# Weight of the colour that the wider scale found, where hardly any weight lies around a pixel.
_KEEP = 1e-4

# Pixels of a strip of rows that are worked on together.
_STRIP = 2**21

# Radii from here on are averaged on a picture of a quarter of the size.
_COARSE = 16


def estimate_foreground(
    image: Samples,
    alpha: Array,
    trimap_values: NDArray[np.uint8] | None = None,
    *,
    method: ForegroundMethod = "blur-fusion",
) -> Array:
    """Estimate the foreground colours of an image from its matte.

    Parameters
    ----------
    image
        HxWx3, gamma-encoded: float in [0, 1], or uint8 or uint16 as in files.
    alpha
        HxW float in [0, 1].
    trimap_values
        HxW uint8 of 0, 128, 255; its foreground keeps the image's colour. Without it, the
        pixels of full opacity do.
    method
        ``blur-fusion``: as this module describes. ``none``: the image itself.

    Returns
    -------
    numpy.ndarray
        HxWx3 float32, straight, in [0, 1] or the image's wider range. Further than a
        margin away from any half-transparent pixel it is the image.

    Raises
    ------
    ConfigError
        Unknown method.
    ImageError, TrimapError
        Matte or trimap are of another size than the image.
    """
    if method not in get_args(ForegroundMethod):
        raise ConfigError(
            f"foreground method '{method}'; accepted are {', '.join(get_args(ForegroundMethod))}"
        )
    for name, other, error in (
        ("alpha", alpha, ImageError),
        ("trimap", trimap_values, TrimapError),
    ):
        if other is not None and other.shape != image.shape[:2]:
            raise error(
                f"{name} is {other.shape[1]}x{other.shape[0]} pixels"
                f" but the image is {image.shape[1]}x{image.shape[0]}"
            )
    result = np.array(image, np.float32) if image.dtype.kind == "f" else as_float(image)
    mixed = (alpha > 0) & (alpha < 1)
    window = None if method == "none" else window_around(mixed, _MARGIN)
    if window is None:
        return result
    opacity = np.ascontiguousarray(alpha[window], np.float32)
    known = opacity >= 1 if trimap_values is None else trimap_values[window] == FOREGROUND
    low, high = min(0.0, float(result.min())), max(1.0, float(result.max()))
    reach = _reach(opacity, mixed[window])
    # Channel by channel: a third of the memory, and rows that processors like.
    for c in range(result.shape[2]):
        plane = np.ascontiguousarray(result[window][..., c])
        estimated = _fuse(plane, opacity, reach, (low, high))
        np.copyto(result[window][..., c], estimated, where=~known)
    return result


def _reach(alpha: Array, mixed: NDArray[np.bool_]) -> int:
    """Give the widest radius: a power of 4 that nearly all mixed pixels find foreground within."""
    nearly = alpha < 0.95
    if nearly.all():
        distance = float(max(alpha.shape))
    else:
        to_opaque = cv2.distanceTransform(nearly.astype(np.uint8), cv2.DIST_L2, 3)
        distance = float(np.quantile(to_opaque[mixed], 0.9))
    radius = 64
    while radius < distance:
        radius *= 4
    return radius


def _fuse(plane: Array, alpha: Array, reach: int, bounds: tuple[float, float]) -> Array:
    """Estimate one channel of the foreground, HxW; at the finest scales some rows at a time."""
    height, width = plane.shape
    small = ((width + 3) // 4, (height + 3) // 4)
    coarse = _resize(plane, small, cv2.INTER_AREA)
    opacity = _resize(alpha, small, cv2.INTER_AREA)
    foreground, background = coarse, coarse
    radius = reach
    while radius >= _COARSE:
        foreground, background = _mix(coarse, opacity, foreground, background, radius // 4, bounds)
        radius //= 4
    radii = []
    while radius >= 1:
        radii.append(radius)
        radius //= 4
    # Bilinear interpolation, first along rows; along columns where a strip needs it.
    wide = [_resize(part, (width, small[1]), cv2.INTER_LINEAR) for part in (foreground, background)]
    estimated = np.empty_like(plane)
    margin = sum(radii)
    step = max(_STRIP // width, 4 * margin)
    for top in range(0, height, step):
        first, last = max(top - margin, 0), min(top + step + margin, height)
        front, back = (_interpolated_rows(part, height, first, last) for part in wide)
        rows = slice(first, last)
        for radius in radii:
            front, back = _mix(plane[rows], alpha[rows], front, back, radius, bounds)
        estimated[top : top + step] = front[top - first : top - first + step]
    return estimated


def _interpolated_rows(plane: Array, height: int, first: int, last: int) -> Array:
    """Give some rows of a plane that is stretched bilinearly to a height."""
    where = (np.arange(first, last) + 0.5) * (len(plane) / height) - 0.5
    where = np.clip(where, 0, len(plane) - 1)
    above = np.floor(where).astype(np.intp)
    share = (where - above).astype(np.float32)[:, None]
    result: Array = plane[above]
    result += share * (plane[np.minimum(above + 1, len(plane) - 1)] - result)
    return result


def _resize(plane: Array, size: tuple[int, int], how: int) -> Array:
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.float32)


def _mix(
    plane: Array,
    alpha: Array,
    foreground: Array,
    background: Array,
    radius: int,
    bounds: tuple[float, float],
) -> tuple[Array, Array]:
    """Average both colours around each pixel, then make them agree with the picture."""
    rest = 1 - alpha
    foreground = _mean(foreground, alpha, radius)
    background = _mean(background, rest, radius)
    excess = plane - alpha * foreground
    excess -= rest * background
    excess /= alpha * alpha + rest * rest + np.float32(_GIVE)
    foreground += alpha * excess
    background += rest * excess
    return np.clip(foreground, *bounds), np.clip(background, *bounds)


def _mean(colour: Array, weight: Array, radius: int) -> Array:
    total = _blur(weight * colour, radius)
    total += np.float32(_KEEP) * colour
    total /= _blur(weight, radius) + np.float32(_KEEP)
    return total


def _blur(plane: Array, radius: int) -> Array:
    return np.asarray(cv2.blur(plane, (2 * radius + 1, 2 * radius + 1)), np.float32)
