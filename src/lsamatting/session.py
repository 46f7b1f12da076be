"""One picture kept open: predicted once, then refined and corrected with strokes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from lsamatting.choices import ForegroundMethod
from lsamatting.errors import ConfigError
from lsamatting.foreground.estimate import estimate_foreground
from lsamatting.images import Picture
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.levels import OpenLevels
from lsamatting.inference.open_picture import Progress
from lsamatting.inference.refinement.options import RefinementOptions, default_options
from lsamatting.inference.runtime import Runtime
from lsamatting.inference.strokes import Stroke, check_stroke, with_strokes
from lsamatting.matte import Matte
from lsamatting.memory import give_back_freed_memory
from lsamatting.trimap import Trimap


class Session:
    """A picture and its trimap before a network; `Matting.open` makes it.

    What was computed is kept as long as it holds: the colour priors and the encoder's features for
    as long as no stroke of 0 or 1 comes or goes.

    Examples
    --------
    >>> session = model.open("cat.jpg", "cat-trimap.png")
    >>> session.predict().save("alpha.png")
    >>> session.stroke(mask, 0)  # mask: H×W, True where the matte should be 0
    >>> session.refine().save("corrected.png")
    """

    def __init__(
        self,
        runtime: Runtime,
        picture: Picture,
        trimap: Trimap,
        *,
        options: EstimateOptions = EstimateOptions(),  # noqa: B008 (frozen)
        foreground: ForegroundMethod = "blur-fusion",
    ) -> None:
        self.picture = picture
        self.trimap = trimap
        self._runtime = runtime
        self._options = options
        self._foreground = foreground
        self._strokes: list[Stroke] = []
        self._visible = picture.visible_samples()
        self._open: OpenLevels | None = None

    @property
    def strokes(self) -> Sequence[Stroke]:
        """The strokes, the oldest first."""
        return tuple(self._strokes)

    def stroke(self, mask: NDArray[Any], value: float) -> None:
        """Say how opaque some pixels are.

        The stroked pixels get exactly this opacity in every matte that follows. 0 and 1 are
        knowledge like the trimap's, from which the colour priors are computed and which the
        network sees, so that what is around the stroke is corrected, too. `refine` makes the
        network agree with any stroke. Of strokes that overlap the latest holds.

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
        height, width = self.trimap.values.shape
        self._strokes.append(check_stroke(mask, value, (height, width)))

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

    def predict(self, *, progress: Progress | None = None) -> Matte:
        """Give the network's own matte, with the strokes on it."""
        return self._estimate(None, progress)

    def refine(
        self, options: RefinementOptions | None = None, *, progress: Progress | None = None
    ) -> Matte:
        """Give the matte refined by backpropagation towards trimap and strokes (section 4.3).

        Parameters
        ----------
        options:
            How the objective is minimised; as calling the model does if not given.
        progress:
            Called with the steps done and their number; an exception that it raises ends the
            refinement, and the session stays as it was.

        Returns
        -------
        Matte
            `refinement` tells what was done. If it made things worse, or there was nothing to do,
            the matte is that of `predict` and `notes` say so; of a picture that is looked at in
            several sizes that is so for each size by itself.
        """
        chosen = options or default_options(self._options.padding, self._options.boundary)
        return self._estimate(chosen, progress)

    def _estimate(self, refinement: RefinementOptions | None, progress: Progress | None) -> Matte:
        started = time.perf_counter()
        marks = with_strokes(self.trimap.values, self._strokes)
        if self._open is None or not self._open.holds(marks, self._strokes):
            # Priors are solved afresh, not from the last ones: a matte then follows from the
            # strokes alone, in whatever order they came and whichever were taken back.
            self._open = OpenLevels(
                self._runtime,
                self._visible,
                marks,
                options=self._options,
                strokes=self._strokes,
                keep=True,
                name=str(self.picture.path or "the picture"),
            )
        found = self._open.estimate(refinement=refinement, strokes=self._strokes, progress=progress)
        seconds = dict(found.seconds)
        begun = time.perf_counter()
        colours = estimate_foreground(
            self.picture.samples, found.alpha, marks, method=self._foreground
        )
        seconds["foreground"] = time.perf_counter() - begun
        give_back_freed_memory()
        seconds["total"] = time.perf_counter() - started
        return Matte.of(
            self.picture,
            replace(self.trimap, values=marks) if self._strokes else self.trimap,
            alpha=found.alpha,
            foreground=colours,
            reports=found.reports,
            seconds=seconds,
        )
