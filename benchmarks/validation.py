"""Measure the bundled weights against closed-form matting on a test set, in one run.

    python benchmarks/validation.py DATASET [--weights lite] [--threads 1] [--band 15]
                                    [--methods ours closed-form knn priors]

DATASET is any folder that `lsamatting evaluate` takes, and the errors are those it gives (see
docs/evaluation.md); what this adds is the comparison of speed. Every
method gets the same pictures and trimaps and the same number of threads. Seconds are for the
opacity of a whole picture, without reading files; one small picture is run before the clock starts,
so that nothing compiled or loaded once is counted.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lsamatting.errors import LsamattingError

if TYPE_CHECKING:
    from lsamatting.evaluation.datasets import TestPicture
    from lsamatting.evaluation.methods import Method, Predictor
    from lsamatting.evaluation.records import Records

ERRORS = ("SAD", "MSE", "Grad", "Conn")
METHODS = ("ours", "closed-form", "knn", "priors")


def limit_threads(count: int) -> None:
    """Give every library the same number of threads; before the first import of any of them."""
    for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{variable}_NUM_THREADS"] = str(count)
    from lsamatting import threads

    threads.limit_threads(count)


def exit_code(run: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Run, and say in one line what was wrong with the input."""
    try:
        run(options)
    except LsamattingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def build(wanted: list[str], weights: str) -> list[tuple[Predictor, Method]]:
    from lsamatting.evaluation import methods

    built: list[tuple[Predictor, Method]] = []
    if "ours" in wanted:
        built.append(methods.lsamatting(weights, device="cpu", name="ours"))
    built += [methods.peer(name) for name in ("closed-form", "knn") if name in wanted]
    if "priors" in wanted:
        from lsamatting.priors import PRIOR_CHANNELS

        built += [methods.prior(name) for name in PRIOR_CHANNELS if name.startswith("alpha_")]
    return built


def tell(_: TestPicture, records: Records) -> None:
    last = records.pictures[-1]
    errors = "  ".join(f"{name} {last.errors[name]:8.4f}" for name in ERRORS)
    print(f"{last.name:12} {records.name:16} {errors}  {last.seconds:7.3f} s", flush=True)


def markdown(results: list[Records]) -> str:
    """Write the means over all pictures, and how ours compares with closed form."""
    lines = [
        "| method | SAD | MSE | Grad | Conn | s median | s mean |",
        "|---|---|---|---|---|---|---|",
    ]
    rows: dict[str, list[float]] = {}
    for records in results:
        seconds = [picture.seconds for picture in records.pictures]
        row = [*(records.means()[error] for error in ERRORS), median(seconds), mean(seconds)]
        rows[records.name] = row
        cells = (
            f"{value:.{digits}f}" for value, digits in zip(row, (2, 4, 2, 2, 3, 3), strict=True)
        )
        lines.append(f"| {records.name} | {' | '.join(cells)} |")
    if "ours" in rows and "closed-form" in rows:
        ratios = [a / b for a, b in zip(rows["ours"], rows["closed-form"], strict=True)]
        lines.append("| ours / closed-form | " + " | ".join(f"{r:.3f}" for r in ratios) + " |")
        faster = [1 / r for r in ratios[-2:]]
        lines.append(f"\nours is {faster[0]:.1f}x (median) and {faster[1]:.1f}x (mean) as fast.")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> None:
    limit_threads(options.threads)

    from lsamatting.evaluation.datasets import open_dataset
    from lsamatting.evaluation.evaluate import evaluate

    pictures = open_dataset(options.dataset)
    with TemporaryDirectory() as folder:
        results = [
            evaluate(
                pictures,
                predictor,
                Path(folder) / f"{method.name}.jsonl",
                method=method,
                band=options.band,
                on_picture=tell,
            )
            for predictor, method in build(options.methods, options.weights)
        ]
    settings = {
        "weights": options.weights,
        "threads": options.threads,
        "trimaps": results[0].header["protocol"]["trimaps"],
        "cpu": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("lsamatting", "torch", "numpy", "numba", "pymatting")},
    }
    print(f"\n{len(pictures)} pictures, " + ", ".join(f"{k} {v}" for k, v in settings.items()))
    print(f"\n{markdown(results)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="as for `lsamatting evaluate`, with true mattes")
    parser.add_argument("--weights", default="lite", help="bundled name, folder or hub repository")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--threads", type=int, default=1, help="for every method")
    parser.add_argument("--band", type=float, default=15, help="px, where there is no trimap/")
    return exit_code(run, parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
