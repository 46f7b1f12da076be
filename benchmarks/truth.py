"""Measure how far the edges of true mattes lie from those of their photographs.

    python benchmarks/truth.py DATA

DATA holds `image/`, `alpha/` and `trimap/`, matched by stem. Along the normal of each matte's
contour (α = 0.5, where it is steep) the photograph's edge is where its colour, in L*a*b*, changes
most; contour pixels without one edge that stands out are left out. Printed are, by picture, the
median displacement in pixels (positive: the photograph's edge lies outside of the matte's), the
share of edges displaced by more than a pixel, and what the median costs: the errors of the true
matte against itself, grown or shrunk by so much. A method that finds the photograph's edge is
charged about that.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.evaluation.metrics import grad, sad
from lsamatting.images import read_grey, read_picture
from lsamatting.trimap import Trimap

Floats = NDArray[np.float32]

REACH = 6.0
"""Pixels along the normal, to either side, in which the photograph's edge is looked for."""

STEP = 0.25
LEAST_SLOPE = 0.12
"""Of the blurred opacity, per pixel: a step has 0.4, and what is softer than 0.12 is no edge."""

LEAST_CONTRAST = 8.0
"""Of the photograph's edge: the change of L*a*b* over a pixel."""

STANDS_OUT = 3.0
"""Times the median change along the normal."""

LEAST_EDGES = 100
FINER = 4
"""A matte is moved at so many times its size: displacements are fractions of a pixel."""


class Edges(NamedTuple):
    """Displacements of a photograph's edges, in pixels outwards, and how many were looked for."""

    displacements: Floats
    looked_for: int


def displacements(image: Floats, alpha: Floats, unknown: NDArray[np.bool_]) -> Edges:
    """Find a photograph's edges beside the contour of its matte.

    Parameters
    ----------
    image, alpha, unknown
        H×W×3 and H×W in [0, 1], and the pixels of the contour to look at.
    """
    soft = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    slope = np.stack([cv2.Sobel(soft, -1, 1, 0, ksize=1), cv2.Sobel(soft, -1, 0, 1, ksize=1)]) / 2
    steepness = np.hypot(*slope)
    rows, columns = np.nonzero(unknown & (steepness > LEAST_SLOPE) & (np.abs(soft - 0.5) < 0.2))
    steepness = steepness[rows, columns]
    normal = slope[:, rows, columns] / steepness
    to_contour = (0.5 - soft[rows, columns]) / steepness
    along = np.arange(-REACH, REACH + STEP / 2, STEP)
    x, y = (
        ((start + direction * to_contour)[:, None] + direction[:, None] * along).astype(np.float32)
        for start, direction in zip((columns, rows), normal, strict=True)
    )
    lab = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), (0, 0), 0.7)
    colours = np.concatenate(
        [  # OpenCV's remap takes no array with a side over 32767
            cv2.remap(lab, x[s : s + 8192], y[s : s + 8192], cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)
            for s in range(0, len(x), 8192)
        ]
        or [np.zeros((0, len(along), 3), np.float32)]
    )  # fmt: skip
    pixel = round(1 / STEP)
    change = np.linalg.norm(colours[:, pixel:] - colours[:, :-pixel], axis=-1)
    middle = (along[pixel:] + along[:-pixel]) / 2
    place = change.argmax(axis=1)
    most = change.max(axis=1, initial=0)
    clear = (most > LEAST_CONTRAST) & (most > STANDS_OUT * np.median(change, axis=1))
    clear &= (place > 0) & (place < len(middle) - 1)
    # The normal points to where opacity grows, inwards.
    return Edges(-middle[place[clear]].astype(np.float32), len(rows))


def moved(alpha: Floats, pixels: float) -> Floats:
    """Grow a matte by so many pixels, or shrink it, if negative."""
    height, width = alpha.shape
    radius = round(abs(pixels) * FINER)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    fine = cv2.resize(alpha, (width * FINER, height * FINER), interpolation=cv2.INTER_LINEAR)
    fine = cv2.dilate(fine, kernel) if pixels > 0 else cv2.erode(fine, kernel)
    result: Floats = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    print("| photograph | edges | of | displaced, px | over 1 px | costs SAD | costs Grad |")
    print("|---|---|---|---|---|---|---|")
    sums = []
    for path in sorted((arguments.data / "image").iterdir()):
        alpha, _ = read_grey(next((arguments.data / "alpha").glob(f"{path.stem}.*")))
        trimap = Trimap.read(next((arguments.data / "trimap").glob(f"{path.stem}.*")))
        image = read_picture(path).visible()
        found, looked_for = displacements(image, alpha, trimap.unknown)
        line = f"| {path.stem} | {len(found)} | {looked_for} |"
        if len(found) < LEAST_EDGES:
            print(line, "too few | | | |", flush=True)
            continue
        median = float(np.median(found))
        # Both are resampled, so that a displacement of 0 costs nothing.
        other, truth = moved(alpha, median), moved(alpha, 0)
        costs = [measure(other, truth, trimap.values) for measure in (sad, grad)]
        sums.append(costs)
        print(
            line,
            f"{median:+.2f} | {np.mean(np.abs(found) > 1):.0%} | {costs[0]:.2f} | {costs[1]:.2f} |",
            flush=True,
        )
    if sums:
        print(f"| mean | | | | | {' | '.join(f'{mean:.2f}' for mean in np.mean(sums, axis=0))} |")


if __name__ == "__main__":
    main()
