"""Measure what refinement without strokes brings: the objective and the error, before and after.

    python benchmarks/boundary.py DATA [--weights lite] [--enough 1e-5]

DATA holds `image/`, `alpha/` and `trimap/`, matched by stem. Pictures whose objective begins below
what refinement stops at are counted, not refined; with `--enough 0` each takes all its evaluations.
SAD, in thousands, is that of the unknown region.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lsamatting import Matting, Trimap
from lsamatting.images import read_grey, read_picture
from lsamatting.inference.refinement.options import RefinementOptions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="lite")
    parser.add_argument("--enough", type=float, default=RefinementOptions.enough)
    arguments = parser.parse_args()
    options = RefinementOptions(enough=arguments.enough)
    model = Matting.from_pretrained(arguments.weights, device="cpu", precision="full")
    print("| photograph | objective | after | SAD | after |")
    print("|---|---|---|---|---|")
    satisfied = 0
    sums = []
    pictures = sorted((arguments.data / "image").iterdir())
    for path in pictures:
        alpha, _ = read_grey(next((arguments.data / "alpha").glob(f"{path.stem}.*")))
        trimap = Trimap.read(next((arguments.data / "trimap").glob(f"{path.stem}.*")))
        session = model.open(read_picture(path), trimap, foreground="none")
        refined = session.refine(options)
        objective = refined.refinement[0].objective
        if len(objective) < 2:
            satisfied += 1
            continue
        found = [
            float((np.abs(matte.alpha - alpha) * trimap.unknown).sum()) / 1000
            for matte in (session.predict(), refined)
        ]
        sums.append(found)
        print(
            f"| {path.stem} | {objective[0]:.1e} | {objective[-1]:.1e} "
            f"| {found[0]:.2f} | {found[1]:.2f} |",
            flush=True,
        )
    if sums:
        before, after = np.mean(sums, axis=0)
        print(f"| mean | | | {before:.3f} | {after:.3f} |")
    print(f"\n{satisfied} of {len(pictures)} agree with their trimaps as they are.")


if __name__ == "__main__":
    main()
