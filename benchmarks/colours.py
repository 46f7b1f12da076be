"""Measure the estimate of foreground colours against PyMatting's multi-level one, in one run.

    python benchmarks/colours.py CUTOUTS PHOTOS [--count 24] [--seed 0]

CUTOUTS holds RGBA pictures (straight alpha), whose colours are the truth; PHOTOS what they are laid
on. The error is |F̂ − F| averaged over the mixed pixels and channels, weighted by the true alpha,
times 100; once with the true alpha, once with one that is blurred and noisy at the edge. Seconds
are of one thread's processor time, after a first call that compiles and loads.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.foreground.estimate import estimate_foreground
from lsamatting.images import read_picture

Array = NDArray[Any]


def pymatting_ml(image: Array, alpha: Array) -> Array:
    """Germer et al., "Fast multi-level foreground estimation" (2020)."""
    from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml

    colours = np.asarray(estimate_foreground_ml(image, alpha))
    colours[alpha == 1] = image[alpha == 1]
    return colours


METHODS: dict[str, Callable[[Array, Array], Array]] = {
    "blur fusion": estimate_foreground,
    "PyMatting ml": pymatting_ml,
    "picture as it is": lambda image, alpha: image,
}


def disturb(alpha: Array, rng: np.random.Generator) -> Array:
    """Blur the opacity, and add correlated noise within 4 pixels of what is mixed."""
    block = np.ones((9, 9), np.uint8)
    near = (cv2.dilate(alpha, block) > 0) & (cv2.erode(alpha, block) < 1)
    noise = cv2.GaussianBlur(rng.normal(size=alpha.shape).astype(np.float32), (0, 0), 1.5)
    wrong = cv2.GaussianBlur(alpha, (0, 0), 1) + 0.25 * noise
    return np.where(near, np.clip(wrong, 0, 1), alpha).astype(np.float32)


def backdrop(photo: Path, height: int, width: int, rng: np.random.Generator) -> Array:
    pixels = read_picture(photo).pixels
    scale = max(height / pixels.shape[0], width / pixels.shape[1], rng.uniform(0.5, 1))
    pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top = rng.integers(pixels.shape[0] - height + 1)
    left = rng.integers(pixels.shape[1] - width + 1)
    return np.asarray(pixels[top : top + height, left : left + width])


def cutouts(folder: Path) -> list[Path]:
    """List RGBA pictures with something half-transparent in them."""
    found = []
    for path in sorted(folder.rglob("*.png")):
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if pixels is not None and pixels.ndim == 3 and pixels.shape[2] == 4:
            mixed = (pixels[..., 3] > 0) & (pixels[..., 3] < np.iinfo(pixels.dtype).max)
            if mixed.mean() > 0.002:
                found.append(path)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cutouts", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(options.seed)
    photos = sorted(p for p in options.photos.rglob("*") if p.suffix in (".jpg", ".png"))
    chosen = cutouts(options.cutouts)
    rng.shuffle(chosen)  # type: ignore[arg-type]
    errors: dict[tuple[str, str], list[float]] = {}
    seconds = dict.fromkeys(METHODS, 0.0)
    megapixels = 0.0
    small = np.full((64, 64, 3), 0.5, np.float32), np.full((64, 64), 0.5, np.float32)
    for method in METHODS.values():
        method(*small)
    for path in chosen[: options.count]:
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        values = stored.astype(np.float32) / np.iinfo(stored.dtype).max
        truth, alpha = np.ascontiguousarray(values[..., 2::-1]), values[..., 3].copy()
        behind = backdrop(photos[rng.integers(len(photos))], *alpha.shape, rng)
        image = alpha[..., None] * truth + (1 - alpha[..., None]) * behind
        image = (np.rint(image * 255) / 255).astype(np.float32)
        for given, matte in (("true alpha", alpha), ("noisy alpha", disturb(alpha, rng))):
            weight = (alpha * ((matte > 0) & (matte < 1)))[..., None]
            megapixels += alpha.size / 1e6
            for name, method in METHODS.items():
                start = time.process_time()
                colours = method(image, matte)
                seconds[name] += time.process_time() - start
                error = float((weight * np.abs(colours - truth)).sum() / weight.sum() / 3)
                errors.setdefault((name, given), []).append(100 * error)
    print(f"{min(len(chosen), options.count)} composites, errors in hundredths\n")
    print("| | true alpha | noisy alpha | s per megapixel |\n|---|---|---|---|")
    for name in METHODS:
        cells = [f"{np.mean(errors[name, given]):.2f}" for given in ("true alpha", "noisy alpha")]
        print(f"| {name} | {' | '.join(cells)} | {seconds[name] / megapixels:.3f} |")
    ours, theirs = ("blur fusion", "PyMatting ml")
    ratios = [
        np.mean(errors[ours, g]) / np.mean(errors[theirs, g]) for g in ("true alpha", "noisy alpha")
    ]
    print(
        f"\nblur fusion has {ratios[0]:.2f} (true) and {ratios[1]:.2f} (noisy) of PyMatting ml's "
        f"error in {seconds[ours] / seconds[theirs]:.2f} of its time"
    )


if __name__ == "__main__":
    main()
