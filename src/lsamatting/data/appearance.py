"""Steps of augmentation that change colours and opacity, each a pure function.

Pictures are H×W×3 and opacities H×W, float32 in [0, 1].
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.data.synthesis.cutout import from_premultiplied
from lsamatting.data.synthesis.motion import smear
from lsamatting.samples import as_float

Floats = NDArray[np.float32]

_ROUNDING = 1e-5
"""So much averages of opacities miss 0 and 1 by at most."""


def bend_alpha(alpha: Floats, gamma: float, *, from_above: bool) -> Floats:
    """Replace α by α^γ or, `from_above`, by 1 − (1 − α)^γ; 0 and 1 stay."""
    if from_above:
        return np.asarray(1 - cv2.pow(1 - alpha, gamma), dtype=np.float32)
    return np.asarray(cv2.pow(alpha, gamma), dtype=np.float32)


def augment_colour(foreground: Floats, weight: Floats, colour: Floats) -> Floats:
    """Mix F with one colour for the whole image, wF + (1 − w)u (section 4.2).

    `weight` is a number or one per channel; `colour` is (3,).
    """
    scale = np.broadcast_to(weight, 3).astype(np.float32)
    return foreground * scale + ((1 - scale) * colour).astype(np.float32)


def blur(picture: Floats, kernel: tuple[int, int]) -> Floats:
    """Blur by a Gaussian of odd kernel size (width, height), as for the AlphaMatting model."""
    return np.asarray(cv2.GaussianBlur(picture, kernel, 0), dtype=np.float32)


def defocus(picture: Floats, radius: float, *, disk: bool) -> Floats:
    """Blur by a disk of `radius` px, or by the Gaussian of the same variance.

    Radii above 3 px work on a picture that is reduced accordingly.
    """
    height, width = picture.shape[:2]
    factor = max(1.0, radius / 3)
    small = [max(1, round(side / factor)) for side in (width, height)]
    work = cv2.resize(picture, small, interpolation=cv2.INTER_AREA) if factor > 1 else picture
    reach = radius / factor
    if disk:
        side = np.arange(-math.ceil(reach), math.ceil(reach) + 1)
        kernel = np.clip(reach + 0.5 - np.hypot(side[:, None], side[None]), 0, 1)
        kernel = (kernel / kernel.sum()).astype(np.float32)
        work = cv2.filter2D(work, -1, kernel, borderType=cv2.BORDER_REFLECT)
    else:
        work = cv2.GaussianBlur(work, (0, 0), reach / 2, borderType=cv2.BORDER_REFLECT)
    if factor > 1:
        work = cv2.resize(work, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(work, dtype=np.float32)


def soften(
    foreground: Floats, alpha: Floats, radius: float, *, angle: float | None
) -> tuple[Floats, Floats]:
    """Put the subject out of focus, by a disk of `radius` px, or let it move 2 radii along `angle`.

    Colours are averaged as far as they cover: F and α of the averaged layer, F carried on smoothly
    where nothing covers any more.
    """
    layer = np.dstack([foreground * alpha[..., None], alpha])
    if angle is None:
        layer = defocus(layer, radius, disk=True)
    else:
        path = [np.full_like(alpha, 2 * radius * way) for way in (math.cos(angle), math.sin(angle))]
        layer = smear(layer, *path)
    # Sums of weights miss 1 by rounding, and a trimap would take what is opaque for unknown.
    opacity = layer[..., 3]
    opacity[opacity < _ROUNDING] = 0
    opacity[opacity > 1 - _ROUNDING] = 1
    soft = from_premultiplied(layer[..., :3], layer[..., 3])
    return soft.foreground, soft.alpha


def tone(picture: Floats, gain: Floats, gamma: float) -> Floats:
    """Change exposure and white balance by a gain per channel, then gamma; clipped to [0, 1]."""
    return np.asarray(cv2.pow(np.clip(picture * gain, 0, 1), gamma), dtype=np.float32)


def harmonise(foreground: Floats, background: Floats, alpha: Floats, amount: float) -> Floats:
    """Shift B's mean colour towards F's where 0 < α < 1, by the part `amount`; clipped."""
    weight = alpha * (1 - alpha)
    total = float(weight.sum())
    if total < 1e-3:
        return background
    shift = np.einsum("hwc,hw->c", foreground - background, weight) / total
    return np.asarray(np.clip(background + (amount * shift).astype(np.float32), 0, 1))


def camouflage(foreground: Floats, background: Floats, alpha: Floats, amount: float) -> Floats:
    """Move B's colours towards the statistics of F's where α shows them, by the part `amount`.

    Mean and covariance of the colours become F's (the linear map between two normal distributions
    that moves colours least); clipped. What is left to tell the two apart is their texture.
    """
    weight = alpha.reshape(-1, 1)
    total = float(weight.sum())
    if total < 1:
        return background
    front, back = foreground.reshape(-1, 3), background.reshape(-1, 3)
    mean = (weight * front).sum(axis=0) / total
    there = (weight * (front - mean)).T @ (front - mean) / total
    here = np.cov(back, rowvar=False)
    root, inverse = _square_root(here)
    between, _ = _square_root(root @ there @ root)
    moved = (back - back.mean(axis=0)) @ (inverse @ between @ inverse).astype(np.float32) + mean
    moved = back + np.float32(amount) * (moved - back)
    return np.asarray(np.clip(moved, 0, 1), np.float32).reshape(background.shape)


def _square_root(covariance: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Square root of a symmetric matrix and its inverse; no value below 1e-3 is inverted."""
    values, vectors = np.linalg.eigh(covariance.astype(np.float64))
    roots = np.sqrt(np.maximum(values, 1e-6))
    return vectors * roots @ vectors.T, vectors / roots @ vectors.T


def rim_light(
    foreground: Floats, alpha: Floats, light: Floats, *, width: float, amount: float
) -> Floats:
    """Mix F with the colour `light` towards the subject's edge; deep inside it stays.

    The share of light is `amount` at the edge and beyond, and falls to 0 over about 2 `width` px
    inside.
    """
    inside = cv2.GaussianBlur(alpha, (0, 0), width, borderType=cv2.BORDER_REFLECT)
    share = np.clip(2 * amount * (1 - inside), 0, amount)[..., None].astype(np.float32)
    return np.asarray(foreground + share * (light - foreground), np.float32)


def sensor_noise(rng: np.random.Generator, image: Floats, sigma: float, grain: float) -> Floats:
    """Add noise of deviation `sigma` at mid-grey and sigma/2 in black; clipped to [0, 1].

    `grain` is the deviation, in px, of a blur that gives the noise the correlation that a
    photograph's has after interpolation and resizing; 0: none.
    """
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if grain > 0.3:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), grain), np.float32)
        noise /= max(float(noise[::4, ::4].std()), 1e-6)
    noise *= sigma * np.sqrt(0.25 + 1.5 * image)
    noise += image
    return np.asarray(np.clip(noise, 0, 1, out=noise), dtype=np.float32)


def jpeg(image: Floats, quality: int) -> Floats:
    """Pass the image through JPEG compression of `quality` in 1…100."""
    done, data = cv2.imencode(
        ".jpg",
        cv2.convertScaleAbs(image[..., ::-1], alpha=255),
        [cv2.IMWRITE_JPEG_QUALITY, quality],
    )
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG")
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return as_float(np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8))
