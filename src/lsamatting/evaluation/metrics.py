"""The error measures of image matting: SAD, MSE, MAD, Grad and Conn.

They follow the MATLAB evaluation code of Deep Image Matting [1]_, in which published numbers are
stated, with Grad and Conn as Rhemann et al. defined them [2]_. What holds for all of them:

- **Region.** Only the trimap's unknown pixels count (``region="unknown"``). ``region="whole"``
  counts every pixel.
- **8 bit.** The prediction is rounded to the nearest of 256 levels, because the reference reads
  mattes from 8-bit files. The target is taken as given.
- **Known pixels.** Before anything is measured the prediction becomes 0 where the trimap is
  background and 1 where it is foreground. The target is not changed.

References
----------
.. [1] Xu et al., Deep Image Matting, CVPR 2017.
.. [2] Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import MetricError
from lsamatting.trimap import BACKGROUND, FOREGROUND, UNKNOWN
from lsamatting.windows import window_around

Region = Literal["unknown", "whole"]
Matte = NDArray[Any]
FloatArray = NDArray[np.floating[Any]]

GRADIENT_SIGMA = 1.4
CONNECTIVITY_THRESHOLDS = np.arange(11, dtype=np.float32) / np.float32(10)
CONNECTIVITY_TOLERANCE = np.float32(0.15)


def sad(
    prediction: Matte, target: Matte, trimap: Matte | None, *, region: Region = "unknown"
) -> float:
    """Sum of absolute differences, in thousands: Σ|p − g| / 1000.

    Parameters
    ----------
    prediction, target : (H, W) float in [0, 1], or uint8
        The prediction is rounded to 8 bit, and set to 0 and 1 where the trimap is known.
    trimap : (H, W) uint8 of 0, 128, 255, or None
        None is accepted with ``region="whole"`` only; then no pixel is known.
    region : {"unknown", "whole"}
        Which pixels count.

    Returns
    -------
    float
        0 for equal mattes.

    Raises
    ------
    MetricError
        If shapes differ, a value is not finite or out of range, the trimap holds other values, or
        no pixel counts.

    Examples
    --------
    >>> import numpy as np
    >>> target = np.full((100, 100), 0.5)
    >>> sad(np.ones((100, 100)), target, np.full((100, 100), 128, np.uint8))
    5.0
    """
    pair = _prepare(prediction, target, trimap, region)
    return float(np.abs(pair.differences()).sum() / 1000)


def mse(
    prediction: Matte, target: Matte, trimap: Matte | None, *, region: Region = "unknown"
) -> float:
    """Mean squared difference over the region's pixels. Arguments as in `sad`."""
    pair = _prepare(prediction, target, trimap, region)
    return float(np.square(pair.differences()).mean())


def mad(
    prediction: Matte, target: Matte, trimap: Matte | None, *, region: Region = "unknown"
) -> float:
    """Mean absolute difference over the region's pixels. Arguments as in `sad`."""
    pair = _prepare(prediction, target, trimap, region)
    return float(np.abs(pair.differences()).mean())


def grad(
    prediction: Matte, target: Matte, trimap: Matte | None, *, region: Region = "unknown"
) -> float:
    """Sum of squared gradient differences, in thousands: Σ(‖∇p‖ − ‖∇g‖)² / 1000.

    Each whole matte is first stretched to [0, 1] by its own minimum and maximum (a constant one
    has no gradient). ∇ is convolution with the derivatives of a Gaussian, σ = 1.4, sampled on
    9×9 pixels and scaled to unit L2 norm; beyond the border the edge pixel repeats. Arguments as
    in `sad`.
    """
    pair = _prepare(prediction, target, trimap, region)
    # The filters reach no further than this, so the rest of the picture need not be filtered.
    window = window_around(pair.region, _gradient_half_size())
    assert window is not None  # _prepare refuses an empty region
    amplitudes = [_gradient_amplitude(_stretch(m)[window]) for m in (pair.prediction, pair.target)]
    difference = (amplitudes[0] - amplitudes[1])[pair.region[window]]
    return float(difference @ difference / 1000)


def conn(
    prediction: Matte, target: Matte, trimap: Matte | None, *, region: Region = "unknown"
) -> float:
    """Sum of connectivity differences, in thousands: Σ|φ(p) − φ(g)| / 1000. Arguments as in `sad`.

    At each threshold t of 0, 0.1, …, 1 (single precision) Ω is the largest 4-connected component of
    {p ≥ t} ∩ {g ≥ t} in the whole picture; of equally large ones, the first in column-major order.
    l is the last threshold before the pixel first drops out of Ω, 1 if it never does, and
    φ(x) = 1 − d·[d ≥ 0.15] with d = x − l. Where no pixel passes a threshold Ω is empty.
    """
    from lsamatting.evaluation.connectivity import last_connected_level

    pair = _prepare(prediction, target, trimap, region)
    thresholds = CONNECTIVITY_THRESHOLDS
    common = np.minimum(pair.prediction, pair.target)
    levels = np.zeros(common.shape, np.uint8)
    for threshold in thresholds[1:]:
        levels += common >= threshold
    last = thresholds[last_connected_level(levels, top=thresholds.size - 1)[pair.region]]
    phi_prediction, phi_target = (
        _unconnected(m[pair.region], last) for m in (pair.prediction, pair.target)
    )
    return float(np.abs(phi_prediction - phi_target).sum(dtype=np.float64) / 1000)


def to_8_bit(matte: Matte) -> NDArray[np.uint8]:
    """Round opacity, float in [0, 1], to the nearest of 256 levels, as an 8-bit file holds it."""
    # In half precision the sum itself would be rounded, now and then to the next level.
    wide = matte.astype(np.result_type(matte, np.float32), copy=False)
    levels: NDArray[np.uint8] = np.floor(np.clip(wide, 0, 1) * 255 + 0.5).astype(np.uint8)
    return levels


def _unconnected(matte: FloatArray, last: FloatArray) -> FloatArray:
    distance = matte - last
    return 1 - distance * (distance >= CONNECTIVITY_TOLERANCE)


def _stretch(matte: FloatArray) -> FloatArray:
    low, high = float(matte.min()), float(matte.max())
    if low == high:
        return np.zeros(matte.shape)
    stretched = matte.astype(np.float64)
    stretched -= low
    stretched /= high - low
    return stretched


def _gradient_half_size() -> int:
    # Where the Gaussian falls to a hundredth; rounded up to 4, where some ports truncate to 3.
    sigma = GRADIENT_SIGMA
    return math.ceil(sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * 0.01)))


def _gradient_amplitude(matte: FloatArray) -> FloatArray:
    half = _gradient_half_size()
    x = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-(x**2) / (2 * GRADIENT_SIGMA**2))
    slope = -x * smooth
    # The norm of an outer product is the product of the norms.
    smooth /= np.linalg.norm(smooth)
    slope /= np.linalg.norm(slope)
    # OpenCV correlates; against convolution that only turns the sign, which the amplitude drops.
    across = cv2.sepFilter2D(matte, cv2.CV_64F, slope, smooth, borderType=cv2.BORDER_REPLICATE)
    down = cv2.sepFilter2D(matte, cv2.CV_64F, smooth, slope, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down))


@dataclass(frozen=True)
class _Pair:
    prediction: FloatArray
    target: FloatArray
    region: NDArray[np.bool_]

    def differences(self) -> FloatArray:
        prediction, target = self.prediction[self.region], self.target[self.region]
        return prediction.astype(np.float64) - target.astype(np.float64)


def _prepare(prediction: Matte, target: Matte, trimap: Matte | None, region: Region) -> _Pair:
    if region not in ("unknown", "whole"):
        raise MetricError(f"region is {region!r}; accepted: 'unknown', 'whole'")
    prediction, target = np.asarray(prediction), np.asarray(target)
    if prediction.ndim != 2 or prediction.size == 0:
        raise MetricError(f"prediction has shape {prediction.shape}; accepted: (H, W), not empty")
    _check_shape(target, "target", prediction)
    if prediction.dtype == np.uint8:
        quantised = prediction.copy()
    else:
        _check_values(prediction, "prediction")
        quantised = to_8_bit(prediction)
    if trimap is None:
        if region == "unknown":
            raise MetricError("region 'unknown' needs a trimap; without one use region='whole'")
        counted = np.ones(prediction.shape, np.bool_)
    else:
        trimap = np.asarray(trimap)
        _check_shape(trimap, "trimap", prediction)
        background, unknown, foreground = (
            trimap == value for value in (BACKGROUND, UNKNOWN, FOREGROUND)
        )
        other = ~(background | unknown | foreground)
        if other.any():
            raise MetricError(f"trimap holds the value {trimap[other][0]}; accepted: 0, 128, 255")
        quantised[background] = 0
        quantised[foreground] = 255
        counted = unknown if region == "unknown" else np.ones(prediction.shape, np.bool_)
        if not counted.any():
            raise MetricError("trimap has no unknown pixel, so there is nothing to measure")
    return _Pair(_from_8_bit(quantised), _target_values(target), counted)


def _check_shape(array: Matte, name: str, prediction: Matte) -> None:
    if array.shape != prediction.shape:
        raise MetricError(
            f"{name} has shape {array.shape}, but the prediction has {prediction.shape}"
        )


def _check_values(matte: Matte, name: str) -> None:
    if matte.dtype.kind != "f":
        raise MetricError(f"{name} is of type {matte.dtype}; accepted: float in [0, 1], uint8")
    low, high = float(matte.min()), float(matte.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise MetricError(f"{name} holds a value that is not finite; accepted: 0 to 1")
    # What a resampling filter's rounding adds is no mistake; a matte of 0 to 255 is.
    if low < -1e-3 or high > 1 + 1e-3:
        raise MetricError(f"{name} has values from {low:g} to {high:g}; accepted: 0 to 1")


def _from_8_bit(matte: NDArray[np.uint8]) -> FloatArray:
    return matte.astype(np.float32) / np.float32(255)


def _target_values(target: Matte) -> FloatArray:
    if target.dtype == np.uint8:
        return _from_8_bit(target)
    _check_values(target, "target")
    values = np.clip(target, 0, 1).astype(np.float32)
    # An 8-bit truth that was multiplied by 1/255 is an ulp off the quotient, which decides at the
    # thresholds of `conn`: take such values for the level they stand for.
    levels = np.rint(values * np.float32(255))
    snapped = levels / np.float32(255)
    return np.where(np.abs(values - snapped) < 1e-6, snapped, values)
