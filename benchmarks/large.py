"""Memory and time of large pictures, and what tiles change.

    python benchmarks/large.py [--sizes 6,12,24,48,96] [--kinds enlarged,mosaic]
                               [--memory 4GiB,6GiB] [--plot FILE] [-- OPTION...]
    python benchmarks/large.py --agree [DATASET] [--enlarge 2] [--side 512]
    python benchmarks/large.py --seams [DATASET] [--side 256]
    python benchmarks/large.py --all [DATASET] [--plot FILE]

Pictures are scikit-image's cat, enlarged (`enlarged`: one wide band) or the cat and the astronaut
again and again, each of 1.5 megapixels (`mosaic`: many narrow bands), with fine noise; a fifth of
each is unknown. The first form runs `lsamatting matte` on each in a process of its own, up to 24
megapixels with the first amount of memory and beyond with the second, and prints the peak of its
resident memory, its processor time, and the exponent with which that time grows with the unknown
pixels. Processor time is what can be compared on a machine that computes other things too. What
follows `--` are further options of `matte`, such as `--refine`, `--tta` or `--runtime onnx`.

`--agree` and `--seams` compare tiles with the whole on the pictures of DATASET, a folder with
`image` and `trimap` (by default the cat and the astronaut), enlarged: `--agree` all of it, and
`--seams` by the overlap of tiles and by where the averages of the channel attention come from. Both
print the largest difference and the share of unknown pixels that differ by more than 1/255.

`--all` does all of this, and 24 megapixels with ONNX Runtime, refined, and averaged over turned
pictures; about an hour with one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from lsamatting.budget import parse_memory
from lsamatting.demo import ASTRONAUT_TRIMAP, CAT_TRIMAP
from lsamatting.images import read_picture
from lsamatting.trimap import Trimap

Image = NDArray[np.uint8]

UNKNOWN = 0.2
CELL = 1.5e6
"""Pixels of one picture of a mosaic."""

FIRST_UP_TO = 24
"""Megapixels up to which the first amount of memory holds."""


def photographs() -> list[tuple[Image, NDArray[np.uint8]]]:
    """Two photographs, and their trimaps."""
    return [
        (data.chelsea(), Trimap.read(CAT_TRIMAP).values),
        (data.astronaut(), Trimap.read(ASTRONAUT_TRIMAP).values),
    ]


def enlarged(image: Image, trimap: NDArray[np.uint8], pixels: float) -> tuple[Image, Image]:
    """Enlarge a photograph, with a band of `UNKNOWN` of it around the trimap's middle."""
    factor = (pixels / trimap.size) ** 0.5
    height, width = (round(side * factor) for side in trimap.shape)
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    for top in range(0, height, 512):
        strip = large[top : top + 512]
        noise = rng.standard_normal(strip.shape[:2], dtype=np.float32) * 8
        noise = cv2.GaussianBlur(noise, (0, 0), 1)[..., None]
        strip[:] = np.clip(strip + noise, 0, 255).astype(np.uint8)
    soft = np.select([trimap == 255, trimap == 128], [1.0, 0.5], 0.0).astype(np.float32)
    inside = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    away = sum(
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, 3) for side in (inside, ~inside)
    )
    band = away <= np.quantile(away[::5, ::5], UNKNOWN)
    return large, np.where(band, 128, np.where(inside, 255, 0)).astype(np.uint8)


def mosaic(pixels: float) -> tuple[Image, Image]:
    """Lay the photographs side by side, mirrored in turn."""
    side = round(CELL**0.5)
    cells = [
        tuple(
            cv2.resize(part, (side, side), interpolation=cv2.INTER_NEAREST)
            for part in enlarged(*photograph, CELL)
        )
        for photograph in photographs()
    ]
    across = max(round((pixels / CELL) ** 0.5), 1)
    down = max(round(pixels / CELL / across), 1)
    rows: tuple[list[Any], list[Any]] = ([], [])
    for y in range(down):
        row = [cells[(x + y) % 2] for x in range(across)]
        turned = [
            [part[:, ::-1] if (x + y) % 3 else part for part in row[x]] for x in range(across)
        ]
        for kind in range(2):
            rows[kind].append(np.concatenate([cell[kind] for cell in turned], axis=1))
    return np.concatenate(rows[0]), np.concatenate(rows[1])


class Run(NamedTuple):
    """What one run of the command took."""

    kind: str
    megapixels: float
    unknown: float
    memory: str
    peak: float
    """GiB."""

    seconds: float
    """Of the processor."""

    steps: dict[str, float]
    refinement: list[str]


def run(kind: str, megapixels: float, memory: str, folder: Path, options: list[str]) -> Run | None:
    """Make a picture, and matte it in a process of its own; None if that fails."""
    pixels = megapixels * 1e6
    image, trimap = enlarged(*photographs()[0], pixels) if kind == "enlarged" else mosaic(pixels)
    paths = [folder / f"{name}.png" for name in ("image", "trimap", "alpha", "cutout")]
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    cv2.imwrite(str(paths[0]), image[..., ::-1], fast)
    cv2.imwrite(str(paths[1]), trimap, fast)
    command = [sys.executable, "-m", "lsamatting", "matte", *map(str, paths[:2])]
    command += ["-o", str(paths[2]), "--cutout", str(paths[3]), "--memory", memory]
    command += ["--threads", "1", "--json", *options]
    counted = int((trimap == 128).sum())
    size = image.shape[0] * image.shape[1]
    del image, trimap
    with open(folder / "report.json", "w+") as report:
        process = subprocess.Popen(command, stdout=report)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            # The command has said why.
            return None
        report.seek(0)
        told = json.load(report)["pictures"][0]
    return Run(
        kind,
        size / 1e6,
        counted / 1e6,
        memory,
        usage.ru_maxrss / 2**20,
        usage.ru_utime + usage.ru_stime,
        told["seconds"],
        [one["notice"] or f"refined, {len(one['c1']) - 1} steps" for one in told["refinement"]],
    )


def exponent(runs: list[Run]) -> float:
    """Fit seconds = c · unknown^p by least squares of logarithms; give p."""
    unknown, seconds = np.log([(one.unknown, one.seconds) for one in runs]).T
    return float(np.polyfit(unknown, seconds, 1)[0])


def measure(
    sizes: list[float],
    kinds: list[str],
    memory: list[str],
    plot: Path | None = None,
    options: list[str] = [],  # noqa: B006 (only read)
) -> None:
    if options:
        print(f"with {' '.join(options)}")
    print("| picture | MP | unknown, MP | --memory | peak, GiB | CPU, s | CPU s per unknown MP |")
    print("|---|---|---|---|---|---|---|")
    runs = []
    for kind in kinds:
        for megapixels in sizes:
            allowed = memory[0] if megapixels <= FIRST_UP_TO else memory[-1]
            with tempfile.TemporaryDirectory() as folder:
                one = run(kind, megapixels, allowed, Path(folder), options)
            if one is None:
                print(f"| {kind} | {megapixels:.1f} | | {allowed} | failed | | |", flush=True)
                continue
            runs.append(one)
            over = "" if one.peak * 2**30 <= parse_memory(allowed) else " (over)"
            print(
                f"| {kind} | {one.megapixels:.1f} | {one.unknown:.2f} | {allowed} | "
                f"{one.peak:.2f}{over} | {one.seconds:.0f} | {one.seconds / one.unknown:.1f} |",
                flush=True,
            )
            for line in dict.fromkeys(one.refinement):
                print(line, flush=True)
    for kind in kinds:
        own = [one for one in runs if one.kind == kind]
        if len(own) > 1:
            print(f"{kind}: time grows with unknown pixels to the power of {exponent(own):.2f}")
    if plot is not None:
        draw(runs, plot)


def draw(runs: list[Run], path: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6))
    for kind in dict.fromkeys(one.kind for one in runs):
        own = [one for one in runs if one.kind == kind]
        left.plot([one.megapixels for one in own], [one.peak for one in own], "o-", label=kind)
        right.loglog([one.unknown for one in own], [one.seconds for one in own], "o-", label=kind)
    left.set(xlabel="megapixels", ylabel="peak memory, GiB", ylim=(0, None), xlim=(0, None))
    right.set(xlabel="unknown megapixels", ylabel="processor time, s")
    right.minorticks_off()
    unknown = sorted({round(one.unknown, 1) for one in runs})
    seconds = [10, 20, 50, 100, 200, 500, 1000]
    right.set_xticks(unknown, [f"{value:g}" for value in unknown])
    right.set_yticks(seconds, [str(value) for value in seconds])
    left.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def pictures(dataset: Path | None, enlarge: float) -> Iterator[tuple[str, Any, NDArray[np.uint8]]]:
    """Give name, float picture and trimap of a test set's pictures, enlarged."""
    if dataset is None:
        found = zip(("cat", "astronaut"), photographs(), strict=True)
        trios = [(name, image, trimap) for name, (image, trimap) in found]
    else:
        trios = []
        for path in sorted((dataset / "image").iterdir()):
            (guide,) = (dataset / "trimap").glob(f"{path.stem}.*")
            trios.append((path.stem, path, guide))
    for name, image, trimap in trios:
        seen = read_picture(image).visible()
        marks = trimap if dataset is None else Trimap.read(trimap).values
        size = tuple(round(side * enlarge) for side in marks.shape[::-1])
        seen = np.clip(cv2.resize(seen, size, interpolation=cv2.INTER_CUBIC), 0, 1)
        yield name, seen, cv2.resize(marks, size, interpolation=cv2.INTER_NEAREST)


def difference(first: Any, second: Any, unknown: Any) -> tuple[float, float]:
    """Give the largest difference in 255ths, and the share of unknown pixels over 1/255."""
    apart = 255 * np.abs(first - second)[unknown]
    return float(apart.max()), float((apart > 1).mean())


def agree(dataset: Path | None, enlarge: float, side: int) -> None:
    from lsamatting import Matting
    from lsamatting.inference.frame import frame_picture
    from lsamatting.inference.open_picture import OpenPicture

    print("| picture | size | full: largest, share > 1/255 | auto: largest, share > 1/255 |")
    print("|---|---|---|---|")
    worst = {"full": [0.0, 0.0], "auto": [0.0, 0.0]}
    runtime = Matting.from_pretrained().runtime
    for name, image, trimap in pictures(dataset, enlarge):
        cells = []
        frame = frame_picture(image, trimap, priors=runtime.config.priors)
        for precision in worst:
            whole, tiled = (
                OpenPicture(runtime, replace(frame, tile=tile)).estimate(precision=precision).alpha
                for tile in (None, side)
            )
            found = difference(whole, tiled, trimap == 128)
            worst[precision] = [max(pair) for pair in zip(worst[precision], found, strict=True)]
            cells.append(f"{found[0]:.2f}/255, {100 * found[1]:.3f} %")
        print(f"| {name} | {trimap.shape[1]}×{trimap.shape[0]} | {' | '.join(cells)} |", flush=True)
    for precision, (largest, share) in worst.items():
        met = "met" if largest <= 4 and share <= 1e-3 else "MISSED"
        print(
            f"worst, {precision}: {largest:.2f}/255 (wanted: 4), {100 * share:.3f} % (0.1): {met}"
        )


def seams(dataset: Path | None, enlarge: float, side: int) -> None:
    from lsamatting import Matting
    from lsamatting.inference import tiled
    from lsamatting.inference.frame import frame_picture
    from lsamatting.inference.symmetry import IDENTITY
    from lsamatting.inference.tiles import cut

    runtime = Matting.from_pretrained(precision="full").runtime
    worst: dict[str, list[float]] = {}
    for _, image, trimap in pictures(dataset, enlarge):
        frame = frame_picture(image, trimap, priors=runtime.config.priors, tile=side)
        layout = frame.lay_out()
        unknown = frame.trimap == 128
        everything = np.ones(unknown.shape, bool)
        whole = np.clip(runtime.run(layout, precision="full"), 0, 1)
        exact = [
            total / weight for total, weight in runtime.sums(layout, everything, precision="full")
        ]
        ways: dict[str, tuple[Any, int]] = {
            f"averages of the whole, overlap {overlap}": (exact, overlap)
            for overlap in (32, 64, 96, 128, 256)
        }
        ways["each tile's own averages, overlap 96"] = None, 96
        for rounds in (1, 2, 3):
            tiled.ROUNDS, tiled.STILL = rounds, 0.0
            tiles = list(cut(unknown, side))
            gathered = tiled.gather(runtime, frame, IDENTITY, tiles, precision="full")
            ways[f"gathered in {rounds} rounds, overlap 96"] = gathered, 96
        for factor in (2, 4):
            size = tuple(part // factor // 32 * 32 for part in unknown.shape[::-1])
            small = frame_picture(
                cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA),
                cv2.resize(frame.trimap, size, interpolation=cv2.INTER_NEAREST),
                priors=runtime.config.priors,
                margin=max(size),
            )
            mask = np.ones(small.trimap.shape, bool)
            sums = runtime.sums(small.lay_out(), mask, precision="full")
            reduced = [total / weight for total, weight in sums]
            ways[f"of the picture at 1/{factor}, overlap 96"] = reduced, 96
        for way, (averages, overlap) in ways.items():
            opacity = np.zeros(unknown.shape, np.float32)
            for tile in cut(unknown, side, overlap=overlap):
                part = frame.lay_out(IDENTITY, tile.seen)
                found = runtime.run(part, precision="full", averages=averages)[tile.used_within]
                opacity[tile.used] += tile.weights * np.clip(found, 0, 1)
            found_worst = difference(whole, opacity, unknown)
            worst[way] = [
                max(pair) for pair in zip(worst.get(way, [0, 0]), found_worst, strict=True)
            ]
    print("| way | largest difference | largest share over 1/255 |")
    print("|---|---|---|")
    for way, (largest, share) in worst.items():
        print(f"| {way} | {largest:.2f}/255 | {100 * share:.3f} % |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", default="6,12,24,48,96")
    parser.add_argument("--kinds", default="enlarged,mosaic")
    parser.add_argument("--memory", default="4GiB,6GiB")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--agree", action="store_true")
    parser.add_argument("--seams", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("dataset", nargs="?", type=Path)
    parser.add_argument("--enlarge", type=float, default=1.0)
    parser.add_argument("--side", type=int, default=512)
    own, further = sys.argv[1:], []
    if "--" in own:
        further = own[own.index("--") + 1 :]
        own = own[: own.index("--")]
    options = parser.parse_args(own)
    sizes = [float(size) for size in options.sizes.split(",")]
    kinds, memory = options.kinds.split(","), options.memory.split(",")
    if options.all:
        measure(sizes, kinds, memory, options.plot)
        for what in (
            ["--runtime", "onnx"],
            ["--refine", "--refine-optimiser", "descent", "--refine-steps", "2"],
            ["--tta", "--tta-symmetries", "2"],
        ):
            measure([FIRST_UP_TO], kinds[:1], memory, options=what)
        agree(options.dataset, 2.0, 512)
        seams(options.dataset, 2.0, 512)
    elif options.agree:
        agree(options.dataset, options.enlarge, options.side)
    elif options.seams:
        seams(options.dataset, options.enlarge, options.side)
    else:
        measure(sizes, kinds, memory, options.plot, further)


if __name__ == "__main__":
    main()
