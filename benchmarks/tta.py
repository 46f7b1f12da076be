"""Compare averaging over scaled, turned and mirrored pictures with one prediction per picture.

    python benchmarks/tta.py [--size 902x600] [--repeat 2] [--picture FILE]

The picture is the demo's cat, enlarged. "Loop" turns and resizes the picture itself and predicts
each of the 24 results from scratch. Memory is what the process grows by at its peak, above what it
has after a first small prediction; it is taken in a run of its own, in which the allocator gives
back at once what is freed. Each way runs in processes of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from repeated import measure_repeated
from skimage import data

from lsamatting.demo import CAT_TRIMAP
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.inference.tta import SINGLE, Averaging
from lsamatting.network.lsanet import LSANet
from lsamatting.trimap import Trimap
from lsamatting.weights import DEFAULT_WEIGHTS, bundled_folder

Array = NDArray[Any]

CROP = (slice(200, 300), slice(280, 405))
"""What the picture shows: the whiskers, rows and columns of the cat at its own size."""


def cat(width: int, height: int) -> tuple[Array, Array]:
    """Give the cat's photograph and trimap at a size."""
    image = data.chelsea().astype(np.float32) / 255
    trimap = Trimap.read(CAT_TRIMAP).values
    size = (width, height)
    image = np.clip(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    return image, cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)


def single(network: LSANet, image: Array, trimap: Array, averaging: Averaging = SINGLE) -> Array:
    options = EstimateOptions(averaging=averaging)
    return estimate(TorchRuntime(network), image, trimap, options=options).alpha


def largest(network: LSANet, image: Array, trimap: Array) -> Array:
    """Predict once at the largest scale."""
    return single(network, image, trimap, Averaging((1.25,), 1))


def loop(network: LSANet, image: Array, trimap: Array) -> Array:
    height, width = trimap.shape
    total = np.zeros((height, width), np.float32)
    for scale in (0.8, 1.0, 1.25):
        size = (int(scale * width), int(scale * height))
        scaled = np.clip(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), 0, 1)
        marks = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
        summed = np.zeros(marks.shape, np.float32)
        for turns in range(4):
            for mirrored in (False, True):
                a, b = np.rot90(scaled, turns), np.rot90(marks, turns)
                if mirrored:
                    a, b = a[:, ::-1], b[:, ::-1]
                alpha = single(network, np.ascontiguousarray(a), np.ascontiguousarray(b))
                summed += np.rot90(alpha[:, ::-1] if mirrored else alpha, -turns)
        total += cv2.resize(summed / 8, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(trimap == 128, np.clip(total / 3, 0, 1), trimap == 255).astype(np.float32)


def average(network: LSANet, image: Array, trimap: Array) -> Array:
    return single(network, image, trimap, Averaging())


WAYS = {
    "one prediction": single,
    "one prediction at scale 1.25": largest,
    "loop of 24 predictions": loop,
    "`estimate`": average,
}


def measure(name: str, width: int, height: int, repeat: int, result: Path) -> dict[str, float]:
    """Run one way in this process and leave its alpha in a file."""
    folder = bundled_folder(DEFAULT_WEIGHTS)
    assert folder is not None
    network = LSANet.from_pretrained(folder)
    single(network, *cat(96, 64))  # compiles and loads
    image, trimap = cat(width, height)
    measured = measure_repeated(lambda: WAYS[name](network, image, trimap), repeat)
    np.save(result, measured.result)
    return {"seconds": measured.seconds, "megabytes": measured.bytes / 1e6}


def run(command: list[str], settings: dict[str, str] | None = None) -> dict[str, float]:
    """Run `measure` in a new process."""
    environment = os.environ | (settings or {})
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def draw(path: Path, network: LSANet) -> None:
    """Show a part of the cat: itself, one prediction, the average, and their difference."""
    image, trimap = cat(451, 300)
    once, averaged = single(network, image, trimap), average(network, image, trimap)
    # Grey where both agree, white where the average is the more opaque by 0.2.
    difference = np.clip(0.5 + 2.5 * (averaged - once), 0, 1)
    tiles = [image[CROP]]
    tiles += [np.repeat(a[CROP][..., None], 3, axis=2) for a in (once, averaged, difference)]
    pixels = np.rint(np.concatenate(tiles, axis=1) * 255).astype(np.uint8)
    Image.fromarray(pixels).resize((1600, 320), Image.Resampling.BICUBIC).save(path, quality=88)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="902x600", help="WIDTHxHEIGHT")
    parser.add_argument("--repeat", type=int, default=2, help="best of so many")
    parser.add_argument("--picture", type=Path, help="draw a comparison instead")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    width, height = (int(n) for n in options.size.split("x"))
    if options.only:
        row = measure(options.only, width, height, options.repeat, options.result)
        print(json.dumps(row))
        return
    if options.picture:
        folder = bundled_folder(DEFAULT_WEIGHTS)
        assert folder is not None
        draw(options.picture, LSANet.from_pretrained(folder))
        return
    rows: dict[str, dict[str, float]] = {}
    alphas: dict[str, Array] = {}
    # glibc keeps what is freed for later use; told to map blocks one by one, it does not.
    frugal = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "alpha.npy"
        for name in WAYS:
            command = [sys.executable, __file__, "--only", name, "--result", str(result)]
            command += ["--size", options.size, "--repeat"]
            rows[name] = run([*command, str(options.repeat)])
            rows[name]["megabytes"] = run([*command, "1"], frugal)["megabytes"]
            alphas[name] = np.load(result)
    plain = rows["loop of 24 predictions"]["seconds"]
    print(f"{width}x{height}\n\n| | s | times faster than the loop | peak memory, MB |")
    print("|---|---|---|---|")
    for name, row in rows.items():
        ratio = plain / row["seconds"] if name == "`estimate`" else None
        print(
            f"| {name} | {row['seconds']:.2f} | {f'{ratio:.2f}' if ratio else ''} "
            f"| {row['megabytes']:.0f} |"
        )
    unknown = cat(width, height)[1] == 128
    apart = np.abs(alphas["`estimate`"] - alphas["loop of 24 predictions"])[unknown]
    moved = np.abs(alphas["`estimate`"] - alphas["one prediction"])[unknown]
    print(f"\nto the loop, where unknown: mean {apart.mean():.5f}, largest {apart.max():.3f}")
    print(f"to one prediction: mean {moved.mean():.5f}, largest {moved.max():.3f}")


if __name__ == "__main__":
    main()
