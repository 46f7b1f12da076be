"""Training samples from a foreground, its opacity and a background (section 5, augmentation).

`augment` runs the steps in the paper's order: `views` cuts the parts out of their pictures,
`appearance` changes colours and opacity, `wide_trimaps` makes the trimap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.compositing.equation import composite, composite_light
from lsamatting.data.appearance import (
    augment_colour,
    bend_alpha,
    blur,
    camouflage,
    defocus,
    harmonise,
    jpeg,
    rim_light,
    sensor_noise,
    soften,
    tone,
)
from lsamatting.data.augment_config import AugmentConfig
from lsamatting.data.cache import DecodedBackground, DecodedCutout
from lsamatting.data.views import background_view, foreground_view, warp
from lsamatting.data.wide_trimaps import (
    Manner,
    add_blots,
    band_trimap,
    make_translucent,
    make_trimap,
    painted_trimap,
)
from lsamatting.samples import as_float

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """One training sample of h×h px.

    `image`, `foreground` and `background` are HxWx3 and `alpha` HxW, float32 in [0, 1]; `trimap`
    is HxW uint8 of 0, 128 and 255.
    """

    image: Floats
    trimap: NDArray[np.uint8]
    alpha: Floats
    foreground: Floats
    background: Floats


def _random_tone(rng: np.random.Generator, picture: Floats) -> Floats:
    gain = 2.0 ** (rng.uniform(-0.6, 0.4) + rng.uniform(-0.15, 0.15, 3))
    return tone(picture, gain.astype(np.float32), float(np.exp(rng.uniform(-0.35, 0.35))))


def _random_blur(rng: np.random.Generator, picture: Floats) -> Floats:
    width, height = (3 + 2 * int(step) for step in rng.integers(0, 3, 2))
    return blur(picture, (width, height))


def _mostly_small(
    rng: np.random.Generator, bounds: tuple[float, float], *, least: float = 1e-4
) -> float:
    """Draw from a range whose small values are the common case, so that the logarithm is even."""
    return math.exp(rng.uniform(*np.log(np.maximum(bounds, least))))


def _random_trimap(
    rng: np.random.Generator,
    alpha: Floats,
    config: AugmentConfig,
    *,
    manner: Manner,
    shrink: float,
) -> NDArray[np.uint8]:
    low, high = (0.05, 0.95) if rng.random() < config.realism.soft_trimap else (0.0, 1.0)
    wide = config.wide
    if manner == "bands":
        trimap = band_trimap(rng, alpha, wide, shrink=shrink, low=low, high=high)
    elif manner == "painted":
        trimap = painted_trimap(rng, alpha, wide, shrink=shrink, low=low, high=high)
    else:
        outside, inside = rng.uniform(*config.trimap_distance, 2)
        if config.trimap_even and rng.random() < config.trimap_even:
            inside = outside
        trimap = make_trimap(
            alpha,
            towards_background=outside,
            towards_foreground=inside,
            low=low,
            high=high,
        )
    if manner != "paper" and wide.whole and rng.random() < wide.whole:
        trimap[trimap == 255] = 128
    if wide.blots and rng.random() < wide.blots:
        trimap = add_blots(rng, trimap, wide, shrink=shrink)
    return trimap


def augment(
    rng: np.random.Generator,
    cutout: DecodedCutout,
    background: DecodedBackground,
    size: int,
    config: AugmentConfig,
    *,
    wide: bool = False,
) -> Sample:
    """Make one sample of `size`×`size` px; the same generator state gives the same sample.

    `wide` asks for a trimap of one of the manners of `config.wide`, not for the paper's.

    Colours beyond the foreground's picture are its reflection, opacity there is 0: with colours
    defined under transparent pixels too, nothing black leaks in from anywhere.
    """
    extra = config.realism
    manner = config.wide.draw_manner(rng, certain=wide)
    crop_side = None if manner == "paper" else config.wide.crop_side
    view = foreground_view(rng, cutout, size, config, crop_side=crop_side)
    opacity = warp(cutout.alpha, view, size, border=cv2.BORDER_CONSTANT)
    alpha = as_float(opacity)
    front = as_float(warp(cutout.foreground, view, size, border=cv2.BORDER_REFLECT))
    back_view = background_view(rng, background.picture, size, config)
    back = as_float(warp(background.picture, back_view, size, border=cv2.BORDER_REFLECT))

    if rng.random() < config.gamma:
        alpha = bend_alpha(alpha, rng.uniform(0.5, 1.5), from_above=rng.random() < 0.5)
    if rng.random() < config.invert:
        front = 1 - front
    if rng.random() < config.permute:
        front = np.take(front, rng.permutation(3), axis=2)
    if rng.random() < config.colour:
        weight = rng.random(3 if config.colour_per_channel else 1).astype(np.float32)
        front = augment_colour(front, weight, rng.random(3).astype(np.float32))
    if extra.soften and rng.random() < extra.soften:
        angle = rng.uniform(0, math.pi) if rng.random() < 0.5 else None
        radius = size * _mostly_small(rng, extra.soften_radius)
        front, alpha = soften(front, alpha, radius, angle=angle)
    if config.wide.translucent and rng.random() < config.wide.translucent:
        alpha = make_translucent(rng, alpha)
    trimap = _random_trimap(rng, alpha, config, manner=manner, shrink=view.side / size)
    if rng.random() < config.blur:
        front, back = _random_blur(rng, front), _random_blur(rng, back)

    if rng.random() < extra.tone:
        front = _random_tone(rng, front)
    if rng.random() < extra.tone:
        back = _random_tone(rng, back)
    if extra.rim_light and rng.random() < extra.rim_light:
        front = rim_light(
            front,
            alpha,
            (rng.uniform(0.6, 1.0) * rng.uniform(0.85, 1.0, 3)).astype(np.float32),
            width=size * rng.uniform(0.01, 0.06),
            amount=rng.uniform(0.3, 0.95),
        )
    if rng.random() < extra.defocus:
        radius = size * _mostly_small(rng, extra.defocus_radius)
        back = defocus(back, radius, disk=rng.random() < 0.5)
    if rng.random() < extra.harmonise:
        back = harmonise(front, back, alpha, rng.uniform(0.3, 1.0))
    if extra.camouflage and rng.random() < extra.camouflage:
        back = camouflage(front, back, alpha, rng.uniform(0.5, 1.0))
    if extra.light and rng.random() < extra.light:
        image = composite_light(front, alpha, back, exponent=rng.uniform(*extra.light_exponent))
    else:
        image = composite(front, alpha, back)
    if rng.random() < extra.noise:
        sigma = _mostly_small(rng, extra.noise_sigma, least=1e-5)
        image = sensor_noise(rng, image, sigma, rng.uniform(0, 1))
    if rng.random() < extra.jpeg:
        image = jpeg(image, int(rng.integers(extra.jpeg_quality[0], extra.jpeg_quality[1] + 1)))
    return Sample(image, trimap, alpha, front, back)
