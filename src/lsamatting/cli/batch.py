"""What `matte` does with each picture, and what it does when one of them fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lsamatting.cli.console import complain, complain_unexpected, say, stderr_console, warn
from lsamatting.cli.streams import named, readable, writable
from lsamatting.errors import LsamattingError, TrimapError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from rich.console import Console

    from lsamatting.choices import Depth, ForegroundMethod, Transfer
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
    erode: int | None = None
    dilate: int | None = None
    thresholds: dict[str, int] = field(default_factory=dict)
    """Options of `Trimap.read` that differ from its defaults."""

    @property
    def sees_picture(self) -> bool:
        """Whether the picture has a say in the trimap: in the width of a mask's band."""
        return self.is_mask and self.erode is None and self.dilate is None

    def read(self, path: Path, picture: Picture) -> Trimap:
        """Read the guide of a picture."""
        from lsamatting.trimap import Trimap

        source = readable(path)
        if self.is_mask:
            return Trimap.from_mask(
                source,
                image=picture.visible() if self.sees_picture else None,
                erode=self.erode,
                dilate=self.dilate,
                max_pixels=self.max_pixels,
            )
        return Trimap.read(source, max_pixels=self.max_pixels, **self.thresholds)


@dataclass(frozen=True)
class Reading:
    """How pictures are read."""

    max_pixels: int
    transfer: Transfer | None = None
    layer: str | None = None
    opacity: bool = True
    metadata: bool = True

    def picture(self, path: Path) -> Picture:
        """Read one file."""
        from lsamatting.images import read_picture

        picture = read_picture(
            readable(path),
            max_pixels=self.max_pixels,
            transfer=self.transfer,
            layer=self.layer,
            opacity=self.opacity,
        )
        return picture if self.metadata else replace(picture, metadata=None)


@dataclass(frozen=True)
class Work:
    """What is done with every picture."""

    model: Matting
    guide: Guide
    reading: Reading
    backdrop: ArrayLike = OVERLAY_COLOUR
    foreground_method: ForegroundMethod = "blur-fusion"
    refine: RefinementOptions | Literal[False] = False
    strokes: Path | None = None
    """Corrections of the only picture, painted on a transparent layer."""

    depth: Depth | None = None
    quality: int | None = None
    _latest: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

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
        start = time.perf_counter()
        picture = self.reading.picture(task.pair.image)
        trimap = self._trimap(task.pair.guide, picture)
        trimap.check_size(
            picture.pixels.shape[:2], named(task.pair.image), called=named(task.pair.guide)
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
                f"{named(task.pair.guide if note.source == 'trimap' else task.pair.image)}: {note}"
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
        strokes = []
        if self.strokes is not None:
            from lsamatting.painted import read_corrections

            strokes = read_corrections(self.strokes, picture, max_pixels=self.reading.max_pixels)
        return self.model(
            picture,
            trimap,
            foreground=method,
            refine=self.refine,
            strokes=strokes,
            progress=progress,
        )

    def _trimap(self, path: Path, picture: Picture) -> Trimap:
        # One guide may serve thousands of frames.
        if self._latest.get("path") != path or self.guide.sees_picture:
            self._latest.update(path=path, trimap=self.guide.read(path, picture))
        trimap: Trimap = self._latest["trimap"]
        return trimap

    def _write(self, kind: str, path: Path, picture: Picture, result: Matte) -> None:
        target, suffix = writable(path)
        how: dict[str, Any] = {"depth": self.depth, "quality": self.quality, "suffix": suffix}
        if kind == "alpha":
            result.save(target, **how)
        elif kind == "cutout":
            result.save_cutout(target, **how)
        elif kind == "foreground":
            result.save_foreground(target, **how)
        elif kind == "composite":
            result.save_composite(target, self.backdrop, **how)
        elif kind == "overlay":
            from lsamatting.compositing.overlay import overlay
            from lsamatting.images import write_picture

            shown = result.composite(self.backdrop)
            sheet = overlay(picture.pixels, result.trimap.values, result.alpha, shown)
            write_picture(target, sheet, quality=self.quality, suffix=suffix)


@dataclass
class Outcome:
    """What became of the tasks of one run."""

    done: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    pending: list[Task] = field(default_factory=list)
    """Not reached: the run was interrupted."""

    code: int = 0

    def fail(self, image: Path, error: Exception, console: Console) -> None:
        """Note a picture that failed, and say so."""
        self.failed.append({"image": str(image), "error": str(error)})
        if isinstance(error, LsamattingError):
            complain(str(error), console)
            self.code = self.code or 2
        else:
            complain_unexpected(error, console)
            self.code = 1


def run_all(
    tasks: list[Task],
    work: Work,
    *,
    batch: bool,
    quiet: bool,
    unpaired: list[tuple[Path, str]] | None = None,
) -> Outcome:
    """Do the tasks; in a batch an error is reported and the others are done all the same.

    `unpaired` are pictures that have failed already, for want of a guide. An interrupt ends the
    run with what it has come to.
    """
    from rich.progress import Progress

    outcome = Outcome()
    console = stderr_console()
    for image, problem in unpaired or []:
        outcome.fail(image, TrimapError(problem), console)
    with Progress(
        console=console,
        transient=True,
        disable=quiet or not ((batch or work.slow) and console.is_terminal),
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
            except KeyboardInterrupt:
                outcome.pending = tasks[number:]
                break
            except Exception as error:
                if not batch:
                    raise
                outcome.fail(task.pair.image, error, console)
                continue
            outcome.done.append(report)
            for note in report["notes"]:
                warn(note, console)
            if not quiet:
                _tell(report)
    return outcome


def summary(
    outcome: Outcome, *, kept: list[str], skipped: list[tuple[Path, str]], named: int = 5
) -> str:
    """Say in one line what became of a batch, with the first of the files that were passed over."""
    counts = [f"{len(outcome.done)} done"]
    for items, what in (
        (outcome.failed, "failed"),
        (kept, "kept, their files are there"),
        (outcome.pending, "not reached"),
    ):
        if items:
            counts.append(f"{len(items)} {what}")
    if skipped:
        names = [f"{path.name}: {reason}" for path, reason in skipped[:named]]
        more = f" and {len(skipped) - named} more" if len(skipped) > named else ""
        counts.append(f"{len(skipped)} skipped ({'; '.join(names)}{more})")
    return ", ".join(counts)


def _tell(report: dict[str, Any]) -> None:
    files = ", ".join(report["outputs"].values())
    say(f"{report['image']} -> {files} ({report['seconds']['total']:.2f} s)")
