"""Samples per second of one loader process, against a plain loader in the same run.

    python benchmarks/loader.py [--seconds 5]

Writes AIM-like files (foregrounds and alphas of about 1300x1000 px, photographs of 640x480 px) to a
temporary folder. The plain loader does what a straightforward program does for each sample: decode
the three files, rotate the whole picture, cut the crop out, resize it, and then run the same colour
steps. No colour priors on either side.
"""

from __future__ import annotations

import argparse
import functools
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from lsamatting.data.augment import Sample, augment
from lsamatting.data.augment_config import AugmentConfig
from lsamatting.data.cache import DecodedBackground, DecodedCutout, PictureCache
from lsamatting.data.layout import AimFolder
from lsamatting.data.samples import CompositingDataset

FOREGROUND = (1000, 1300)
BACKGROUND = (480, 640)


def photograph(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Something that compresses like a photograph: coarse and fine texture."""
    height, width = shape
    picture = np.zeros((height, width, 3), np.float32)
    for cell, strength in ((160, 90), (24, 40), (4, 12)):
        grid = rng.uniform(-1, 1, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        picture += strength * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 128, 0, 255).astype(np.uint8)


def cutout(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A body with a fringe of hairs."""
    height, width = shape
    alpha = np.zeros(shape, np.uint8)
    centre = np.array([width, height]) / 2
    cv2.ellipse(alpha, centre.astype(int).tolist(), (width // 4, height // 4), 0, 0, 360, 255, -1)
    for _ in range(400):
        angle = rng.uniform(0, 2 * math.pi)
        start = centre + np.array([width, height]) / 4 * [math.cos(angle), math.sin(angle)]
        end = start + rng.normal(0, 60, 2)
        cv2.line(alpha, start.astype(int).tolist(), end.astype(int).tolist(), 255, 1, cv2.LINE_AA)
    return alpha


def write_files(root: Path, *, foregrounds: int, backgrounds: int) -> None:
    rng = np.random.default_rng(0)
    for folder in ("fg", "alpha", "bg"):
        (root / folder).mkdir()
    for number in range(foregrounds):
        cv2.imwrite(str(root / f"fg/{number}.png"), photograph(rng, FOREGROUND))
        cv2.imwrite(str(root / f"alpha/{number}.png"), cutout(rng, FOREGROUND))
    for number in range(backgrounds):
        cv2.imwrite(str(root / f"bg/{number}.jpg"), photograph(rng, BACKGROUND))


def whole_warp(
    rng: np.random.Generator, picture: np.ndarray, centre: np.ndarray, side: float, size: int
) -> np.ndarray:
    """Rotate all of a picture (with probability ½), cut a square out of it, resize it."""
    height, width = picture.shape[:2]
    matrix = np.eye(2, 3)
    if rng.random() < 0.5:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), 1)
        picture = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    x, y = matrix[:, :2] @ centre + matrix[:, 2]
    reach = round(side / 2)
    padded = cv2.copyMakeBorder(picture, reach, reach, reach, reach, cv2.BORDER_REFLECT)
    x, y = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
    return cv2.resize(padded[y : y + 2 * reach, x : x + 2 * reach], (size, size))


def plain_sample(
    pairs: list[tuple[Path, Path]], backgrounds: list[Path], number: int, size: int
) -> Sample:
    """Decode, warp whole pictures, then leave the colour steps to `augment`."""
    rng = np.random.default_rng(number)
    foreground, alpha = pairs[rng.integers(len(pairs))]
    front, opacity = cv2.imread(str(foreground)), cv2.imread(str(alpha), cv2.IMREAD_GRAYSCALE)
    back = cv2.imread(str(backgrounds[number % len(backgrounds)]))
    ys, xs = np.nonzero(opacity)
    chosen = rng.integers(len(xs))
    centre = np.array([xs[chosen], ys[chosen]], float)
    side = size * rng.uniform(0.75, 1.25)
    both = whole_warp(rng, np.dstack([front, opacity]), centre, side, size)
    middle = np.array(back.shape[1::-1]) / 2
    ready = whole_warp(rng, back, middle, min(side, *back.shape[:2]), size)
    point = np.full((1, 2), size // 2, np.int32)
    parts = DecodedCutout(
        np.ascontiguousarray(both[..., :3]), np.ascontiguousarray(both[..., 3]), point, point
    )
    still = AugmentConfig(rotate=0, crop_side=(1, 1))
    return augment(rng, parts, DecodedBackground(ready, 0.0), size, still)


def rate(make: Callable[[int], object], seconds: float) -> float:
    for number in range(3):
        make(number)
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        make(done)
        done += 1
    return done / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5, help="time of each measurement")
    seconds = parser.parse_args().seconds
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_files(root, foregrounds=24, backgrounds=60)
        pairs, backgrounds = AimFolder(root).pairs, AimFolder(root).backgrounds
        cache = PictureCache(pairs, backgrounds, folder=root / "cache", gib=1)
        cache.prepare()
        print("samples/s of one process")
        print(f"{'h':>5} {'plain':>9} {'ours':>9} {'ratio':>7}")
        for size in (640, 256):
            ours = CompositingDataset(cache, size=size, seed=0, config=AugmentConfig())
            plain = functools.partial(plain_sample, pairs, backgrounds, size=size)
            plain_rate = rate(plain, seconds)
            our_rate = rate(ours.__getitem__, seconds)
            print(f"{size:>5} {plain_rate:>9.1f} {our_rate:>9.1f} {our_rate / plain_rate:>6.1f}x")


if __name__ == "__main__":
    main()
