"""Time the error measures against a plain version of the same definitions, in the same run.

    python benchmarks/metrics.py [--size 1920x1080] [--repeat 5]

The plain version is what one writes with SciPy and scikit-image: two-dimensional convolutions and
one labelling of the picture per threshold. Both must give the same values.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from lsamatting.evaluation import metrics

Array = NDArray[Any]


def hairy_pair(width: int, height: int) -> tuple[Array, Array, Array]:
    """Draw a body with strands, a noisy prediction of it, and a trimap."""
    rng = np.random.default_rng(0)
    target = np.zeros((height, width), np.uint8)
    cv2.circle(target, (width // 2, height), height // 2, 255, -1)
    for _ in range(1500):
        angle = rng.uniform(-1.5, 1.5) + np.linspace(0, rng.uniform(-0.5, 0.5), 30)
        reach = height * np.linspace(0.45, rng.uniform(0.55, 0.9), 30)
        path = np.stack([width / 2 + reach * np.sin(angle), height - reach * np.cos(angle)], 1)
        points = (path * 16).astype(np.int32)
        cv2.polylines(target, [points], False, int(rng.integers(60, 256)), 1, cv2.LINE_AA, 4)
    noise = cv2.GaussianBlur(rng.normal(size=target.shape), (0, 0), 3) * 150
    prediction = cv2.GaussianBlur(target, (0, 0), 1.2) + noise * (target > 0)
    fractional = ((target > 0) & (target < 255)).astype(np.uint8)
    trimap = np.where(target == 255, 255, 0).astype(np.uint8)
    trimap[cv2.dilate(fractional, np.ones((25, 25), np.uint8)) > 0] = 128
    return np.clip(prediction, 0, 255).astype(np.uint8), target, trimap


def plain_sad(p: Array, g: Array, unknown: Array) -> float:
    return float(np.abs(p - g)[unknown].sum() / 1000)


def plain_mse(p: Array, g: Array, unknown: Array) -> float:
    return float(((p - g) ** 2)[unknown].mean())


def plain_grad(p: Array, g: Array, unknown: Array) -> float:
    sigma, x = 1.4, np.arange(-4, 5)
    gauss = np.exp(-(x**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    kernel = np.outer(gauss, -x * gauss / sigma**2)
    kernel /= np.sqrt((kernel**2).sum())
    amplitudes = []
    for matte in (p, g):
        stretched = (matte - matte.min()) / (matte.max() - matte.min())
        across = ndimage.convolve(stretched, kernel, mode="nearest")
        down = ndimage.convolve(stretched, kernel.T, mode="nearest")
        amplitudes.append(np.sqrt(across**2 + down**2))
    return float(((amplitudes[0] - amplitudes[1]) ** 2)[unknown].sum() / 1000)


def plain_conn(p: Array, g: Array, unknown: Array) -> float:
    p, g = p.astype(np.float32), g.astype(np.float32)
    thresholds = np.arange(11, dtype=np.float32) / np.float32(10)
    last = np.full(p.shape, -1, np.float32)
    for before, threshold in itertools.pairwise(thresholds):
        labels = measure.label(((p >= threshold) & (g >= threshold)).T, connectivity=1).T
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        largest = (labels == sizes.argmax()) & (labels > 0)
        last[(last == -1) & ~largest] = before
    last[last == -1] = 1
    phi = [1 - (m - last) * (m - last >= np.float32(0.15)) for m in (p, g)]
    return float(np.abs(phi[0] - phi[1])[unknown].sum(dtype=np.float64) / 1000)


def best_time(call: Callable[[], float], repeat: int) -> tuple[float, float]:
    """Return the value and the shortest time; the first call, which compiles, is not timed."""
    value, times = call(), []
    for _ in range(repeat):
        start = time.perf_counter()
        value = call()
        times.append(time.perf_counter() - start)
    return value, min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    width, height = (int(n) for n in options.size.split("x"))
    prediction, target, trimap = hairy_pair(width, height)
    unknown = trimap == 128
    print(f"{width}x{height}, {unknown.mean():.0%} unknown, one thread, best of {options.repeat}\n")
    print("| | value | plain value | s | plain s | ratio |\n|---|---|---|---|---|---|")
    totals = np.zeros(2)
    for name, ours, plain in (
        ("SAD", metrics.sad, plain_sad),
        ("MSE", metrics.mse, plain_mse),
        ("Grad", metrics.grad, plain_grad),
        ("Conn", metrics.conn, plain_conn),
    ):

        def run_plain(plain: Callable[..., float] = plain) -> float:
            clamped = np.where(trimap == 0, 0, np.where(trimap == 255, 255, prediction))
            return plain(clamped / 255, target / 255, unknown)

        def run_ours(ours: Callable[..., float] = ours) -> float:
            return ours(prediction, target, trimap)

        value, seconds = best_time(run_ours, options.repeat)
        plain_value, plain_seconds = best_time(run_plain, options.repeat)
        if not math.isclose(value, plain_value, rel_tol=1e-5):
            raise SystemExit(f"{name}: {value} against {plain_value}")
        totals += seconds, plain_seconds
        print(
            f"| {name} | {value:.5f} | {plain_value:.5f} | {seconds:.4f} | {plain_seconds:.4f} "
            f"| {plain_seconds / seconds:.1f} |"
        )
    print(f"| all | | | {totals[0]:.4f} | {totals[1]:.4f} | {totals[1] / totals[0]:.1f} |")


if __name__ == "__main__":
    main()
