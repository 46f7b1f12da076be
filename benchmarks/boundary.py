"""Measure what refinement without strokes brings: the objective and the error, before and after.

    python benchmarks/boundary.py DATA [--weights lite]

DATA holds `image/`, `alpha/` and `trimap/`, matched by stem. Pictures whose objective begins below
what refinement stops at are counted, not refined. SAD, in thousands, is that of the unknown region.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lsamatting import Matting, Trimap
from lsamatting.images import read_grey, read_picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", default="lite")
    arguments = parser.parse_args()
    model = Matting.from_pretrained(arguments.weights, device="cpu", precision="full")
    print("| photograph | objective | after | SAD | after |")
    print("|---|---|---|---|---|")
    satisfied = 0
    pictures = sorted((arguments.data / "image").iterdir())
    for path in pictures:
        alpha, _ = read_grey(next((arguments.data / "alpha").glob(f"{path.stem}.*")))
        trimap = Trimap.read(next((arguments.data / "trimap").glob(f"{path.stem}.*")))
        session = model.open(read_picture(path), trimap, foreground="none")
        refined = session.refine()
        objective = refined.refinement[0].objective
        if len(objective) < 2:
            satisfied += 1
            continue
        found = [
            float((np.abs(matte.alpha - alpha) * trimap.unknown).sum()) / 1000
            for matte in (session.predict(), refined)
        ]
        print(
            f"| {path.stem} | {objective[0]:.1e} | {objective[-1]:.1e} "
            f"| {found[0]:.2f} | {found[1]:.2f} |",
            flush=True,
        )
    print(f"\n{satisfied} of {len(pictures)} agree with their trimaps as they are.")


if __name__ == "__main__":
    main()
