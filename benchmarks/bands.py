"""Measure how much of what is soft in a true matte lies in the band around a rough mask.

    python benchmarks/bands.py DATA [--megapixels 12]

DATA holds `image/` and `alpha/`, matched by stem. The mask is as rough as a segmentation network's:
the matte reduced to 320 pixels, cut at a half, opened and closed by 5 pixels, and enlarged again.
Compared are a band of 10 pixels, the default without the picture, and the default with it; each on
the picture as it is and enlarged. Share: soft pixels (0.05 < α < 0.95) that the band holds, of all.
Lost: what the best matte within the band would have wrong, SAD in thousands, reduced to the
picture's own size.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting import Trimap
from lsamatting.images import read_grey, read_picture
from lsamatting.picture_files import pictures_in

Floats = NDArray[np.float32]


def rough_mask(alpha: Floats) -> NDArray[np.bool_]:
    height, width = alpha.shape
    factor = 320 / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    mask = (small > 0.5).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    for step in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        mask = np.asarray(cv2.morphologyEx(mask, step, disc), np.uint8)
    return np.asarray(cv2.resize(mask.astype(np.float32), (width, height)) > 0.5)


def enlarged(array: Floats, factor: float) -> Floats:
    size = (round(array.shape[1] * factor), round(array.shape[0] * factor))
    return np.clip(cv2.resize(array, size, interpolation=cv2.INTER_CUBIC), 0, 1)


def look(image: Floats, alpha: Floats, scale: float) -> list[float]:
    mask = rough_mask(alpha)
    soft = (alpha > 0.05) & (alpha < 0.95)
    found: list[float] = []
    options: tuple[dict[str, Any], ...] = ({"erode": 10, "dilate": 10}, {}, {"image": image})
    for chosen in options:
        values = Trimap.from_mask(mask, **chosen).values
        unknown = values == 128
        wrong = np.abs(alpha - values / np.float32(255))[~unknown].sum(dtype=np.float64)
        share = np.count_nonzero(soft & unknown) / max(1, np.count_nonzero(soft))
        found += [share, float(wrong) / 1000 / scale**2]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--megapixels", type=float, default=12)
    arguments = parser.parse_args()
    print("| picture | 10 px: share | lost | by size | lost | by size and picture | lost |")
    print("|---|---|---|---|---|---|---|")
    rows: dict[str, list[list[float]]] = {"own size": [], f"{arguments.megapixels:g} MP": []}
    for path in pictures_in(arguments.data / "image"):
        image = read_picture(path).visible()
        alpha, _ = read_grey(next((arguments.data / "alpha").glob(f"{path.stem}.*")))
        scale = float(np.sqrt(arguments.megapixels * 1e6 / alpha.size))
        for (size, kept), factor in zip(rows.items(), (1.0, scale), strict=True):
            seen = (
                (image, alpha) if factor == 1 else (enlarged(image, scale), enlarged(alpha, scale))
            )
            kept.append(look(*seen, factor))
            shown = " | ".join(f"{number:.2f}" for number in kept[-1])
            print(f"| {path.stem}, {size} | {shown} |", flush=True)
    for size, kept in rows.items():
        print(f"| mean, {size} | " + " | ".join(f"{x:.2f}" for x in np.mean(kept, axis=0)) + " |")


if __name__ == "__main__":
    main()
