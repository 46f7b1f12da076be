"""Measure the bundled weights against closed-form matting on a folder of photographs, in one run.

    python benchmarks/validation.py FOLDER [--weights lite] [--threads 1] [--json FILE]
                                    [--sheet FILE] [--methods ours closed-form priors]

FOLDER holds image/ and alpha/, and may hold trimap/, matched by name without suffix. Without
trimap/, a pixel is unknown within --band px of a pixel with 0.05 < alpha < 0.95 or of the alpha =
0.5 contour. Every method gets the same picture and trimap in memory and the same number of threads.
Seconds are for the whole picture, without reading files; one picture is run before the clock
starts, so that nothing compiled or loaded once is counted. Errors are those of
lsamatting.evaluation.metrics on the unknown region, averaged over pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError, LsamattingError

if TYPE_CHECKING:
    from lsamatting.images import Picture
    from lsamatting.trimap import Trimap

Method = Callable[["Picture", "Trimap"], NDArray[Any]]
ERRORS = ("SAD", "MSE", "Grad", "Conn")
METHODS = ("ours", "closed-form", "priors")


def limit_threads(count: int) -> None:
    """Give every library the same number of threads; before the first import of any of them."""
    for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{variable}_NUM_THREADS"] = str(count)
    import cv2
    import torch

    cv2.setNumThreads(count)
    torch.set_num_threads(count)


def our_model(weights: str) -> Method:
    from lsamatting.matting import Matting

    model = Matting.from_pretrained(weights, device="cpu")
    return lambda picture, trimap: model(picture, trimap, foreground="none").alpha


def closed_form() -> Method:
    from pymatting import estimate_alpha_cf

    def run(picture: Picture, trimap: Trimap) -> NDArray[Any]:
        # The solver notices single precision's rounding: give it the file's values exactly, as
        # its own reader does.
        pixels = picture.pixels.astype(np.float64)
        if picture.depth < 32:
            white = 2**picture.depth - 1
            pixels = np.rint(pixels * white) / white
        return np.asarray(estimate_alpha_cf(pixels, trimap.values / 255))

    return run


def prior(name: str) -> Method:
    """Take the opacity that the colour prior `name` implies as the matte."""
    from lsamatting.priors import compute_priors

    def run(picture: Picture, trimap: Trimap) -> NDArray[Any]:
        alpha = compute_priors(picture.pixels, trimap.values, which=(name,))[..., 0]
        return np.clip(alpha, 0, 1)

    return run


def build(methods: list[str], weights: str) -> dict[str, Method]:
    """Map the columns of the report to what computes them."""
    table: dict[str, Method] = {}
    if "ours" in methods:
        table["ours"] = our_model(weights)
    if "closed-form" in methods:
        table["closed-form"] = closed_form()
    if "priors" in methods:
        from lsamatting.priors import PRIOR_CHANNELS

        table |= {name: prior(name) for name in PRIOR_CHANNELS if name.startswith("alpha_")}
    return table


def score(prediction: NDArray[Any], target: NDArray[Any], trimap: Trimap) -> dict[str, float]:
    from lsamatting.evaluation import metrics

    measures = (metrics.sad, metrics.mse, metrics.grad, metrics.conn)
    return {
        name: measure(prediction, target, trimap.values)
        for name, measure in zip(ERRORS, measures, strict=True)
    }


def worst_place(
    prediction: NDArray[Any], target: NDArray[Any], trimap: Trimap, side: int
) -> tuple[slice, slice]:
    """Find the window of `side` pixels that holds most absolute error."""
    import cv2

    error = np.abs(prediction - target).astype(np.float32) * trimap.unknown
    height, width = error.shape
    rows, columns = min(side, height), min(side, width)
    sums = cv2.boxFilter(error, -1, (columns, rows), anchor=(0, 0), normalize=False)
    sums = sums[: height - rows + 1, : width - columns + 1]
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    return slice(int(top), int(top) + rows), slice(int(left), int(left) + columns)


def sheet_row(
    name: str, pictures: dict[str, NDArray[Any]], window: tuple[slice, slice], side: int
) -> NDArray[np.uint8]:
    """Lay the window of each picture side by side, captioned."""
    import cv2

    cells: list[NDArray[np.uint8]] = []
    for caption, picture in pictures.items():
        crop = (np.clip(picture[window], 0, 1) * 255 + 0.5).astype(np.uint8)
        if crop.ndim == 2:
            crop = np.repeat(crop[..., None], 3, axis=2)
        cell = np.full((side + 22, side + 4, 3), 30, np.uint8)
        cell[22 : 22 + crop.shape[0], 2 : 2 + crop.shape[1]] = crop
        text = f"{name}: {caption}" if not cells else caption
        cv2.putText(cell, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230,) * 3, 1, cv2.LINE_AA)
        cells.append(cell)
    return np.hstack(cells)


def markdown(images: list[dict[str, Any]], methods: list[str]) -> str:
    """Write the means over all pictures, and how ours compares with closed form."""
    lines = [
        "| method | SAD | MSE | Grad | Conn | s median | s mean |",
        "|---|---|---|---|---|---|---|",
    ]
    means = {}
    for method in methods:
        rows = [image["methods"][method] for image in images]
        seconds = [row["seconds"] for row in rows]
        values = [mean(row[error] for row in rows) for error in ERRORS]
        means[method] = [*values, median(seconds), mean(seconds)]
        errors = " | ".join(f"{v:.{d}f}" for v, d in zip(values, (2, 4, 2, 2), strict=True))
        lines.append(f"| {method} | {errors} | {median(seconds):.3f} | {mean(seconds):.3f} |")
    if "ours" in means and "closed-form" in means:
        ratios = [a / b for a, b in zip(means["ours"], means["closed-form"], strict=True)]
        lines.append("| ours / closed-form | " + " | ".join(f"{r:.3f}" for r in ratios) + " |")
        faster = [1 / r for r in ratios[-2:]]
        lines.append(f"\nours is {faster[0]:.1f}x (median) and {faster[1]:.1f}x (mean) as fast.")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> None:
    limit_threads(options.threads)

    from lsamatting.data.layout import TrioFolder
    from lsamatting.images import read_grey, read_picture, write_picture
    from lsamatting.trimap import Trimap

    for file in (options.json, options.sheet):
        if file is not None and not file.parent.is_dir():
            raise ConfigError(f"{file}: there is no folder {file.parent}")
    trios = TrioFolder(options.folder).trios
    methods = build(options.methods, options.weights)
    images: list[dict[str, Any]] = []
    sheet: list[NDArray[np.uint8]] = []
    for trio in trios:
        picture = read_picture(trio.image)
        target, _ = read_grey(trio.alpha)
        if trio.trimap is None:
            trimap = Trimap.from_alpha(target, band=options.band)
        else:
            trimap = Trimap.read(trio.trimap)
        trimap.check_size(picture.pixels.shape[:2], str(trio.image))
        if trio is trios[0]:
            for method in methods.values():
                method(picture, trimap)
        row: dict[str, Any] = {
            "name": trio.name,
            "size": trimap.size,
            "unknown": trimap.counts.unknown,
            "methods": {},
        }
        mattes = {}
        for name, method in methods.items():
            start = time.perf_counter()
            alpha = method(picture, trimap)
            seconds = time.perf_counter() - start
            mattes[name] = alpha
            row["methods"][name] = {**score(alpha, target, trimap), "seconds": seconds}
            errors = row["methods"][name]
            print(
                f"{trio.name:12} {name:16} SAD {errors['SAD']:7.3f}  MSE {errors['MSE']:.5f}  "
                f"Grad {errors['Grad']:7.3f}  Conn {errors['Conn']:7.3f}  {seconds:7.3f} s",
                flush=True,
            )
        images.append(row)
        if options.sheet is not None:
            names = [name for name in METHODS if name in mattes] or list(mattes)[:1]
            shown = {name: mattes[name] for name in names}
            window = worst_place(next(iter(shown.values())), target, trimap, options.side)
            pictures: dict[str, NDArray[Any]] = {
                "image": picture.pixels,
                "trimap": trimap.values / 255,
                **shown,
                "truth": target,
            }
            sheet.append(sheet_row(trio.name, pictures, window, options.side))
    if sheet:
        write_picture(options.sheet, np.vstack(sheet).astype(np.float32) / np.float32(255))

    made = any(trio.trimap is None for trio in trios)
    settings = {
        "weights": options.weights,
        "threads": options.threads,
        "trimaps": f"from alpha, band {options.band:g} px" if made else "as given",
        "cpu": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("lsamatting", "torch", "numpy", "numba", "pymatting")},
    }
    print(f"\n{len(images)} images, " + ", ".join(f"{k} {v}" for k, v in settings.items()) + "\n")
    print(markdown(images, list(methods)))
    if options.json is not None:
        temporary = options.json.with_name(f".{options.json.name}.tmp")
        temporary.write_text(json.dumps({"settings": settings, "images": images}, indent=1))
        temporary.replace(options.json)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds image/, alpha/ and perhaps trimap/")
    parser.add_argument("--weights", default="lite", help="bundled name, folder or hub repository")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--threads", type=int, default=1, help="for every method")
    parser.add_argument("--band", type=float, default=15, help="px, where there is no trimap/")
    parser.add_argument("--json", type=Path, help="write every number here")
    parser.add_argument("--sheet", type=Path, help="write crops at the worst places here")
    parser.add_argument("--side", type=int, default=320, help="px of a crop on the sheet")
    try:
        run(parser.parse_args())
    except LsamattingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
