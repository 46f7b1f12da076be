"""A framed picture and the network that looks at it: asked once, or again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Boundary, Precision
from lsamatting.inference.frame import Frame
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.refinement.targets import boundary_targets
from lsamatting.inference.runtime import Runtime
from lsamatting.inference.strokes import Stroke, paint_strokes
from lsamatting.inference.symmetry import IDENTITY, Symmetry
from lsamatting.inference.tiled import count_runs, run_tiled

if TYPE_CHECKING:
    from lsamatting.inference.refinement.refiner import Refined, Refiner

Progress = Callable[[int, int], None]
"""Called with how much is done and of how much. An exception that it raises ends the work; what
was computed so far is dropped, and nothing else is harmed."""


def within(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Count the steps of one of several equal parts among those of all."""
    if progress is None:
        return None
    return lambda done, of: progress(number * of + done, parts * of)


@dataclass(frozen=True)
class Estimate:
    """The opacity of a picture, and how it came about."""

    alpha: NDArray[np.float32]
    """H×W in [0, 1]; known pixels are 0 and 1, strokes what they say."""

    seconds: Mapping[str, float]
    """Time spent on `network`, on `refinement` where there was any, and, by what frames the picture
    too, on `priors`."""

    reports: tuple[RefinementReport, ...] = ()
    """What refinement did, one report for each run of the network."""


def add_seconds(total: dict[str, float], spent: Mapping[str, float]) -> None:
    """Add what an estimate took to what others took, in place."""
    for step, seconds in spent.items():
        total[step] = total.get(step, 0.0) + seconds


NOTHING_TO_REFINE = RefinementReport(
    c1=(),
    c2=(),
    weight=0.0,
    notice="nothing is unknown, so there is nothing to refine",
    seconds=0.0,
)


class OpenPicture:
    """A framed picture before a network.

    What the encoder gave is kept for refining again, with other options or strokes of other
    opacity. Strokes of 0 and 1 belong into the trimap that the picture is framed with, too
    (`lsamatting.inference.strokes.with_strokes`).

    Parameters
    ----------
    runtime:
        The network.
    frame:
        What is computed of the picture.
    """

    def __init__(self, runtime: Runtime, frame: Frame) -> None:
        self.runtime = runtime
        self.frame = frame
        self._refiner: Refiner | None = None
        """Of the picture as it is, not turned."""

    def estimate(
        self,
        *,
        refinement: RefinementOptions | None = None,
        boundary: Boundary = "paper",
        precision: Precision = "auto",
        strokes: Sequence[Stroke] = (),
        symmetries: Sequence[Symmetry] = (IDENTITY,),
        progress: Progress | None = None,
    ) -> Estimate:
        """Estimate the opacity of every pixel, as the average over some symmetries.

        Every run is clipped to [0, 1] before it counts. Only sums are kept, so memory is that of
        one run.

        Parameters
        ----------
        refinement:
            Refine each run by backpropagation, and how.
        boundary:
            Whose boundary pixels refinement looks at.
        precision:
            Number format of runs that are not refined.
        strokes:
            Corrections; the stroked pixels become exactly what they say.
        symmetries:
            How the picture is turned for each run.
        progress:
            Called with the runs, on tiles if there are any, or steps of refinement, done and their
            number.
        """
        frame = self.frame
        steps = refinement.steps if refinement else self._runs()
        total = steps * len(symmetries)

        def tell(run: int, step: int = 0, _: int = 0) -> None:
            if progress is not None:
                progress(run * steps + step, total)

        reports: list[RefinementReport] = []
        started = perf_counter()
        tell(0)
        if frame.empty:
            alpha = frame.restore(np.empty((0, 0), np.float32))
            if refinement is not None:
                reports.append(NOTHING_TO_REFINE)
        else:
            summed: NDArray[np.float32] | None = None
            for run, symmetry in enumerate(symmetries):
                if refinement is None:
                    opacity = self._run(symmetry, precision, partial(tell, run))
                else:
                    refined = self.refine(
                        refinement,
                        boundary=boundary,
                        strokes=strokes,
                        symmetry=symmetry,
                        progress=partial(tell, run),
                    )
                    opacity = refined.alpha
                    reports.append(refined.report)
                    if len(symmetries) > 1:
                        # Features of two runs at once would double the peak of memory.
                        self._refiner = None
                summed = opacity if summed is None else np.add(summed, opacity, out=summed)
                del opacity
                tell(run, steps)
            assert summed is not None
            summed /= np.float32(len(symmetries))
            alpha = frame.restore(summed)
        paint_strokes(alpha, strokes)
        seconds = {"network": perf_counter() - started}
        if refinement is not None:
            seconds["refinement"] = sum(report.seconds for report in reports)
            seconds["network"] -= seconds["refinement"]
        return Estimate(alpha=alpha, seconds=seconds, reports=tuple(reports))

    def refine(
        self,
        options: RefinementOptions,
        *,
        boundary: Boundary = "paper",
        strokes: Sequence[Stroke] = (),
        symmetry: Symmetry = IDENTITY,
        progress: Progress | None = None,
    ) -> Refined:
        """Refine one run of the network; parameters as in `estimate`.

        Returns
        -------
        Refined
            Of the frame's size. Known pixels have the network's opacity, too.
        """
        refiner = self._refiner if symmetry == IDENTITY else None
        if refiner is None:
            refiner = self.runtime.refiner(self.frame, symmetry)
        if symmetry == IDENTITY:
            self._refiner = refiner
        placed = refiner.placed
        laid = ((self.frame.lay_out_mask(mask, placed), value) for mask, value in strokes)
        targets = replace(
            boundary_targets(placed.marks, placed.counted, boundary=boundary),
            strokes=tuple((mask, value) for mask, value in laid if mask.any()),
        )
        refined = refiner.refine(targets, options, progress=progress)
        return replace(
            refined, alpha=placed.take(refined.alpha), initial=placed.take(refined.initial)
        )

    def _runs(self) -> int:
        """Count the runs of the network for one symmetry."""
        if self.frame.tile is None or self.frame.empty:
            return 1
        return count_runs(self.runtime, self.frame, side=self.frame.tile)

    def _run(
        self, symmetry: Symmetry, precision: Precision, progress: Progress
    ) -> NDArray[np.float32]:
        if self.frame.tile is not None:
            opacity = run_tiled(
                self.runtime,
                self.frame,
                symmetry,
                precision=precision,
                side=self.frame.tile,
                progress=progress,
            )
            # Weights of tiles add up to one but for rounding.
            np.clip(opacity, 0, 1, out=opacity)
            return opacity
        layout = self.frame.lay_out(symmetry)
        given = layout.take(self.runtime.run(layout, precision=precision))
        return np.asarray(np.clip(given, 0, 1))
