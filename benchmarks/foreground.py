"""Time the re-estimation of a foreground against other ways, all in one run.

    python benchmarks/foreground.py [--size 1600x1200] [--repeat 3] [--plot FILE]
    python benchmarks/foreground.py --memory [--sizes 6,24] [--methods exact,multilevel]

The foreground is a furred body, in its own colours where opaque and contaminated with another
picture's the less opaque it is. "NumPy" is Algorithm 2 in double precision, as one writes it down.
C is the cost of the paper; the largest residual is that of the equations (the cost's derivative).
Memory is what the process grows by at its peak, above the inputs, in float32 pictures of this size;
each way runs in a process of its own.

`--memory` runs the command `refine-foreground` on such pictures of so many megapixels, at once and
with as little memory as it accepts, compares the two files, and prints the process's peak and its
processor time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from repeated import measure_repeated

from lsamatting.foreground import foreground_cost, refine_foreground

Array = NDArray[Any]


def furry(width: int, height: int) -> tuple[Array, Array]:
    """Draw a foreground and its opacity, the same ones every time."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / height
    alpha = np.zeros((height, width), np.uint8)
    centre, radius = np.array([width / 2, 0.56 * height]), 0.33 * height
    cv2.circle(alpha, (int(centre[0]), int(centre[1])), int(radius), 255, -1, cv2.LINE_AA)
    for _ in range(16 * height):
        angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.normal(0, 0.25), 12)
        reach = radius + 0.14 * height * np.linspace(-0.2, rng.uniform(0.1, 1), 12)
        path = centre + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        strand = [(path * 16).astype(np.int32)]
        cv2.polylines(alpha, strand, False, int(rng.integers(50, 256)), 1, cv2.LINE_AA, 4)
    opacity = alpha.astype(np.float32) / 255
    coat = 0.5 + 0.2 * np.sin(np.stack([9 * rows, 7 * columns, 5 * rows + 4 * columns], 2))
    coat += cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 1.5)[..., None] * 0.2
    behind = cv2.GaussianBlur(rng.random((height, width, 3)), (0, 0), 2.5) * 3 - 1
    share = opacity[..., None]
    colours = np.clip(share * coat + (1 - share) * behind, 0, 1)
    return colours.astype(np.float32), opacity


def plain(foreground: Array, alpha: Array) -> Array:
    """Algorithm 2: S = 6, T = 20, κ = 1."""
    height, width = alpha.shape
    foreground, alpha = foreground.astype(np.float64), alpha.astype(np.float64)
    picture = alpha[..., None] * foreground
    estimate = foreground
    for scale in range(5, -1, -1):
        size = (width // 2**scale, height // 2**scale)
        i = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        a = cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR)
        estimate = cv2.resize(estimate, size, interpolation=cv2.INTER_LINEAR)
        q = np.pad((1 - a) ** 2, 1, mode="reflect")
        around = [q[:-2, 1:-1], q[2:, 1:-1], q[1:-1, :-2], q[1:-1, 2:]]
        q = q[1:-1, 1:-1]
        below = (a**2 + 4 * q + sum(around))[..., None]
        weights = [(q + other)[..., None] for other in around]
        known = a[..., None] * i
        for _ in range(2**scale * 20):
            f = np.pad(estimate, ((1, 1), (1, 1), (0, 0)), mode="reflect")
            flow = weights[0] * f[:-2, 1:-1] + weights[1] * f[2:, 1:-1]
            flow += weights[2] * f[1:-1, :-2] + weights[3] * f[1:-1, 2:]
            estimate = (known + flow) / below
    return estimate


def pymatting(name: str, foreground: Array, alpha: Array) -> Array:
    """Run one of PyMatting's estimates on the picture that shows the foreground on black."""
    with contextlib.redirect_stdout(io.StringIO()):
        import pymatting

        picture = alpha[..., None] * foreground
        if name == "ml":
            return pymatting.estimate_foreground_ml(picture, alpha)
        estimate = pymatting.estimate_foreground_cf(picture.astype(float), alpha.astype(float))
        return estimate


WAYS = {
    "exact": lambda f, a: refine_foreground(f, a),
    "multilevel": lambda f, a: refine_foreground(f, a, method="multilevel"),
    "jacobi": lambda f, a: refine_foreground(f, a, method="jacobi"),
    "NumPy Algorithm 2": plain,
    "PyMatting ml": lambda f, a: pymatting("ml", f, a),
    "PyMatting cf": lambda f, a: pymatting("cf", f, a),
}
OURS = ("exact", "multilevel", "jacobi")


def largest_residual(estimate: Array, foreground: Array, alpha: Array) -> float:
    """Largest |dC/dF| of any pixel and channel."""
    f, a = estimate.astype(np.float64), alpha.astype(np.float64)
    q = (1 - a) ** 2
    r = (a**2)[..., None] * (f - foreground)
    across = (q[:, 1:] + q[:, :-1])[..., None] * np.diff(f, axis=1)
    r[:, :-1] -= across
    r[:, 1:] += across
    down = (q[1:] + q[:-1])[..., None] * np.diff(f, axis=0)
    r[:-1] -= down
    r[1:] += down
    return float(np.abs(r).max())


def measure(name: str, width: int, height: int, repeat: int) -> dict[str, Any]:
    """Run one way in this process."""
    way = WAYS[name]
    small = furry(96, 72)
    way(*small)  # compiles and loads
    foreground, alpha = furry(width, height)
    measured = measure_repeated(lambda: way(foreground, alpha), repeat)
    return {
        "seconds": measured.seconds,
        "cost": foreground_cost(measured.result, foreground, alpha),
        "residual": largest_residual(measured.result, foreground, alpha),
        "pictures": measured.bytes / foreground.nbytes,
    }


def draw(folder: Path, megapixels: float) -> None:
    """Write the files fg.png and alpha.png."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    for file, values in zip(("fg", "alpha"), furry(round(height * 4 / 3), height), strict=True):
        cv2.imwrite(str(folder / f"{file}.png"), np.rint(values * 255).astype(np.uint8), fast)


def command(folder: Path, output: str, method: str, memory: str) -> tuple[float, float, str]:
    """Run the command; give its peak in GiB, its processor time in seconds, and its complaint."""
    told = folder / "told.txt"
    with told.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "lsamatting", "refine-foreground"]
            + [str(folder / name) for name in ("fg.png", "alpha.png")]
            + ["-o", str(folder / output), "--method", method, "--memory", memory],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime
    return usage.ru_maxrss / 2**20, seconds, told.read_text() if process.returncode else ""


def compare_memory(megapixels: list[float], methods: list[str]) -> None:
    print("| method | MP | `--memory` | peak, GiB | processor, s | same file |")
    print("|---|---|---|---|---|---|")
    for size in megapixels:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            # In a process of its own: the peak of what starts the command would count as its own.
            subprocess.run([sys.executable, __file__, "--draw", name, str(size)], check=True)
            for method in methods:
                command(folder, "first.png", method, "100GiB")  # compiles what is not kept yet
                peak, seconds, _ = command(folder, "whole.png", method, "100GiB")
                print(
                    f"| {method} | {size:g} | at once | {peak:.2f} | {seconds:.1f} | |", flush=True
                )
                # What it says to need with next to nothing, it has to do with.
                _, _, problem = command(folder, "refused.png", method, "512MiB")
                needed = re.search(r"about ([\d.]+) (.iB)", problem)
                least = "512MiB" if needed is None else f"{float(needed[1]) + 0.1:.1f}{needed[2]}"
                peak, seconds, problem = command(folder, "parts.png", method, least)
                files = [folder / name for name in ("whole.png", "parts.png")]
                same = not problem and files[0].read_bytes() == files[1].read_bytes()
                print(
                    f"| {method} | {size:g} | {least} | {peak:.2f} | {seconds:.1f} | "
                    f"{problem.strip() or same} |",
                    flush=True,
                )
                files[1].unlink(missing_ok=True)
                for file in ("first.png", "whole.png"):
                    (folder / file).unlink()


def curves(width: int, height: int, repeat: int) -> dict[str, list[tuple[float, float]]]:
    """Time and cost of our three methods as their effort grows."""
    foreground, alpha = furry(width, height)
    efforts: dict[str, list[dict[str, Any]]] = {
        "exact": [{"tolerance": t} for t in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)],
        "multilevel": [{"iterations": t} for t in (1, 2, 5, 10, 20, 50, 100)],
        "jacobi": [{"iterations": t} for t in (10, 30, 100, 300)],
    }
    found: dict[str, list[tuple[float, float]]] = {}
    for method, options in efforts.items():
        refine_foreground(foreground, alpha, method=method)  # type: ignore[arg-type]
        for option in options:
            times = []
            for _ in range(repeat):
                start = time.perf_counter()
                result = refine_foreground(foreground, alpha, method=method, **option)  # type: ignore[arg-type]
                times.append(time.perf_counter() - start)
            cost = foreground_cost(result, foreground, alpha)
            found.setdefault(method, []).append((min(times), cost))
    return found


def plot(path: Path, rows: dict[str, dict[str, Any]], width: int, height: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    traced = curves(width, height, 2)
    # Below what the most exact solution reaches there is nothing, so the rest is what is shown.
    lowest = min(cost for points in traced.values() for _, cost in points)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for method, points in traced.items():
        seconds = [p[0] for p in points]
        excess = [max(p[1] / lowest - 1, 1e-8) for p in points]
        axes.loglog(seconds, excess, "o-", label=method)
    for name, row in rows.items():
        if name not in OURS:
            axes.loglog(row["seconds"], row["cost"] / lowest - 1, "s", label=name)
    axes.set_xlabel("seconds")
    axes.set_ylabel("C / lowest C − 1")
    axes.set_title(f"{width}×{height}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1600x1200", help="WIDTHxHEIGHT")
    parser.add_argument("--repeat", type=int, default=3, help="best of so many; slow ways run once")
    parser.add_argument("--plot", type=Path, help="picture of C against time")
    parser.add_argument("--draw", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument(
        "--memory", action="store_true", help="of the command, at once and in parts"
    )
    parser.add_argument("--sizes", default="6,24", help="with --memory: megapixels")
    parser.add_argument("--methods", default="exact,multilevel", help="with --memory")
    options = parser.parse_args()
    if options.draw:
        draw(Path(options.draw[0]), float(options.draw[1]))
        return
    if options.memory:
        sizes = [float(size) for size in options.sizes.split(",")]
        compare_memory(sizes, options.methods.split(","))
        return
    width, height = (int(n) for n in options.size.split("x"))
    if options.only:
        print(json.dumps(measure(options.only, width, height, options.repeat)))
        return
    foreground, alpha = furry(width, height)
    mixed = ((alpha > 0) & (alpha < 1)).mean()
    print(f"{width}x{height}, {mixed:.0%} mixed, {(alpha == 0).mean():.0%} transparent; ", end="")
    print(f"C of the foreground as it is: {foreground_cost(foreground, foreground, alpha):.1f}\n")
    rows: dict[str, dict[str, Any]] = {}
    for name in WAYS:
        repeat = options.repeat if name in OURS else 1
        command = [sys.executable, __file__, "--only", name, "--repeat", str(repeat)]
        done = subprocess.run(
            [*command, "--size", options.size], capture_output=True, text=True, check=True
        )
        rows[name] = json.loads(done.stdout.splitlines()[-1])
    reference = rows["NumPy Algorithm 2"]["seconds"]
    print("| | s | times faster than NumPy | C | largest residual | peak memory, pictures |")
    print("|---|---|---|---|---|---|")
    for name, row in rows.items():
        print(
            f"| {name} | {row['seconds']:.3f} | {reference / row['seconds']:.1f} "
            f"| {row['cost']:.2f} | {row['residual']:.1e} | {row['pictures']:.1f} |"
        )
    ratio = rows["multilevel"]["seconds"] / rows["exact"]["seconds"]
    print(f"\nexact is {ratio:.2f} times as fast as multilevel")
    if options.plot:
        plot(options.plot, rows, width, height)


if __name__ == "__main__":
    main()
