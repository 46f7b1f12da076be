"""Compare PyTorch and ONNX Runtime in three number formats: errors, speed and size, in one run.

    python benchmarks/runtimes.py DATASET --examples OTHER [--weights lite] [--threads 1]
                                  [--limit N]

DATASET is a test set with true mattes, as `lsamatting evaluate` takes it; OTHER one of which int8
takes the ranges of features, which must not be DATASET. Colour priors are computed once per picture
and given to all. Errors are those of `lsamatting evaluate` on the unknown region; "from PyTorch" is
the largest and the mean difference of opacity there, over all pictures. Seconds are processor time
of the network alone, the least of two runs per picture, summed over the pictures; the ratio is to
PyTorch's in float32, whose other row has the number format that it would choose by itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsamatting.inference.runtime import Runtime


@dataclass
class Column:
    """One way of running the network, and what came of it."""

    runtime: Runtime
    precision: Any = "full"
    size: int = 0
    seconds: float = 0.0
    errors: list[tuple[float, float, float]] = field(default_factory=list)
    largest: float = 0.0
    mean: list[float] = field(default_factory=list)


def build(weights: str, examples: Path, folder: Path) -> dict[str, Column]:
    from lsamatting.export.examples import read_examples
    from lsamatting.export.export import export_onnx
    from lsamatting.inference.runtime import load_runtime
    from lsamatting.network.files import find_weights, numbers_file, read_config

    source = find_weights(weights)
    stored = numbers_file(source).stat().st_size
    columns = {
        "torch": Column(load_runtime(source, "torch", device="cpu"), size=stored),
        "torch, precision auto": Column(
            load_runtime(source, "torch", device="cpu"), "auto", size=stored
        ),
    }
    laid = list(read_examples(examples, read_config(source)))
    for numbers in ("float32", "float16", "int8"):
        file = export_onnx(source, folder / f"{numbers}.onnx", numbers=numbers, examples=laid).path
        columns[f"onnx, {numbers}"] = Column(
            load_runtime(file, "onnx", device="cpu"), size=file.stat().st_size
        )
    return columns


def measure(dataset: Path, columns: dict[str, Column], limit: int | None) -> int:
    import numpy as np

    from lsamatting.evaluation import metrics
    from lsamatting.evaluation.datasets import open_dataset
    from lsamatting.images import read_grey, read_picture
    from lsamatting.inference.frame import frame_picture
    from lsamatting.trimap import Trimap

    pictures = open_dataset(dataset)[:limit]
    for number, files in enumerate(pictures):
        print(f"\r{number} of {len(pictures)}", end="", file=sys.stderr)
        trimap, truth = Trimap.read(files.trimap), read_grey(files.alpha)[0]
        priors = next(iter(columns.values())).runtime.config.priors
        frame = frame_picture(read_picture(files.image).visible(), trimap.values, priors=priors)
        layout = frame.lay_out()
        unknown = trimap.values == 128
        reference = None
        for column in columns.values():
            spent = []
            for _ in range(2):
                start = time.process_time()
                raw = column.runtime.run(layout, precision=column.precision)
                spent.append(time.process_time() - start)
            column.seconds += min(spent)
            alpha = frame.restore(layout.take(raw))
            reference = alpha if reference is None else reference
            difference = np.abs(alpha - reference)[unknown]
            column.largest = max(column.largest, float(difference.max()))
            column.mean.append(float(difference.mean()))
            column.errors.append(
                tuple(
                    float(measured(alpha, truth, trimap.values))
                    for measured in (metrics.sad, metrics.mse, metrics.grad)
                )
            )
    print("\r", end="", file=sys.stderr)
    return len(pictures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--weights", default="lite")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(given.threads)

    import numpy as np

    from lsamatting.threads import limit_threads

    limit_threads(given.threads)
    with TemporaryDirectory() as folder:
        columns = build(given.weights, given.examples, Path(folder))
        count = measure(given.dataset, columns, given.limit)
    print(
        f"{count} pictures, {given.threads} thread(s), {platform.processor() or platform.machine()}"
        f", torch {version('torch')}, onnxruntime {version('onnxruntime')}\n"
    )
    print("| | MB | SAD | MSE | Grad | from PyTorch | s | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    base = columns["torch"].seconds
    for name, column in columns.items():
        sad, mse, grad = np.mean(column.errors, axis=0)
        far = f"{column.largest:.1e}, {np.mean(column.mean):.1e}"
        print(
            f"| {name} | {column.size / 1e6:.1f} | {sad:.3f} | {mse:.5f} | {grad:.3f} | "
            f"{far if column is not columns['torch'] else ''} | {column.seconds:.2f} | "
            f"{column.seconds / base:.2f} |"
        )


if __name__ == "__main__":
    main()
