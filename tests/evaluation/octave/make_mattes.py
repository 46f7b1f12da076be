"""Draw the small mattes of the golden values into mattes/: python make_mattes.py."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 72, 96
Grey = NDArray[np.uint8]


def hair(rng: np.random.Generator) -> tuple[Grey, Grey, Grey]:
    """Curved strands out of a solid body; the prediction loses some and smears the rest."""
    strands = np.zeros((HEIGHT * 8, WIDTH * 8), np.uint8)
    cv2.circle(strands, (WIDTH * 4, HEIGHT * 8), HEIGHT * 4, 255, -1)
    kept = strands.copy()
    for i in range(60):
        turn = rng.uniform(-1.4, 1.4) + np.linspace(0, rng.uniform(-0.8, 0.8), 40)
        reach = np.linspace(HEIGHT * 3.5, HEIGHT * rng.uniform(4.5, 7.5), 40)
        path = np.stack([WIDTH * 4 + reach * np.sin(turn), HEIGHT * 8 - reach * np.cos(turn)], 1)
        thickness = int(rng.integers(2, 9))
        for picture in (strands, kept) if i % 3 else (strands,):
            cv2.polylines(picture, [path.astype(np.int32)], False, 255, thickness)
    target, prediction = (
        cv2.resize(m, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for m in (strands, kept)
    )
    return cv2.GaussianBlur(prediction, (3, 3), 0.8), target, band(target, 3)


def translucent(rng: np.random.Generator) -> tuple[Grey, Grey, Grey]:
    """Smooth veils between 5 % and 95 %, known nowhere but in the corners."""
    target, change = (
        cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), sigma) for sigma in (9, 4)
    )
    target = 0.5 + 0.45 * target / np.abs(target).max()
    prediction = np.clip(target + 0.2 * change / np.abs(change).max(), 0, 1)
    trimap = np.full((HEIGHT, WIDTH), 128, np.uint8)
    trimap[:9, :9], trimap[-9:, -9:] = 0, 255
    return to_8_bit(prediction), to_8_bit(target), trimap


def never_one(rng: np.random.Generator) -> tuple[Grey, Grey, Grey]:
    """Spots whose opacity ends at 70 % and 60 %: no pixel passes the higher thresholds."""
    spots = cv2.GaussianBlur(rng.uniform(size=(HEIGHT, WIDTH)), (0, 0), 3)
    spots = (spots - spots.min()) / np.ptp(spots)
    trimap = np.full((HEIGHT, WIDTH), 128, np.uint8)
    trimap[:, :8] = 0
    return to_8_bit(0.6 * spots), to_8_bit(0.7 * spots**1.2), trimap


def equal_components(rng: np.random.Generator) -> tuple[Grey, Grey, Grey]:
    """Blocks of one size, in an order where rows and columns disagree about the first."""
    target = np.zeros((HEIGHT, WIDTH), np.uint8)
    prediction = target.copy()
    for top, left, level in [(4, 60, 255), (30, 8, 230), (50, 40, 204), (20, 34, 128)]:
        target[top : top + 12, left : left + 16] = level
        prediction[top : top + 12, left : left + 16] = max(level - 26, 0)
    prediction[4:10, 60:76] = 255
    prediction[40:42, 8:24] = 255
    # Two ends that touch only at a corner are two components.
    target[62:66, 70:74], target[66:70, 74:78] = 255, 255
    prediction[62:70, 70:78] = target[62:70, 70:78]
    noise = rng.integers(0, 20, (HEIGHT, WIDTH))
    return (
        np.where(prediction > 0, prediction, noise).astype(np.uint8),
        target,
        np.full((HEIGHT, WIDTH), 128, np.uint8),
    )


def all_zero(rng: np.random.Generator) -> tuple[Grey, Grey, Grey]:
    """A prediction that is zero throughout, against half a circle of strands."""
    _, target, _ = hair(rng)
    trimap = np.full((HEIGHT, WIDTH), 128, np.uint8)
    return np.zeros_like(target), target, trimap


def band(alpha: Grey, radius: int) -> Grey:
    """Leave a band around the partly opaque pixels unknown."""
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    fractional = ((alpha > 0) & (alpha < 255)).astype(np.uint8)
    return np.where(cv2.dilate(fractional, kernel) > 0, 128, np.where(alpha > 127, 255, 0)).astype(
        np.uint8
    )


def to_8_bit(matte: NDArray[np.floating]) -> Grey:
    """Round opacities to 8 bit."""
    return np.rint(matte * 255).astype(np.uint8)


def main() -> None:
    folder = Path(__file__).parent / "mattes"
    folder.mkdir(exist_ok=True)
    for draw in (hair, translucent, never_one, equal_components, all_zero):
        parts = draw(np.random.default_rng(7))
        for part, picture in zip(("prediction", "target", "trimap"), parts, strict=True):
            cv2.imwrite(str(folder / f"{draw.__name__}_{part}.png"), picture)


if __name__ == "__main__":
    main()
