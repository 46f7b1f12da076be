"""Measure what correcting strokes bring: none, strokes alone, and strokes with refinement.

    python benchmarks/strokes.py DATA NAME[+WIDEN] ... [--weights lite]

DATA holds `image/`, `alpha/` and `trimap/`, matched by stem. With `+60` the unknown region of a
picture is widened by 60 pixels. Strokes are painted as a user would: into the largest piece of the
subject or the background that came out wrong by more than 0.4, a straight line of a round brush
from where it is deepest to far away in it; then, looking at the new result, a second one.

SAD (in thousands) is that of the unknown region of the trimap as it was before the strokes: of all
of it, and of what lies within 150 pixels of a stroke. Seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting import Matting, Trimap
from lsamatting.images import read_grey, read_picture
from lsamatting.inference.strokes import Stroke, with_strokes

WRONG = 0.4
NEAR = 150
SMALLEST = 60
"""Pixels of a wrong piece that a user would still notice."""

Mask = NDArray[np.bool_]


def widened(marks: NDArray[np.uint8], distance: int) -> NDArray[np.uint8]:
    """Make all unknown that lies within a distance of what is."""
    result = marks.copy()
    result[away_from(marks == 128) <= distance] = 128
    return result


def away_from(mask: Mask) -> NDArray[Any]:
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def stroke_into(error: NDArray[np.float32], inside: Mask) -> Mask | None:
    """Paint into the worst piece of a region, if there is one worth it."""
    wrong = cv2.morphologyEx(
        ((error > WRONG) & inside).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    count, pieces = cv2.connectedComponents(wrong, connectivity=4)
    if count < 2:
        return None
    worst = 1 + int(np.argmax(np.bincount(pieces.ravel(), error.ravel(), minlength=count)[1:]))
    piece = pieces == worst
    if piece.sum() < SMALLEST:
        return None
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rows, columns = np.nonzero(piece)
    depths = depth[rows, columns]
    start = int(np.argmax(depths))
    far = np.hypot(rows - rows[start], columns - columns[start]).clip(max=80)
    end = int(np.argmax(depths * far))
    radius = int(np.clip(0.4 * min(depths[start], depths[end]), 1, 8))
    canvas = np.zeros(error.shape, np.uint8)
    points = ((int(columns[i]), int(rows[i])) for i in (start, end))
    cv2.line(canvas, *points, 1, 2 * radius + 1)
    return (canvas > 0) & inside


def correct(
    model: Matting, picture: Any, marks: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> list[Stroke]:
    """Paint up to two strokes, each after a look at the result."""
    session = model.open(picture, Trimap(marks), foreground="none")
    for _ in range(2):
        unknown = with_strokes(marks, session.strokes) == 128
        error = np.abs(session.predict().alpha - alpha) * unknown
        found = [(v, stroke_into(error, (alpha == v) & (marks == 128))) for v in (0, 1)]
        candidates = [(float(error[mask].sum()), v, mask) for v, mask in found if mask is not None]
        if not candidates:
            break
        _, value, mask = max(candidates, key=lambda candidate: candidate[0])
        session.stroke(mask, value)
    return list(session.strokes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME[+WIDEN]")
    parser.add_argument("--weights", default="lite")
    arguments = parser.parse_args()
    model = Matting.from_pretrained(arguments.weights, device="cpu", precision="full")
    print(
        "| picture | strokes, px | none | strokes | + refinement | none | strokes | + refinement |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows, seconds = [], []
    for name in arguments.names:
        stem, _, distance = name.partition("+")
        picture = read_picture(next((arguments.data / "image").glob(f"{stem}.*")))
        alpha, _ = read_grey(next((arguments.data / "alpha").glob(f"{stem}.*")))
        marks = Trimap.read(next((arguments.data / "trimap").glob(f"{stem}.*"))).values
        marks = widened(marks, int(distance)) if distance else marks
        strokes = correct(model, picture, marks, alpha)
        if not strokes:
            print(f"| {name} | nothing that a stroke would mend |")
            continue
        near = away_from(np.logical_or.reduce([stroke.mask for stroke in strokes])) <= NEAR
        all_of_it, close_by, spent = [], [], []
        for options in ({}, {"strokes": strokes}, {"strokes": strokes, "refine": True}):
            started = time.process_time()
            found = model(picture, Trimap(marks), foreground="none", **options).alpha
            spent.append(time.process_time() - started)
            error = np.abs(found - alpha) * (marks == 128) / 1000
            all_of_it.append(float(error.sum()))
            close_by.append(float(error[near].sum()))
        rows.append(all_of_it + close_by)
        seconds.append(spent)
        painted = ", ".join(f"{stroke.value:g}: {stroke.mask.sum()}" for stroke in strokes)
        print(f"| {name} | {painted} | " + " | ".join(f"{x:.2f}" for x in rows[-1]) + " |")
    print("| mean | | " + " | ".join(f"{x:.2f}" for x in np.mean(rows, axis=0)) + " |")
    print("\nseconds: " + ", ".join(f"{x:.2f}" for x in np.mean(seconds, axis=0)))


if __name__ == "__main__":
    main()
