"""Training samples from a foreground, its opacity and a background (section 5, augmentation).

Each step is a pure function; `augment` runs them in the paper's order. The geometric steps, that
is rotation, crop, resize and flips, are decided together and carried out as one warp of just the
region that is seen, on 8-bit pixels. Colours follow in float32 in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.compositing.equation import composite
from lsamatting.data.cache import Bytes, DecodedBackground, DecodedCutout
from lsamatting.data.wide_trimaps import (
    Manner,
    WideTrimaps,
    add_blots,
    band_trimap,
    make_translucent,
    make_trimap,
    painted_trimap,
)
from lsamatting.errors import ConfigError

Floats = NDArray[np.float32]

_MOST_BILINEAR_SHRINK = 1.3


@dataclass(frozen=True)
class Realism:
    """Steps beyond the paper that make composites look more like photographs; all off by default.

    Fields that are not ranges are probabilities.
    """

    edge_centre: float = 0.0
    """Centre the crop on a pixel with 0 < α < 1 rather than α > 0, where there is one."""

    keep_inside: float = 0.0
    """Shift the crop so that the foreground's picture fills it as far as it can: subjects that the
    picture cuts off then leave the crop too, instead of ending in a straight edge inside."""

    tone: float = 0.0
    """Change exposure, white balance and gamma of F, and of B, each by itself."""

    defocus: float = 0.0
    """Blur B by a lens (a disk) or a Gaussian of random strength."""

    defocus_radius: tuple[float, float] = (0.01, 0.06)
    """Radius of that blur in parts of h."""

    smoother_background: float = 0.0
    """Take the least busy of three random photographs."""

    background_side: tuple[float, float] | None = None
    """Sides of B's crop in parts of h, where they shall differ from the foreground's."""

    harmonise: float = 0.0
    """Shift B's mean colour towards F's along the edge of the subject."""

    camouflage: float = 0.0
    """Give B the subject's colours: their mean, contrast and the way channels go together."""

    rim_light: float = 0.0
    """Light F along the subject's edge, as a lamp or the sun behind it does: body and fur, or
    hair, then differ in colour."""

    noise: float = 0.0
    """Add sensor noise to the composite."""

    noise_sigma: tuple[float, float] = (0.003, 0.03)
    """Its standard deviation at mid-grey."""

    jpeg: float = 0.0
    """Compress the composite."""

    jpeg_quality: tuple[int, int] = (50, 95)
    """Range of the compression's quality."""

    soft_trimap: float = 0.0
    """Make the trimap from α > 0.05 and α < 0.95, as a user would, so that known pixels may be
    slightly translucent, and hide a few more pixels towards both sides as usual."""


@dataclass(frozen=True)
class AugmentConfig:
    """Probabilities and ranges of the augmentation; the defaults are the paper's."""

    rotate: float = 0.5
    """Probability to rotate (F, α), and B, by independent angles."""

    crop_side: tuple[float, float] = (0.75, 1.25)
    """Range of the crop's side in parts of h, the height of a sample."""

    flip: float = 0.5
    """Probability of each flip."""

    gamma: float = 0.3
    """Probability to replace α by α^γ or 1 − (1 − α)^γ, γ ~ U[0.5, 1.5]."""

    invert: float = 0.3
    """Probability of F → 1 − F."""

    permute: float = 0.3
    """Probability to permute F's channels."""

    colour: float = 1.0
    """Probability of the colour augmentation wF + (1 − w)u. The authors' code has 0.3."""

    colour_per_channel: bool = False
    """Draw w for each channel, as the authors' code does, rather than once."""

    trimap_distance: tuple[float, float] = (1.0, 24.0)
    """Range of the unknown band's growth in px, drawn separately for either side."""

    trimap_even: float = 0.0
    """Probability that both sides grow alike, as around a mask's contour."""

    blur: float = 0.0
    """Probability of blurring F and B; 0.3 for the AlphaMatting model."""

    realism: Realism = field(default_factory=Realism)
    """Steps beyond the paper."""

    wide: WideTrimaps = field(default_factory=WideTrimaps)
    """Trimaps beyond the paper's."""

    def __post_init__(self) -> None:
        for owner in (self, self.realism, self.wide):
            for option in fields(owner):
                value = getattr(owner, option.name)
                if isinstance(value, float) and not 0 <= value <= 1:
                    raise ConfigError(f"{option.name} is a probability, found {value}")
                if isinstance(value, tuple) and not 0 <= value[0] <= value[1]:
                    raise ConfigError(f"{option.name} must be a rising range, found {value}")


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


@dataclass(frozen=True)
class View:
    """A square region of a picture: centre (x, y) and side in px, angle in radians, and flips."""

    centre: tuple[float, float]
    side: float
    angle: float = 0.0
    flip: tuple[bool, bool] = (False, False)

    def matrix(self, size: int) -> NDArray[np.float64]:
        """Give the 2x3 matrix from pixels of the `size`×`size` view to pixels of the picture."""
        scale = self.side / size
        cosine, sine = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        turn = np.array([[cosine, -sine], [sine, cosine]])
        turn = turn * np.where(self.flip, -1.0, 1.0)
        middle = np.full(2, (size - 1) / 2)
        shift = np.asarray(self.centre) - turn @ middle
        return np.concatenate([turn, shift[:, None]], axis=1)


def warp(picture: Bytes, view: View, size: int, *, border: int) -> Bytes:
    """Sample a view of `picture` at `size`×`size` px.

    Bilinear; a view that shrinks by more than 1.3 is area-averaged down to that first. Only the
    part of the picture that the view covers is touched. `border` is one of OpenCV's border modes.
    """
    matrix = view.matrix(size)
    shrink = view.side / size
    corners = matrix @ np.array([[0, 0, size, size], [0, size, 0, size], [1, 1, 1, 1]])
    height, width = picture.shape[:2]
    margin = math.ceil(2 * shrink) + 1
    left, top = np.maximum(np.floor(corners.min(axis=1)).astype(int) - margin, 0)
    right, bottom = np.minimum(
        np.ceil(corners.max(axis=1)).astype(int) + margin + 1, (width, height)
    )
    # A view beside the picture still needs a row and a column to extend.
    left, top = min(left, width - 1), min(top, height - 1)
    region = picture[top : max(bottom, top + 1), left : max(right, left + 1)]
    matrix[:, 2] -= (left, top)
    if shrink > _MOST_BILINEAR_SHRINK:
        factor = shrink / _MOST_BILINEAR_SHRINK
        reduced = [max(1, round(side / factor)) for side in region.shape[1::-1]]
        ratio = np.array(reduced) / region.shape[1::-1]
        region = np.asarray(cv2.resize(region, reduced, interpolation=cv2.INTER_AREA), np.uint8)
        matrix *= ratio[:, None]
        matrix[:, 2] += 0.5 * ratio - 0.5
    return np.asarray(
        cv2.warpAffine(
            region,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        ),
        dtype=np.uint8,
    )


def foreground_view(
    rng: np.random.Generator,
    cutout: DecodedCutout,
    size: int,
    config: AugmentConfig,
    *,
    crop_side: tuple[float, float] | None = None,
) -> View:
    """Draw the view of (F, α): angle, centre on a visible pixel, side and flips.

    `crop_side` takes the place of the configuration's; such a crop is no larger than the picture,
    at whose border the subject may be cut off.
    """
    angle = rng.uniform(0, 2 * math.pi) if rng.random() < config.rotate else 0.0
    side = size * rng.uniform(*(crop_side or config.crop_side))
    if crop_side:
        side = min(side, *cutout.alpha.shape)
    on_edge = rng.random() < config.realism.edge_centre and len(cutout.edge)
    points = cutout.edge if on_edge else cutout.visible
    x, y = points[rng.integers(len(points))]
    if rng.random() < config.realism.keep_inside:
        reach = side / 2 * (abs(math.cos(angle)) + abs(math.sin(angle)))
        height, width = cutout.alpha.shape
        x, y = _inside(x, width, reach), _inside(y, height, reach)
    return View((float(x), float(y)), side, angle, _flips(rng, config))


def background_view(
    rng: np.random.Generator, picture: Bytes, size: int, config: AugmentConfig
) -> View:
    """Draw the view of B: it lies inside the photograph, but for corners that rotation turns out.

    The side is bounded by the photograph's shorter one.
    """
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * math.pi) if rng.random() < config.rotate else 0.0
    side = size * rng.uniform(*(config.realism.background_side or config.crop_side))
    side = min(side, height, width)
    x = rng.uniform(side / 2, width - side / 2) - 0.5
    y = rng.uniform(side / 2, height - side / 2) - 0.5
    return View((x, y), side, angle, _flips(rng, config))


def _flips(rng: np.random.Generator, config: AugmentConfig) -> tuple[bool, bool]:
    return rng.random() < config.flip, rng.random() < config.flip


def _inside(position: float, length: int, reach: float) -> float:
    if 2 * reach >= length:
        return (length - 1) / 2
    return min(max(position, reach - 0.5), length - 0.5 - reach)


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
    return _to_float(np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8))


def _to_float(picture: Bytes) -> Floats:
    return np.asarray(np.multiply(picture, np.float32(1 / 255), dtype=np.float32))


def _random_tone(rng: np.random.Generator, picture: Floats) -> Floats:
    gain = 2.0 ** (rng.uniform(-0.6, 0.4) + rng.uniform(-0.15, 0.15, 3))
    return tone(picture, gain.astype(np.float32), float(np.exp(rng.uniform(-0.35, 0.35))))


def _random_blur(rng: np.random.Generator, picture: Floats) -> Floats:
    width, height = (3 + 2 * int(step) for step in rng.integers(0, 3, 2))
    return blur(picture, (width, height))


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
    alpha = _to_float(opacity)
    front = _to_float(warp(cutout.foreground, view, size, border=cv2.BORDER_REFLECT))
    back_view = background_view(rng, background.picture, size, config)
    back = _to_float(warp(background.picture, back_view, size, border=cv2.BORDER_REFLECT))

    if rng.random() < config.gamma:
        alpha = bend_alpha(alpha, rng.uniform(0.5, 1.5), from_above=rng.random() < 0.5)
    if rng.random() < config.invert:
        front = 1 - front
    if rng.random() < config.permute:
        front = np.take(front, rng.permutation(3), axis=2)
    if rng.random() < config.colour:
        weight = rng.random(3 if config.colour_per_channel else 1).astype(np.float32)
        front = augment_colour(front, weight, rng.random(3).astype(np.float32))
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
        # Small radii are the common case, so the logarithm is even.
        radius = size * math.exp(rng.uniform(*np.log(np.maximum(extra.defocus_radius, 1e-4))))
        back = defocus(back, radius, disk=rng.random() < 0.5)
    if rng.random() < extra.harmonise:
        back = harmonise(front, back, alpha, rng.uniform(0.3, 1.0))
    if extra.camouflage and rng.random() < extra.camouflage:
        back = camouflage(front, back, alpha, rng.uniform(0.5, 1.0))
    image = composite(front, alpha, back)
    if rng.random() < extra.noise:
        sigma = math.exp(rng.uniform(*np.log(np.maximum(extra.noise_sigma, 1e-5))))
        image = sensor_noise(rng, image, sigma, rng.uniform(0, 1))
    if rng.random() < extra.jpeg:
        image = jpeg(image, int(rng.integers(extra.jpeg_quality[0], extra.jpeg_quality[1] + 1)))
    return Sample(image, trimap, alpha, front, back)
