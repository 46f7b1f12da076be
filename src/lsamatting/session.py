"""One picture kept open: predicted once, then refined and corrected without the encoder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Boundary, ForegroundMethod, Padding
from lsamatting.errors import ConfigError, TrimapError
from lsamatting.foreground.decontaminate import estimate_foreground
from lsamatting.images import Picture
from lsamatting.inference.frame import Frame, Layout, frame_picture, lay_out
from lsamatting.inference.refinement.options import RefinementOptions, default_options
from lsamatting.inference.refinement.refiner import Refiner
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.refinement.targets import boundary_targets
from lsamatting.matte import Matte
from lsamatting.network.lsanet import LSANet
from lsamatting.trimap import BACKGROUND, FOREGROUND, UNKNOWN, Trimap

FloatArray = NDArray[np.float32]

BRUSH = RefinementOptions(steps=10, optimiser="lbfgs")
"""How strokes are followed if nothing else is asked for. Once a stroke is met, further steps only
fulfil C2: what followed the stroke goes back to where it was."""


class Session:
    """A picture and its trimap, with the encoder's features; `Matting.open` makes it.

    Examples
    --------
    >>> session = model.open("cat.jpg", "cat-trimap.png")
    >>> session.predict().save("alpha.png")
    >>> session.stroke(mask, 0)  # mask: H×W, True where the matte should be 0
    >>> session.refine().save("corrected.png")
    """

    def __init__(
        self,
        network: LSANet,
        picture: Picture,
        trimap: Trimap,
        *,
        device: Any = "cpu",
        padding: Padding = "window",
        boundary: Boundary = "paper",
        foreground: ForegroundMethod = "ml",
    ) -> None:
        self.picture = picture
        self.trimap = trimap
        self._foreground = foreground
        self._boundary = boundary
        self._padding: Padding = padding
        self._strokes: list[tuple[NDArray[np.bool_], float]] = []
        started = time.perf_counter()
        self._visible = picture.visible()
        self._frame = frame_picture(
            self._visible, trimap.values, padding=padding, priors=network.config.priors
        )
        self._layout: Layout | None = None
        self._refiner: Refiner | None = None
        if self._frame is not None:
            self._layout = lay_out(
                self._frame.image,
                self._frame.trimap,
                self._frame.priors,
                self._frame.counted,
                padding=padding,
                device=device,
            )
            self._refiner = Refiner(network, self._layout)
        self._opened = time.perf_counter() - started

    @property
    def strokes(self) -> int:
        """How many strokes there are."""
        return len(self._strokes)

    def stroke(self, mask: NDArray[Any], value: float) -> None:
        """Say how opaque some pixels are.

        The stroked pixels get exactly this opacity in every matte that follows. `refine` also
        makes the network agree with it, which corrects what looks alike around the stroke. Of
        strokes that overlap the latest holds.

        Parameters
        ----------
        mask:
            H×W bool of the picture's size, True where it was painted.
        value:
            Opacity in [0, 1].

        Raises
        ------
        TrimapError
            The mask is of another size or empty.
        ConfigError
            The value is out of range.
        """
        mask = np.asarray(mask)
        height, width = self.trimap.values.shape
        if mask.shape != (height, width):
            found = "×".join(str(side) for side in mask.shape[::-1]) or "a single number"
            raise TrimapError(f"the stroke is {found} pixels but the picture is {width}×{height}")
        mask = mask.astype(bool)
        if not mask.any():
            raise TrimapError("the stroke has no pixel")
        if not 0 <= value <= 1:
            raise ConfigError(f"a stroke's opacity is from 0 to 1, found {value:g}")
        self._strokes.append((mask, float(value)))

    def undo_stroke(self) -> None:
        """Take the latest stroke back.

        Raises
        ------
        ConfigError
            There is none.
        """
        if not self._strokes:
            raise ConfigError("there is no stroke to take back")
        self._strokes.pop()

    def predict(self) -> Matte:
        """Give the network's own matte, with the strokes on it."""
        return self._matte(None, self._refiner.initial if self._refiner else None, ())

    def refine(
        self,
        options: RefinementOptions | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Matte:
        """Give the matte refined by backpropagation towards trimap and strokes (section 4.3).

        Parameters
        ----------
        options:
            How the objective is minimised. If not given: as calling the model does, and with
            strokes by a few steps of L-BFGS, which answer sooner and carry further.
        progress:
            Called with the steps done and their number.

        Returns
        -------
        Matte
            `refinement` tells what was done. If it made things worse, or there was nothing to do,
            the matte is that of `predict` and `notes` say so.
        """
        if self._refiner is None or self._frame is None or self._layout is None:
            report = RefinementReport((), (), True, "nothing is unknown: not refined", 0.0)
            return self._matte(None, None, (report,))
        how = options or (BRUSH if self._strokes else default_options(self._padding))
        started = time.perf_counter()
        targets = boundary_targets(
            self._layout.marks, self._layout.counted, boundary=self._boundary
        )
        refinement = self._refiner.refine(
            replace(targets, strokes=tuple(self._laid_out_strokes(self._frame, self._layout))),
            steps=how.steps,
            rate=how.rate,
            optimiser=how.optimiser,
            progress=progress,
        )
        spent = time.perf_counter() - started
        return self._matte(spent, refinement.alpha, (RefinementReport.of(refinement),))

    def _laid_out_strokes(
        self, frame: Frame, layout: Layout
    ) -> list[tuple[NDArray[np.bool_], float]]:
        laid = []
        for mask, value in self._strokes:
            seen = mask[frame.window]
            if seen.any():
                canvas = np.zeros(layout.marks.shape, np.bool_)
                canvas[layout.place][: seen.shape[0], : seen.shape[1]] = seen
                laid.append((canvas, value))
        return laid

    def _matte(
        self,
        refining: float | None,
        estimate: FloatArray | None,
        reports: tuple[RefinementReport, ...],
    ) -> Matte:
        started = time.perf_counter()
        if estimate is None or self._frame is None or self._layout is None:
            alpha = np.asarray(self.trimap.foreground, np.float32)
        else:
            alpha = self._frame.restore(estimate[self._layout.place])
        marks = self.trimap.values.copy()
        for mask, value in self._strokes:
            alpha[mask] = value
            marks[mask] = FOREGROUND if value == 1 else BACKGROUND if value == 0 else UNKNOWN
        colours = estimate_foreground(self.picture.pixels, alpha, marks, method=self._foreground)
        timings = {"network": self._opened}
        if refining is not None:
            timings["refinement"] = refining
        timings["foreground"] = time.perf_counter() - started
        timings["total"] = sum(timings.values())
        notices = tuple(report.notice for report in reports if report.notice)
        return Matte(
            alpha=alpha,
            foreground=colours,
            trimap=self.trimap,
            timings=timings,
            depth=self.picture.depth,
            linear=self.picture.linear,
            notes=(*self.picture.notes, *self.trimap.warnings, *notices),
            refinement=reports,
        )
