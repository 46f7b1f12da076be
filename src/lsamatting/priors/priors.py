"""All colour priors of an image and its trimap, stacked as a network's extra input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError
from lsamatting.memory import give_back_freed_memory
from lsamatting.priors.channels import PRIOR_CHANNELS, channel_count
from lsamatting.priors.closed_form import MIXTURE_WEIGHT, ClosedForm
from lsamatting.priors.extension import implied_alpha, nearest_colours, smooth_colours
from lsamatting.priors.grid import enlarge, shrink, shrink_known
from lsamatting.priors.light import share_of_light
from lsamatting.priors.mixture import colour_mixture
from lsamatting.samples import Samples, as_float

GRID = 2
"""Extensions are computed on a grid this many times coarser than the image: they are smooth, and
four times cheaper there. Opacities are taken at full resolution."""

DISTANCE_RANGE = 64.0
"""Distance in image pixels that maps to 1; farther counts the same."""

STRIP = 512
"""Rows that are shrunk together."""

STACKED = 64
"""Rows that are stacked together, a multiple of `GRID`: few enough for the processor's cache."""


def compute_priors(
    image: Samples,
    trimap: NDArray[np.uint8],
    *,
    which: Sequence[str] = tuple(PRIOR_CHANNELS),
    workers: int = 1,
) -> NDArray[np.float32]:
    """Compute the named priors of a whole picture: H×W×P; see `PriorField`."""
    return PriorField(image, trimap, which=which, workers=workers).part()


class PriorField:
    """The named priors of a picture, which are solved for all of it and given for any part.

    - `alpha_mixture`: share of the foreground in the mixture of known colours that explains a
      pixel's own; `mixture_confidence`: how far apart the two mixed colours lie, η.
    - `alpha_closed_form`: closed-form matting; `alpha_joint`: the same, held to the mixture where
      that is certain; `alpha_light`: of that the share of the light, by the smooth colours.
    - `nearest_foreground`, `nearest_background`: colour of the nearest known pixels, and
      `distances` to them; `smooth_foreground`, `smooth_background`: known colours carried on
      smoothly; `alpha_nearest`, `alpha_smooth`: the opacity that such a pair implies.

    Opacities that are solved for are kept for unknown pixels only, the rest on its grid.

    Parameters
    ----------
    image:
        H×W×3, gamma-encoded RGB: in [0, 1], or integers as in files.
    trimap:
        H×W with 0 (background), 128 (unknown) and 255 (foreground).
    which:
        Names of `PRIOR_CHANNELS`, in the order in which they are to be stacked.
    workers:
        Threads to share the work among; more than two are of no use, and two take more memory.

    Raises
    ------
    ConfigError
        A name is not a prior's.
    """

    def __init__(
        self,
        image: Samples,
        trimap: NDArray[np.uint8],
        *,
        which: Sequence[str] = tuple(PRIOR_CHANNELS),
        workers: int = 1,
    ) -> None:
        for name in which:
            if name not in PRIOR_CHANNELS:
                raise ConfigError(f"unknown prior {name!r}; accepted: {', '.join(PRIOR_CHANNELS)}")
        self.which = tuple(which)
        self._image = image
        self._trimap = trimap
        self._before = _counted_before(trimap)
        self._solved: dict[str, NDArray[np.float32]] = {}
        """Of each unknown pixel, row by row."""
        self._carried: dict[str, NDArray[np.float32]] = {}
        """On the grid."""
        height, width = trimap.shape
        self._grid = (width + GRID - 1) // GRID, (height + GRID - 1) // GRID
        if workers > 1:
            with ThreadPoolExecutor(workers) as pool:
                self._solve(set(which), pool)
        else:
            self._solve(set(which), None)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return (*self._trimap.shape, channel_count(self.which))

    def part(self, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[np.float32]:
        """Give the priors of a part, H×W×P float32 in [0, 1].

        It is what the whole has there, to rounding, if the part begins at multiples of `GRID` and
        the picture's sides are multiples of it.
        """
        height, width, channels = self.shape
        rows, columns = slice(*rows.indices(height)[:2]), slice(*columns.indices(width)[:2])
        stack = np.empty(
            (rows.stop - rows.start, columns.stop - columns.start, channels), np.float32
        )
        if stack.size == 0:
            return stack
        step = STACKED if self._on_grid else len(stack)
        for top in range(0, len(stack), step):
            strip = stack[top : top + step]
            first = rows.start + top
            part = _Part(self, slice(first, first + len(strip)), columns)
            # NumPy would go through memory once for each channel.
            cv2.merge([part.named(name) for name in self.which], dst=strip)
        return stack

    @property
    def _on_grid(self) -> bool:
        """Whether each pixel of the grid stands for as many of the picture's."""
        across, down = self._grid
        return self._trimap.shape == (GRID * down, GRID * across)

    def _solve(self, which: set[str], pool: ThreadPoolExecutor | None) -> None:
        """Solve for what is wanted; what does not wait for each other side by side."""
        joint = bool(which & _OF_JOINT)
        solving = ["alpha_joint"] * joint + ["alpha_closed_form"] * ("alpha_closed_form" in which)

        # Masks are made where they are needed: all along, they would be three bytes a pixel.
        def mix() -> None:
            mixture = colour_mixture(self._image, *self._known())
            unknown = _unknown(self._trimap)
            self._solved["alpha_mixture"] = mixture.alpha[unknown]
            self._solved["mixture_confidence"] = mixture.confidence[unknown]

        def affinities() -> ClosedForm:
            return ClosedForm(self._image, *self._known())

        def extend() -> None:
            self._extend(which)

        mixing = bool(which & _OF_MIXTURE)
        if pool is None:
            if mixing:
                mix()
                give_back_freed_memory()
            if solving:
                closed_form = affinities()
                for name in solving:
                    self._solved[name] = self._opacity(closed_form, name)
                del closed_form
                give_back_freed_memory()
            extend()
            return
        mixed = pool.submit(mix) if mixing else None
        shared = pool.submit(affinities) if solving else None
        # Mixtures are there before affinities, which leaves a thread for the rest.
        extended = pool.submit(extend)
        jobs = {}
        if mixed is not None:
            mixed.result()
        if shared is not None:
            jobs = {name: pool.submit(self._opacity, shared.result(), name) for name in solving}
        for name, job in jobs.items():
            self._solved[name] = job.result()
        extended.result()

    def _opacity(self, closed_form: ClosedForm, name: str) -> NDArray[np.float32]:
        weight = MIXTURE_WEIGHT if name == "alpha_joint" else 0
        return closed_form.solve(
            self._solved["alpha_mixture"], self._solved["mixture_confidence"], weight=weight
        )

    def _known(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell where foreground is known, and background."""
        return self._trimap == 255, self._trimap == 0

    def _extend(self, which: set[str]) -> None:
        """Carry known colours into the unknown region."""
        near, smooth = bool(which & _OF_NEAREST), bool(which & _OF_SMOOTH)
        if not (near or smooth):
            return
        small = self._shrunk()
        for side, known in zip(("foreground", "background"), self._known(), strict=True):
            seen = shrink_known(known, self._grid)
            if near:
                colours, distance = nearest_colours(small, seen)
                self._carried[f"nearest_{side}"] = colours
                self._carried[f"distance_{side}"] = np.minimum(
                    distance * np.float32(GRID / DISTANCE_RANGE), 1
                )
            if smooth:
                self._carried[f"smooth_{side}"] = smooth_colours(small, seen)

    def _shrunk(self) -> NDArray[np.float32]:
        """Average the picture on the grid, some rows at a time where they fall on the grid's."""
        width, height = self._grid
        if self._image.shape[0] != GRID * height:
            return shrink(as_float(self._image), self._grid)
        small = np.empty((height, width, 3), np.float32)
        for top in range(0, height, STRIP):
            strip = self._image[GRID * top : GRID * (top + STRIP)]
            small[top : top + STRIP] = shrink(as_float(strip), (width, len(strip) // GRID))
        return small


_OF_JOINT = {"alpha_joint", "alpha_light"}
_OF_MIXTURE = {"alpha_mixture", "mixture_confidence", "alpha_closed_form"} | _OF_JOINT
_OF_NEAREST = {"alpha_nearest", "nearest_foreground", "nearest_background", "distances"}
_OF_SMOOTH = {"alpha_smooth", "smooth_foreground", "smooth_background", "alpha_light"}


class _Part:
    """Each prior of one part under its name, computed when it is asked for."""

    def __init__(self, field: PriorField, rows: slice, columns: slice) -> None:
        self._field, self._rows, self._columns = field, rows, columns
        self._colours: dict[str, NDArray[np.float32]] = {}

    def named(self, name: str) -> NDArray[np.float32]:
        """Give H×W or H×W×C."""
        if name in ("alpha_nearest", "alpha_smooth"):
            kind = name.removeprefix("alpha_")
            return implied_alpha(
                as_float(self._field._image[self._rows, self._columns]),
                self.named(f"{kind}_foreground"),
                self.named(f"{kind}_background"),
            )
        if name == "alpha_light":
            return share_of_light(
                self.named("alpha_joint"),
                self.named("smooth_foreground"),
                self.named("smooth_background"),
            )
        if name == "distances":
            carried = self._field._carried
            return self._enlarged([carried["distance_foreground"], carried["distance_background"]])
        if name.startswith(("nearest_", "smooth_")):
            if name not in self._colours:
                self._colours[name] = self._enlarged([self._field._carried[name]])
            return self._colours[name]
        return self._filled(name)

    def _filled(self, name: str) -> NDArray[np.float32]:
        """Put what was solved for where it belongs: known pixels are 0 and 1, their certainty 1."""
        marks = self._field._trimap[self._rows, self._columns]
        known = np.ones(marks.shape, bool) if name == "mixture_confidence" else marks == 255
        filled = known.astype(np.float32)
        before = self._field._before
        values = self._field._solved[name][before[self._rows.start] : before[self._rows.stop]]
        place, chosen = self._unknown
        filled.ravel()[place] = values if chosen is None else values[chosen]
        return filled

    @cached_property
    def _unknown(self) -> tuple[NDArray[np.intp], NDArray[np.bool_] | None]:
        """Tell where the part's unknown pixels are, and which they are of those in its rows."""
        trimap = self._field._trimap
        strip = _unknown(trimap[self._rows])
        if self._columns == slice(0, trimap.shape[1]):
            return np.flatnonzero(strip), None
        within = np.zeros(trimap.shape[1], bool)
        within[self._columns] = True
        place = np.flatnonzero(strip[:, self._columns])
        return place, np.broadcast_to(within, strip.shape)[strip]

    def _enlarged(self, planes: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Interpolate planes or colours of the grid at the part's pixels: H×W×C."""
        height, width = self._field._trimap.shape
        rows, columns = self._rows, self._columns
        if not self._field._on_grid:
            # The grid's pixels are not quite twice as large then: only the whole tells where.
            return _merged([enlarge(plane, (width, height))[rows, columns] for plane in planes])
        # One more on each side, for the interpolation at the border.
        top, left = max(rows.start // GRID - 1, 0), max(columns.start // GRID - 1, 0)
        bottom, right = -(-rows.stop // GRID) + 1, -(-columns.stop // GRID) + 1
        enlarged = []
        for plane in planes:
            seen = np.ascontiguousarray(plane[top:bottom, left:right])
            wide = enlarge(seen, (GRID * seen.shape[1], GRID * seen.shape[0]))
            enlarged.append(
                wide[
                    rows.start - GRID * top : rows.stop - GRID * top,
                    columns.start - GRID * left : columns.stop - GRID * left,
                ]
            )
        return _merged(enlarged)


def _merged(planes: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return planes[0] if len(planes) == 1 else np.asarray(cv2.merge(planes))


def _unknown(marks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((marks != 0) & (marks != 255))


def _counted_before(trimap: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the unknown pixels above each row, and at the end all of them."""
    return np.concatenate([[0], np.cumsum(np.count_nonzero(_unknown(trimap), axis=1))])
