"""Time, memory, convergence and errors of the priors, with PyMatting's closed form in the same run.

    python benchmarks/priors.py [--threads 2] [--repeat 5] [--data DATASET]

Without DATASET: a composite of 775x580 px (0.45 MP) of which a fifth is unknown, a training crop of
192 px, and how many iterations bands of 10 to 400 px take. DATASET is any folder with true mattes
that `lsamatting evaluate` takes; the errors are those it gives (see docs/evaluation.md).

Times are the best of the repetitions, after one that is not counted, so that nothing compiled or
loaded once is: on the clock, and of all cores together, which tells more where others compute, too.
Memory is the peak above what was there before, for each pixel of the picture.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from repeated import Measured, measure_repeated
from validation import build, markdown

Image = NDArray[np.float32]

OPACITIES = (
    "alpha_light",
    "alpha_joint",
    "alpha_closed_form",
    "alpha_mixture",
    "mixture_confidence",
)
EXTENSIONS = (
    "nearest_foreground",
    "nearest_background",
    "smooth_foreground",
    "smooth_background",
    "distances",
)


def texture(height: int, width: int, rng: np.random.Generator) -> Image:
    """Noise of every scale, as photographs have it."""
    import cv2

    image = np.zeros((height, width, 3), np.float32)
    for scale in (1, 2, 4, 8, 16, 32):
        noise = rng.standard_normal((height, width, 3)).astype(np.float32)
        image += scale * cv2.GaussianBlur(noise, (0, 0), scale)
    return np.clip(rng.random(3, dtype=np.float32) + 0.08 * image, 0, 1)


def composite(height: int, width: int, unknown: float) -> tuple[Image, NDArray[np.uint8]]:
    """A soft disc whose trimap leaves this share of the picture unknown; 8 bits, as files have."""
    rng = np.random.default_rng(0)
    front, back = texture(height, width, rng), texture(height, width, rng)
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2) - min(height, width) / 4
    alpha = np.clip(0.5 - distance / 12, 0, 1).astype(np.float32)[..., None]
    image = np.round((alpha * front + (1 - alpha) * back) * 255) / 255
    half = np.quantile(np.abs(distance), unknown)
    trimap = np.select([distance < -half, distance > half], [255, 0], 128).astype(np.uint8)
    return image.astype(np.float32), trimap


def pymatting_closed_form(image: Image, trimap: NDArray[np.uint8]) -> NDArray[np.float64]:
    from pymatting import estimate_alpha_cf

    return np.asarray(estimate_alpha_cf(image.astype(np.float64), trimap / 255.0))


def measured(function: Callable[[], Any], repeat: int) -> tuple[Measured, float]:
    """Give what `measure_repeated` gives, and the least seconds of all cores together."""
    function()
    busy = []

    def watched() -> None:
        start = time.process_time()
        function()
        busy.append(time.process_time() - start)

    return measure_repeated(watched, repeat), min(busy)


def report_costs(name: str, image: Image, trimap: NDArray[np.uint8], options: Any) -> None:
    from lsamatting.priors import compute_priors

    unknown = np.count_nonzero(trimap == 128)
    print(f"\n{name}: {trimap.shape[1]}x{trimap.shape[0]} px, {unknown / trimap.size:.0%} unknown")
    runs: list[tuple[str, Callable[[], Any]]] = [
        ("PyMatting closed form", lambda: pymatting_closed_form(image, trimap))
    ]
    for label, which in (
        ("alpha_closed_form", ("alpha_closed_form",)),
        ("alpha_joint", ("alpha_joint",)),
        ("alpha_mixture", ("alpha_mixture",)),
        ("all opacities", OPACITIES),
        ("all opacities, extended colours", OPACITIES + EXTENSIONS),
    ):
        for workers in sorted({1, options.threads}):
            runs.append(
                (
                    f"{label}, {workers} thread{'s' * (workers > 1)}",
                    lambda which=which, workers=workers: compute_priors(
                        image, trimap, which=which, workers=workers
                    ),
                )
            )
    reference: tuple[float, float] | None = None
    for label, function in runs:
        result, busy = measured(function, options.repeat)
        reference = reference or (result.seconds, busy)
        print(
            f"  {label:42} {result.seconds * 1e3:8.1f} ms ({result.seconds / reference[0]:6.3f} of"
            f" PyMatting's)  {busy * 1e3:8.1f} ms of cores ({busy / reference[1]:6.3f})"
            f"  {result.bytes / trimap.size:5.0f} bytes/px",
            flush=True,
        )


def report_convergence() -> None:
    from lsamatting.priors.couplings import window_couplings
    from lsamatting.priors.laplacian import MattingLaplacian
    from lsamatting.priors.local_affine import LocalAffine
    from lsamatting.priors.multigrid import Multigrid

    print("\nIterations until the residual is below a share of the right-hand side")
    print("  band     " + "".join(f"{share:>8.0e}" for share in (1e-2, 1e-3, 1e-4, 1e-5)))
    image = texture(300, 500, np.random.default_rng(0))
    for band in (10, 25, 50, 100, 200, 400):
        foreground, unknown = np.zeros((2, 300, 500), bool)
        foreground[:, :40] = True
        unknown[:, 40 : 40 + band] = True
        couplings = window_couplings(image, foreground, unknown)
        laplacian = MattingLaplacian.of(couplings)
        faint = np.full(len(laplacian.rows), 1e-6)
        solver = Multigrid(LocalAffine(laplacian, couplings, image), faint)
        counts = [
            solver.solve(
                laplacian.pull + faint / 2,
                start=np.full(len(faint), 0.5),
                tolerance=share,
                most_iterations=300,
            )[1]
            for share in (1e-2, 1e-3, 1e-4, 1e-5)
        ]
        print(f"  {band:4} px  " + "".join(f"{count:8}" for count in counts), flush=True)


def report_errors(folder: Path) -> None:
    from tempfile import TemporaryDirectory

    from lsamatting.evaluation.datasets import open_dataset
    from lsamatting.evaluation.evaluate import evaluate

    pictures = open_dataset(folder)
    with TemporaryDirectory() as results:
        records = [
            evaluate(pictures, predictor, Path(results) / f"{method.name}.jsonl", method=method)
            for predictor, method in build(["closed-form", "priors"], "")
        ]
    print(f"\nMean errors on the unknown region of {len(pictures)} pictures\n\n{markdown(records)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="for PyMatting's solver and ours")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", type=Path, help="pictures with true mattes")
    options = parser.parse_args()
    for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{variable}_NUM_THREADS"] = "1"
    if options.data:
        report_errors(options.data)
    else:
        report_costs("Picture", *composite(580, 775, 0.2), options)
        report_costs("Training crop", *composite(192, 192, 0.2), options)
        report_convergence()
    return 0


if __name__ == "__main__":
    sys.exit(main())
