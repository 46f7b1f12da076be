"""A picture before a network at its own size, and at halves of it where much is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lsamatting.inference.coarse_to_fine import blend, close, count_halvings, halve, halve_trimap
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.fit import choose_tile
from lsamatting.inference.frame import frame_picture
from lsamatting.inference.open_picture import (
    Estimate,
    OpenPicture,
    Progress,
    add_seconds,
    within,
)
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.runtime import Runtime
from lsamatting.inference.strokes import Stroke, paint_strokes, soft_strokes
from lsamatting.inference.symmetry import IDENTITY, Symmetry
from lsamatting.inference.tta import resize_stroke
from lsamatting.samples import Samples
from lsamatting.windows import window_around


class OpenLevels:
    """A picture before a network, asked once or, if `keep`, again and again.

    Nothing is computed before it is asked.

    Parameters
    ----------
    runtime
        The network.
    image
        H×W×3, gamma-encoded RGB: in [0, 1], or integers as in files.
    trimap
        H×W with 0, 128 (unknown) and 255; strokes of 0 and 1 belong into it
        (`lsamatting.inference.strokes.with_strokes`).
    options
        How opacity is estimated; scales of averaging and refinement are up to the caller.
    symmetries
        How the picture is turned for each run.
    strokes
        Corrections that will come.
    keep
        Whether what was computed is kept to be used again.
    halvings
        How often the picture is halved; by default as its trimap asks for it.
    name
        Of the picture, in messages.
    """

    def __init__(
        self,
        runtime: Runtime,
        image: Samples,
        trimap: NDArray[np.uint8],
        *,
        options: EstimateOptions,
        symmetries: Sequence[Symmetry] = (IDENTITY,),
        strokes: Sequence[Stroke] = (),
        keep: bool = False,
        halvings: int | None = None,
        name: str = "the picture",
    ) -> None:
        self.runtime = runtime
        self.image = image
        self.trimap = trimap
        self.options = options
        self.symmetries = symmetries
        self.keep = keep
        self.name = name
        if halvings is None:
            wide = options.starts_coarse(runtime.config)
            halvings = count_halvings(trimap) if wide else 0
        self.halvings = halvings
        self._window = _window(trimap, options.margin, halvings)
        """What of the picture is looked at, at all sizes: others have no use for the rest."""
        self._soft = soft_strokes(strokes, trimap.shape)
        self._smaller: OpenLevels | None = None
        self._seen: NDArray[np.float32] | None = None
        """Opacity of the smaller picture, not refined."""
        self._own: OpenPicture | None = None

    def holds(self, trimap: NDArray[np.uint8], strokes: Sequence[Stroke]) -> bool:
        """Whether what was computed is right for this trimap and these strokes, too."""
        if not np.array_equal(trimap, self.trimap):
            return False
        # What is left for the picture's own size to find depends on where there are strokes.
        return not self.halvings or np.array_equal(soft_strokes(strokes, trimap.shape), self._soft)

    def estimate(
        self,
        *,
        refinement: RefinementOptions | None = None,
        strokes: Sequence[Stroke] = (),
        progress: Progress | None = None,
    ) -> Estimate:
        """Estimate the opacity of every pixel.

        Parameters
        ----------
        refinement
            Refine each run by backpropagation, at every size, and how.
        strokes
            Corrections; the stroked pixels become exactly what they say.
        progress
            Called with the runs, or steps of refinement, done and their number.

        Returns
        -------
        Estimate
            `seconds` are those of what was computed now. `reports` begin with the picture's own.

        Raises
        ------
        TrimapError
            Image and trimap differ in size.
        ImageError
            It does not fit into the memory that may be taken, even in tiles.
        ConfigError
            The runtime cannot refine.
        """
        seconds = {"priors": 0.0}
        smaller = self._see_smaller(refinement, strokes, progress, seconds)
        own = self._open_own(refinement, seconds)
        found = own.estimate(
            refinement=refinement,
            boundary=self.options.boundary,
            precision=self.options.precision,
            strokes=self._within_window(strokes),
            symmetries=self.symmetries,
            progress=within(progress, self.halvings, self.halvings + 1),
        )
        add_seconds(seconds, found.seconds)
        remained = own.frame.whole
        del own
        if not self.keep:
            self._own = None
        if smaller is None:
            return replace(found, seconds=seconds)
        begun = perf_counter()
        blend(found.alpha, remained, smaller.alpha)
        alpha = (self.trimap == 255).astype(np.float32)
        alpha[self._window] = found.alpha
        paint_strokes(alpha, strokes)
        add_seconds(seconds, {"network": perf_counter() - begun})
        reports = (*found.reports, *smaller.reports)
        return replace(found, alpha=alpha, seconds=seconds, reports=reports)

    def _see_smaller(
        self,
        refinement: RefinementOptions | None,
        strokes: Sequence[Stroke],
        progress: Progress | None,
        seconds: dict[str, float],
    ) -> Estimate | None:
        """Estimate the opacity of the picture at half its size."""
        if not self.halvings:
            return None
        smaller = self._smaller or self._open_smaller(strokes, keep=refinement is not None)
        told = self._first(progress)
        if self._seen is None:
            # Without the strokes, which may change; those of 0 and 1 are in the trimap. Where
            # steps of refinement are what is counted it can be cancelled before them, too.
            quiet = None if told is None else lambda _, of: told(0, of)
            seen = smaller.estimate(progress=quiet if refinement else told)
            self._seen = seen.alpha
            add_seconds(seconds, seen.seconds)
        found = Estimate(alpha=self._seen, seconds={})
        if refinement is not None:
            shape = smaller.trimap.shape
            resized = [resize_stroke(stroke, shape) for stroke in self._within_window(strokes)]
            found = smaller.estimate(refinement=refinement, strokes=resized, progress=told)
            add_seconds(seconds, found.seconds)
        if self.keep:
            self._smaller = smaller
        return found

    def _open_smaller(self, strokes: Sequence[Stroke], *, keep: bool) -> OpenLevels:
        trimap = halve_trimap(self.trimap[self._window])
        return OpenLevels(
            self.runtime,
            halve(self.image[self._window]),
            trimap,
            options=self.options,
            symmetries=self.symmetries,
            strokes=[
                resize_stroke(stroke, trimap.shape) for stroke in self._within_window(strokes)
            ],
            keep=self.keep or keep,
            halvings=self.halvings - 1,
            name=self.name,
        )

    def _open_own(
        self, refinement: RefinementOptions | None, seconds: dict[str, float]
    ) -> OpenPicture:
        """Frame what remains unknown, in tiles if it has to be."""
        trimap = self.trimap[self._window] if self._own is None else self._own.frame.whole
        if self._own is None and self._seen is not None:
            trimap = close(trimap, self._seen, self._soft[self._window])
        tile = choose_tile(
            trimap,
            self.runtime,
            padding=self.options.padding,
            margin=self.options.margin,
            refined=refinement is not None,
            memory=self.options.memory,
            name=self.name,
        )
        if self._own is None:
            frame = frame_picture(
                self.image[self._window],
                trimap,
                padding=self.options.padding,
                margin=self.options.margin,
                priors=self.runtime.config.priors,
                tile=tile,
            )
            add_seconds(seconds, {"priors": frame.seconds})
            self._own = OpenPicture(self.runtime, frame)
        elif self._own.frame.tile != tile:
            # Refinement takes more, so that it may need tiles where the network alone did not.
            self._own = OpenPicture(self.runtime, replace(self._own.frame, tile=tile))
        return self._own

    def _within_window(self, strokes: Sequence[Stroke]) -> list[Stroke]:
        """Give what is looked at of strokes."""
        parts = (Stroke(stroke.mask[self._window], stroke.value) for stroke in strokes)
        return [stroke for stroke in parts if stroke.mask.any()]

    def _first(self, progress: Progress | None) -> Progress | None:
        """Count the steps of the smaller picture among those of all sizes, each as many."""
        if progress is None:
            return None
        parts = self.halvings
        return lambda done, of: progress(done, of // parts * (parts + 1))


def _window(trimap: NDArray[np.uint8], margin: int, halvings: int) -> tuple[slice, slice]:
    """Bound what is to be looked at; its rows and columns begin where halved ones do."""
    around = window_around(trimap == 128, margin * 2**halvings) if halvings else None
    if around is None:
        return slice(None), slice(None)
    rows, columns = (slice(part.start >> halvings << halvings, part.stop) for part in around)
    return rows, columns
