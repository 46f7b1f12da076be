"""Measure what installing takes on disk and what a first matte takes in time, beside rembg.

    python benchmarks/start.py [--folder start/] [--runs 7]

Makes virtual environments in FOLDER (those that are there are taken as they are): `small`, of
`pip install .`; `torch`, of `.[torch]`, with PyTorch's wheel for processors if TORCH names one; and
`rembg`, of `rembg[cpu]`. Then in each, as processes of their own: the first matte after installing,
and the least and the median of further ones, in wall and processor time, on the demo's portrait
(512×512, 0.26 MP). Of rembg only the import is timed: its model is another download, of 176 MB.
Sizes are of all files but pip and setuptools. Needs scikit-image in the environment that runs it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
TORCH = os.environ.get("TORCH", "torch")
ENVIRONMENTS = {
    "small": [str(ROOT)],
    "torch": [TORCH, f"{ROOT}[torch]"],
    "rembg": ["rembg[cpu]"],
}
NOT_COUNTED = ("pip", "setuptools")


def make(folder: Path, what: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *what], check=True)


def size(folder: Path) -> float:
    """Megabytes of an environment."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    counted = (
        path
        for path in files
        if not any(part.partition("-")[0] in NOT_COUNTED for part in path.parts)
    )
    return sum(path.stat().st_size for path in counted) / 1e6


def timed(command: list[str | Path]) -> tuple[float, float]:
    """Wall time and processor time of a process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, cwd="/")
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("start"))
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(exist_ok=True)

    from PIL import Image
    from skimage import data

    from lsamatting.demo import ASTRONAUT_TRIMAP

    picture, trimap = folder / "portrait.png", folder / "trimap.png"
    Image.fromarray(data.astronaut()).save(picture)
    shutil.copy(ASTRONAUT_TRIMAP, trimap)

    def matte(name: str, runtime: str) -> list[str | Path]:
        program = folder / name / "bin" / "lsamatting"
        return [program, "matte", picture, trimap, "-o", folder / "a.png", "--runtime", runtime]

    measured = {
        "small, ONNX Runtime": ("small", matte("small", "onnx")),
        "torch, PyTorch": ("torch", matte("torch", "torch")),
        "torch, ONNX Runtime": ("torch", matte("torch", "onnx")),
        "rembg, import alone": (
            "rembg",
            [folder / "rembg" / "bin" / "python", "-c", "import rembg"],
        ),
    }
    firsts: dict[str, float] = {}
    for name, what in ENVIRONMENTS.items():
        if not (folder / name).exists():
            make(folder / name, what)
            first = next(label for label, (where, _) in measured.items() if where == name)
            firsts[first] = timed(measured[first][1])[0]
    base = None
    print("| | MB | first, s | least, s | median, s | processor, s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for label, (name, command) in measured.items():
        runs = [timed(command) for _ in range(given.runs)]
        walls = [wall for wall, _ in runs]
        base = base or min(walls)
        first = f"{firsts[label]:.2f}" if label in firsts else ""
        print(
            f"| {label} | {size(folder / name):.0f} | {first} | {min(walls):.2f} | "
            f"{median(walls):.2f} | {min(spent for _, spent in runs):.2f} | "
            f"{min(walls) / base:.2f} |"
        )


if __name__ == "__main__":
    main()
