"""Train candidates on the same samples, and compare their errors with closed-form matting's.

    python benchmarks/bakeoff.py configs/bakeoff.yaml --root data/procedural --samples 20000 \
        --on natural=VALIDATION --on wide=WIDE --out runs/bakeoff [--only NAME…]

Each candidate is a set of settings over one training configuration. Samples are made once and kept
(`data.recorded`); a candidate that is done is not trained again, one that was interrupted goes on.
The table gives the ratio to closed-form matting, evaluated in the same way on the same pictures.
`home` is made here: composites of the training's own kind that no candidate has seen.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import yaml
from jsonargparse import ArgumentParser

from lsamatting.data.samples import CompositingDataset, WideBatches
from lsamatting.evaluation.comparison import PAPER_MEASURES
from lsamatting.evaluation.records import read_records
from lsamatting.training.data import MattingData

HOME_PICTURES = 48
HOME_SEED = 10_000
COMMAND = [sys.executable, "-m", "lsamatting"]


def as_options(settings: dict[str, Any]) -> list[str]:
    return [
        part
        for key, value in settings.items()
        for part in (f"--{key}", value if isinstance(value, str) else json.dumps(value))
    ]


def write_home(folder: Path, config: Path, options: dict[str, Any]) -> None:
    """Draw unseen composites with the configuration's own augmentation."""
    if (folder / "trimap").exists():
        return
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(MattingData, "data")
    settings = yaml.safe_load(config.read_text())["data"]
    settings |= {key.removeprefix("data."): value for key, value in options.items()}
    data: MattingData = parser.instantiate(parser.parse_object({"data": settings})).data
    wide = WideBatches(data.wide_size, data.wide_share, 1) if data.wide_share else None
    samples = CompositingDataset(
        data.cache, size=data.size, seed=HOME_SEED, config=data.augment, wide=wide,
        shares=data.shares,
    )  # fmt: skip
    for name in ("image", "alpha", "trimap"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    written = number = 0
    while written < HOME_PICTURES:
        sample = samples.sample(number)
        number += 1
        # Closed-form matting, the yardstick, needs known pixels of either side.
        if len(np.unique(sample.trimap)) < 3:
            continue
        image = np.rint(sample.image[..., ::-1] * 255).astype(np.uint8)
        alpha = np.rint(sample.alpha * 255).astype(np.uint8)
        for name, array in (("image", image), ("alpha", alpha), ("trimap", sample.trimap)):
            cv2.imwrite(str(folder / name / f"{number:04d}.png"), array)
        written += 1


def train(name: str, config: Path, settings: dict[str, Any], out: Path) -> Path:
    run = out / name
    if not (run / "done").exists():
        resume = ["--resume"] if (run / "last.ckpt").exists() else []
        options = as_options({**settings, "run.name": name, "run.folder": str(out)})
        subprocess.run([*COMMAND, "train", str(config), *options, *resume], check=True)
        (run / "done").touch()
    return run


def errors(dataset: Path, results: Path, options: list[str]) -> dict[str, float]:
    if not (results.exists() and read_records(results).complete):
        subprocess.run(
            [*COMMAND, "evaluate", str(dataset), "-o", str(results), *options], check=True
        )
    return read_records(results).means()


def samples_per_second(run: Path) -> float:
    with (run / "metrics.csv").open() as file:
        rates = [
            float(row["samples_per_second"])
            for row in csv.DictReader(file)
            if row.get("samples_per_second")
        ]
    return median(rates) if rates else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--root", required=True, help="foregrounds to train on, see data.root")
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--on", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, default=Path("runs/bakeoff"))
    parser.add_argument("--only", nargs="*", help="candidates to train now")
    args = parser.parse_args()

    plan = yaml.safe_load(args.config.read_text())
    config = args.config.parent / plan["training"]
    common = {**plan["settings"], "data.root": args.root, "model.optimiser.samples": args.samples}
    sets = {name: Path(folder) for name, _, folder in (on.partition("=") for on in args.on)}
    sets["home"] = args.out / "home"
    # The pictures of `home` are made here, not kept samples.
    data = {
        key: value
        for key, value in common.items()
        if key.startswith("data.") and not key.startswith("data.recorded")
    }
    write_home(sets["home"], config, data)
    args.out.mkdir(parents=True, exist_ok=True)
    peers = {
        name: errors(folder, args.out / f"closed-form-{name}.jsonl", ["--method", "closed-form"])
        for name, folder in sets.items()
    }
    lines = [
        f"| candidate | samples/s | {' | '.join(f'{name}: SAD MSE Grad Conn' for name in sets)} |",
        "|---" * (2 + len(sets)) + "|",
    ]
    for name, changes in plan["candidates"].items():
        if args.only and name not in args.only:
            continue
        settings = {"data.recorded": str(args.out / "recorded"), **common, **(changes or {})}
        run = train(name, config, settings, args.out)
        cells = []
        for where, folder in sets.items():
            found = errors(folder, run / f"{where}.jsonl", ["--weights", str(run / "weights")])
            ratios = [found[measure] / peers[where][measure] for measure in PAPER_MEASURES]
            cells.append(" ".join(f"{ratio:.2f}" for ratio in ratios))
        lines.append(f"| {name} | {samples_per_second(run):.0f} | {' | '.join(cells)} |")
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
