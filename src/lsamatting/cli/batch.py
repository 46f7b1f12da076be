"""What `matte` does with each picture, and what it does when one of them fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lsamatting.cli.console import complain, complain_unexpected, say, stderr_console, warn
from lsamatting.cli.options import DEFAULT_BAND
from lsamatting.cli.strokes import read_strokes
from lsamatting.errors import LsamattingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lsamatting.choices import Depth, ForegroundMethod
    from lsamatting.cli.pairing import Pair
    from lsamatting.images import Picture
    from lsamatting.inference.refinement.options import RefinementOptions
    from lsamatting.matte import Matte
    from lsamatting.matting import Matting
    from lsamatting.trimap import Trimap

OVERLAY_COLOUR = (0.16, 0.43, 0.40)
"""What an overlay shows the subject on if --on does not say: a green that is rare in subjects."""


@dataclass(frozen=True)
class Task:
    """One picture, its guide, and the files to write by the name of their option."""

    pair: Pair
    outputs: dict[str, Path]


@dataclass(frozen=True)
class Guide:
    """How trimaps are read, or made from masks."""

    max_pixels: int
    is_mask: bool = False
    erode: int = DEFAULT_BAND
    dilate: int = DEFAULT_BAND
    thresholds: dict[str, int] = field(default_factory=dict)
    """Options of `Trimap.read` that differ from its defaults."""

    def read(self, path: Path) -> Trimap:
        """Read one file."""
        from lsamatting.images import read_grey
        from lsamatting.trimap import Trimap

        if self.is_mask:
            values, _ = read_grey(path, max_pixels=self.max_pixels)
            return Trimap.from_mask(values, erode=self.erode, dilate=self.dilate)
        return Trimap.read(path, max_pixels=self.max_pixels, **self.thresholds)


@dataclass(frozen=True)
class Work:
    """What is done with every picture."""

    model: Matting
    guide: Guide
    max_pixels: int
    backdrop: ArrayLike = OVERLAY_COLOUR
    foreground_method: ForegroundMethod = "blur-fusion"
    refine: RefinementOptions | Literal[False] = False
    strokes: Path | None = None
    """Corrections of the only picture, painted on a transparent layer."""

    depth: Depth | None = None

    @property
    def slow(self) -> bool:
        """Whether one picture takes long enough to show how far it is."""
        return bool(self.refine) or self.model.options.averaging.runs > 1

    def do(self, task: Task, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Make one matte and write its files.

        `progress` is called with the runs or steps done and their number.

        Returns
        -------
        dict
            What was done, ready for JSON.
        """
        from lsamatting.images import read_picture

        start = time.perf_counter()
        picture = read_picture(task.pair.image, max_pixels=self.max_pixels)
        trimap = self.guide.read(task.pair.guide)
        trimap.check_size(
            picture.pixels.shape[:2], str(task.pair.image), called=str(task.pair.guide)
        )
        read = time.perf_counter() - start
        result = self._solve(task, picture, trimap, progress)
        start_of_writing = time.perf_counter()
        for name, path in task.outputs.items():
            self._write(name, path, picture, result)
        end = time.perf_counter()
        seconds = {
            **{name: spent for name, spent in result.seconds.items() if name != "total"},
            "read": read + result.seconds.get("read", 0.0),
            "write": end - start_of_writing,
            "total": end - start,
        }
        width, height = picture.size
        return {
            "image": str(task.pair.image),
            "mask" if self.guide.is_mask else "trimap": str(task.pair.guide),
            "size": [width, height],
            "pixels": trimap.counts._asdict(),
            "outputs": {name: str(path) for name, path in task.outputs.items()},
            "notes": [
                f"{task.pair.guide if note.source == 'trimap' else task.pair.image}: {note}"
                for note in result.notes
            ],
            "refinement": [report.to_dict() for report in result.refinement],
            "seconds": {name: round(value, 4) for name, value in seconds.items()},
        }

    def _solve(
        self,
        task: Task,
        picture: Picture,
        trimap: Trimap,
        progress: Callable[[int, int], None] | None,
    ) -> Matte:
        method = self.foreground_method if set(task.outputs) - {"alpha"} else "none"
        strokes = (
            []
            if self.strokes is None
            else read_strokes(self.strokes, picture, max_pixels=self.max_pixels)
        )
        return self.model(
            picture,
            trimap,
            foreground=method,
            refine=self.refine,
            strokes=strokes,
            progress=progress,
        )

    def _write(self, name: str, path: Path, picture: Picture, result: Matte) -> None:
        if name == "alpha":
            result.save(path, depth=self.depth)
        elif name == "cutout":
            result.save_cutout(path, depth=self.depth)
        elif name == "foreground":
            result.save_foreground(path, depth=self.depth)
        elif name == "composite":
            result.save_composite(path, self.backdrop, depth=self.depth)
        elif name == "overlay":
            from lsamatting.compositing.overlay import overlay
            from lsamatting.images import write_picture

            shown = result.composite(self.backdrop)
            write_picture(path, overlay(picture.pixels, result.trimap.values, result.alpha, shown))


def run_all(
    tasks: list[Task], work: Work, *, batch: bool, quiet: bool
) -> tuple[list[dict[str, Any]], list[dict[str, str]], int]:
    """Do the tasks; in a batch an error is reported and the others are done all the same.

    Returns
    -------
    tuple
        What was done, what failed, and the exit code.
    """
    from rich.progress import Progress

    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    code = 0
    console = stderr_console()
    with Progress(
        console=console,
        transient=True,
        disable=not ((batch or work.slow) and console.is_terminal),
        # Results stay on stdout when that is a file or a pipe.
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        pictures = progress.add_task("pictures", total=len(tasks), visible=batch)
        inside = progress.add_task("runs and steps", total=None, visible=work.slow)

        def show(done: int, total: int) -> None:
            progress.update(inside, completed=done, total=total)

        for number, task in enumerate(tasks):
            progress.update(pictures, completed=number)
            try:
                report = work.do(task, show)
            except Exception as error:
                if not batch:
                    raise
                failed.append({"image": str(task.pair.image), "error": str(error)})
                if isinstance(error, LsamattingError):
                    complain(str(error), console)
                    code = code or 2
                else:
                    complain_unexpected(error, console)
                    code = 1
                continue
            done.append(report)
            for note in report["notes"]:
                warn(note, console)
            if not quiet:
                _tell(report)
    return done, failed, code


def _tell(report: dict[str, Any]) -> None:
    files = ", ".join(report["outputs"].values())
    say(f"{report['image']} -> {files} ({report['seconds']['total']:.2f} s)")
