"""Re-estimating the foregrounds of a training set, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.budget import default_memory
from lsamatting.choices import ReestimationMethod
from lsamatting.errors import ImageError
from lsamatting.foreground.fit import choose_rows
from lsamatting.foreground.refine import ITERATIONS, refine_samples
from lsamatting.images import DEFAULT_MAX_PIXELS, read_grey, read_picture, write_picture
from lsamatting.picture_files import best_depth
from lsamatting.processes import in_processes, worker_count
from lsamatting.samples import Samples, as_float

_FLOAT_SUFFIXES = (".exr", ".tif", ".tiff")


@dataclass(frozen=True)
class Task:
    """A foreground, its opacity, and the file to write."""

    foreground: Path
    alpha: Path
    output: Path


@dataclass(frozen=True)
class Reestimation:
    """How foregrounds are re-estimated."""

    method: ReestimationMethod = "exact"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of `lsamatting.foreground.refine_foreground`; `closed-form` has none."""

    max_pixels: int = DEFAULT_MAX_PIXELS
    """Larger files are refused."""

    memory: int | None = None
    """Bytes that all processes may take together; half of what is free if not given."""

    def colours(
        self, foreground: Samples, alpha: Samples, *, name: str = "the picture"
    ) -> NDArray[np.float32]:
        """Give the new foreground, HxWx3, of one that has H×W opacity.

        Where memory is short some rows are computed at a time, which does not change the result.

        Raises
        ------
        ImageError
            Even so it does not fit; `name` is of the picture, in the message.
        ConfigError
            An option is not accepted.
        """
        sweeps = 0
        if self.method in ("multilevel", "jacobi"):
            sweeps = self.options.get("iterations", ITERATIONS)
        height, width = alpha.shape
        rows = choose_rows(
            width, height, method=self.method, sweeps=sweeps, memory=self.memory, name=name
        )
        if self.method == "closed-form":
            from lsamatting.foreground.closed_form import closed_form_foreground

            return closed_form_foreground(as_float(foreground), as_float(alpha))
        return refine_samples(foreground, alpha, method=self.method, rows=rows, **self.options)

    def write(self, task: Task) -> tuple[str, ...]:
        """Write one new foreground, at the depth of the old one; give notes on what was read.

        Raises
        ------
        ImageError
            A file cannot be read or written, or the two are not of one size.
        ConfigError
            An option is not accepted.
        """
        picture = read_picture(task.foreground, max_pixels=self.max_pixels)
        opacity, _ = read_grey(task.alpha, max_pixels=self.max_pixels)
        if opacity.shape != picture.samples.shape[:2]:
            raise ImageError(
                f"{task.alpha}: {opacity.shape[1]}x{opacity.shape[0]} pixels, but "
                f"{task.foreground} has {picture.size[0]}x{picture.size[1]}"
            )
        write_picture(
            task.output,
            self.colours(picture.samples, opacity, name=str(task.foreground)),
            depth=best_depth(task.output, picture.depth),
            linear=picture.linear,
        )
        return tuple(f"{task.foreground}: {note}" for note in picture.notes)


def output_suffix(foreground: Path) -> str:
    """Give the type of a new foreground's file: PNG, but of what may hold floats its own."""
    return foreground.suffix if foreground.suffix.lower() in _FLOAT_SUFFIXES else ".png"


@contextmanager
def reestimate_files(
    tasks: Sequence[Task], how: Reestimation, *, workers: int | None = None
) -> Iterator[Iterator[tuple[Task, tuple[str, ...] | Exception]]]:
    """Do tasks side by side, and let none that fails stop the others.

    Yields
    ------
    Iterator
        Each task with its notes or its error, as they end; see `in_processes`, also for `workers`.
    """
    memory = default_memory() if how.memory is None else how.memory
    processes = min(worker_count(workers), max(len(tasks), 1))
    how = replace(how, memory=memory // processes)
    with in_processes(partial(_attempt, how), tasks, workers=workers) as results:
        yield results


def _attempt(how: Reestimation, task: Task) -> tuple[str, ...] | Exception:
    try:
        return how.write(task)
    except Exception as error:
        return error
