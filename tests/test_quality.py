"""The weights that come with the package, against pictures whose opacity is known.

A ceiling is about one and a half times the error that was measured when it was set: it tells a
network that has lost its skill, or one whose inputs are laid out wrongly, from one that has not.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from lsamatting.compositing.equation import composite_light
from lsamatting.evaluation.metrics import sad
from lsamatting.matting import Matting
from lsamatting.trimap import Trimap
from lsamatting.weights import bundled_names

SIDE = 192
Array = NDArray[np.float32]


def smooth_noise(rng: np.random.Generator, scale: int) -> Array:
    """Colours that vary over some `scale` pixels, H×W×3 in [0, 1]."""
    import cv2

    small = rng.random((SIDE // scale + 2, SIDE // scale + 2, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 1)


def disc() -> Array:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(rows - SIDE / 2, columns - SIDE / 2)
    return np.clip((60 - distance) / 12 + 0.5, 0, 1).astype(np.float32)


def strands() -> Array:
    """A disc with hairs of about a pixel's width."""
    import cv2

    rng = np.random.default_rng(3)
    fine = np.zeros((4 * SIDE, 4 * SIDE), np.uint8)
    centre = 2 * SIDE
    cv2.circle(fine, (centre, centre), 4 * 45, 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 120):
        reach = 4 * rng.uniform(58, 75)
        bend = angle + rng.normal(0, 0.12)
        ends = [
            (round(centre + length * np.cos(way)), round(centre + length * np.sin(way)))
            for length, way in ((4 * 44, angle), (reach, bend))
        ]
        cv2.line(fine, ends[0], ends[1], 255, 4)
    return cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def motion() -> Array:
    """A bar blurred along its way."""
    sharp = np.zeros((SIDE, SIDE), np.float32)
    sharp[50:142, 70:122] = 1
    kernel = np.ones(25, np.float32) / 25
    return np.apply_along_axis(lambda row: np.convolve(row, kernel, "same"), 1, sharp)


CEILINGS = {
    "lite": {"disc": 0.7, "strands": 0.55, "motion": 0.35},
    "base": {"disc": 0.75, "strands": 0.55, "motion": 0.35},
}
"""SAD in thousands of pixels."""


@cache
def network(weights: str) -> Matting:
    return Matting.from_pretrained(weights, device="cpu")


def test_all_bundled_weights_are_looked_at():
    assert set(CEILINGS) == set(bundled_names())


@pytest.mark.parametrize(
    ("weights", "name"), [(weights, name) for weights in CEILINGS for name in CEILINGS[weights]]
)
def test_errors_stay_below_their_ceiling(weights, name):
    alpha = {"disc": disc, "strands": strands, "motion": motion}[name]()
    rng = np.random.default_rng(len(name))
    front = 0.35 * smooth_noise(rng, 48) + (0.6, 0.45, 0.1)
    back = 0.35 * smooth_noise(rng, 48) + (0.1, 0.25, 0.5)
    picture = composite_light(front, alpha, back, exponent=1.6)
    picture = np.clip(picture + rng.normal(0, 0.01, picture.shape), 0, 1).astype(np.float32)
    trimap = Trimap.from_alpha(alpha, band=6)
    found = network(weights)(picture, trimap, foreground="none").alpha
    guess = np.where(trimap.unknown, 0.5, alpha)
    error = sad(found, alpha, trimap.values)
    assert error < CEILINGS[weights][name]
    assert error < 0.75 * sad(guess, alpha, trimap.values)
