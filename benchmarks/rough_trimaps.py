"""Measure what trimaps that know little cost: those of a test set, with wider unknown regions.

    python benchmarks/rough_trimaps.py DATASET [--by 0 30 70] [--weights lite base] [--threads 1]
                                       [--no-peer]

Every unknown region grows by so many pixels, but for the one pixel of either side that lies
farthest inside, if nothing else of that side would be left. Each of the weights is asked at one
size and from coarse to fine, beside closed-form matting in the same run. Errors are those of the
whole grown region, seconds those of the opacity of a whole picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from strokes import away_from
from validation import ERRORS, exit_code, limit_threads

if TYPE_CHECKING:
    from lsamatting.evaluation.methods import Method, Predictor
    from lsamatting.evaluation.records import Records


def widen(trimap: NDArray[np.uint8], by: float) -> NDArray[np.uint8]:
    """Let the unknown region of an H×W trimap of 0, 128 and 255 grow by some pixels."""
    away = away_from(trimap == 128)
    wider = np.where(away <= by, np.uint8(128), trimap)
    for side in (0, 255):
        if (trimap == side).any() and not (wider == side).any():
            farthest = np.argmax(np.where(trimap == side, away, -1))
            wider.flat[farthest] = side
    return wider


def write(dataset: Path, folder: Path, by: float) -> Path:
    """Write a test set with wider trimaps; pictures and mattes are linked."""
    from lsamatting.errors import DatasetError
    from lsamatting.evaluation.datasets import open_dataset
    from lsamatting.trimap import Trimap

    (folder / "trimap").mkdir(parents=True)
    for name in ("image", "alpha"):
        (folder / name).symlink_to((dataset / name).resolve())
    for picture in open_dataset(dataset, layout="trio"):
        if picture.trimap is None:
            raise DatasetError(f"{dataset}: {picture.name} has no trimap, and widening needs one")
        wider = widen(Trimap.read(picture.trimap).values, by)
        cv2.imwrite(str(folder / "trimap" / f"{picture.trimap.stem}.png"), wider)
    return folder


def build(weights: list[str], *, peer: bool) -> list[tuple[Predictor, Method]]:
    from lsamatting.evaluation import methods

    built: list[tuple[Predictor, Method]] = []
    for name in weights:
        for way, wanted in (("at one size", False), ("coarse to fine", True)):
            method = methods.lsamatting(
                name, device="cpu", coarse_to_fine=wanted, name=f"{name}, {way}"
            )
            built.append(method)
    return [*built, methods.peer("closed-form")] if peer else built


def rows(by: float, results: list[Records]) -> list[str]:
    lines, before = [], None
    for records in results:
        errors = [records.means()[error] for error in ERRORS]
        seconds = mean(picture.seconds for picture in records.pictures)
        cells = " | ".join(
            f"{value:.{digits}f}" for value, digits in zip(errors, (2, 4, 2, 2), strict=True)
        )
        ratio = "" if before is None else f"{errors[0] / before:.2f}"
        before = errors[0] if records.name.endswith("at one size") else None
        lines.append(f"| {by:g} px | {records.name} | {cells} | {seconds:.2f} | {ratio} |")
    return lines


def run(options: argparse.Namespace) -> None:
    limit_threads(options.threads)

    from lsamatting.evaluation.datasets import open_dataset
    from lsamatting.evaluation.evaluate import evaluate

    methods = build(options.weights, peer=options.peer)
    table = [
        f"| wider by | method | {' | '.join(ERRORS)} | s mean | SAD: ratio to one size |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with TemporaryDirectory() as folder:
        for by in options.by:
            pictures = open_dataset(write(options.dataset, Path(folder, f"{by:g}"), by))
            results = []
            for predictor, method in methods:
                file = Path(folder, f"{by:g}-{len(results)}.jsonl")
                results.append(evaluate(pictures, predictor, file, method=method))
                print(rows(by, results)[-1], file=sys.stderr, flush=True)
            table += rows(by, results)
    print(f"{len(pictures)} pictures, threads {options.threads}\n")
    print("\n".join(table))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="image/, alpha/ and trimap/")
    parser.add_argument("--by", type=float, nargs="+", default=[0, 30, 70], help="pixels")
    parser.add_argument("--weights", nargs="+", default=["lite", "base"])
    parser.add_argument("--threads", type=int, default=1, help="for every method")
    parser.add_argument("--no-peer", dest="peer", action="store_false")
    return exit_code(run, parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
