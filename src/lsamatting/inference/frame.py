"""How a picture is laid out for a network: cropped or whole, padded, and put back.

Two steps, so that test-time augmentation can turn what lies between them: `frame_picture` chooses
the part of the picture that is computed, `Frame.lay_out` turns and pads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Padding
from lsamatting.errors import TrimapError
from lsamatting.inference.symmetry import IDENTITY, Symmetry
from lsamatting.memory import stop_keeping
from lsamatting.network.config import STRIDE
from lsamatting.network.inputs import trimap_values
from lsamatting.priors import PriorField
from lsamatting.samples import Samples, as_float
from lsamatting.threads import thread_count
from lsamatting.windows import window_around

MARGIN = 64
"""Pixels of known region around the unknown region that the network sees by default."""

Part = tuple[slice, slice]
"""Rows and columns."""

ALL: Part = (slice(None), slice(None))

PAPER_MULTIPLE = 64
PUBLISHED_BORDER = 16
"""Width of the reflected border, and of the zero border around it."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a frame, or a part of it, lies in what a network is given."""

    marks: NDArray[np.uint8]
    """The trimap, H×W with 0, 128 and 255."""

    counted: NDArray[np.bool_]
    """H×W, True where a pixel takes part in backpropagating refinement: the picture's own, with
    `published` padding all, as in the authors' code."""

    place: tuple[slice, slice]
    """Rows and columns in which the turned frame, or part of it, lies."""

    symmetry: Symmetry = IDENTITY
    """How the frame was turned."""

    def take(self, array: NDArray[Any]) -> NDArray[Any]:
        """Cut H×W of this size to what was laid out, and turn it back."""
        return self.symmetry.undo(array[self.place])


@dataclass(frozen=True, kw_only=True)
class Layout(Placement):
    """What a network is given."""

    image: NDArray[np.float32]
    """H×W×3, gamma-encoded RGB in [0, 1]."""

    trimap: NDArray[np.float32]
    """H×W with 0, ½ (with `published` padding 128/255) and 1."""

    priors: NDArray[np.float32]
    """H×W×P."""


class Priors(Protocol):
    """The colour priors of a frame, `PriorField` or `Stack`."""

    def part(self, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[np.float32]:
        """Give those of a part, which begins at even pixels: H×W×P in [0, 1]."""


@dataclass(frozen=True)
class Stack:
    """Priors that lie ready: more memory, and no work for each run."""

    array: NDArray[np.float32]
    """H×W×P."""

    def part(self, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[np.float32]:
        """Give those of a part: a view."""
        return self.array[rows, columns]


@dataclass(frozen=True)
class Frame:
    """The part of a picture that is computed; of no pixels where nothing is unknown."""

    image: Samples
    """H×W×3, in [0, 1] or integers as in files."""

    trimap: NDArray[np.uint8]
    """H×W."""

    priors: Priors
    """Of H×W."""

    size: tuple[int, int]
    """Height and width of the picture's own pixels, at the frame's top left corner; the rest is
    their reflection."""

    window: tuple[slice, slice]
    """Rows and columns of the picture that lie at the frame's top left corner."""

    whole: NDArray[np.uint8]
    """The picture's whole trimap."""

    padding: Padding
    """What the network sees."""

    seconds: float
    """Time taken, nearly all of it by the priors."""

    tile: int | None = None
    """Side of the tiles in which it is computed; None for at once."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to compute."""
        return self.trimap.size == 0

    def place(self, symmetry: Symmetry = IDENTITY, part: Part = ALL) -> Placement:
        """Tell where the frame, or a part of it, would be laid out."""
        marks = symmetry.apply(self.trimap[part])
        counted = symmetry.apply(self._counted(part))
        height, width = marks.shape
        top = 0
        if self.padding == "published":
            marks = published_border(marks)
            counted = np.ones(marks.shape, np.bool_)
            top = 2 * PUBLISHED_BORDER
        return Placement(
            marks=np.ascontiguousarray(marks),
            counted=np.ascontiguousarray(counted),
            place=(slice(top, top + height), slice(top, top + width)),
            symmetry=symmetry,
        )

    def lay_out(self, symmetry: Symmetry = IDENTITY, part: Part = ALL) -> Layout:
        """Turn the frame, or a part of it, by a symmetry of the square and pad it."""
        image = symmetry.apply(as_float(self.image[part]))
        priors = symmetry.apply(self.priors.part(*part))
        unknown = 0.5
        if self.padding == "published":
            image, priors = published_border(image), published_border(priors)
            unknown = 128 / 255
        placed = self.place(symmetry, part)
        return Layout(
            image=np.ascontiguousarray(image),
            trimap=trimap_values(placed.marks, unknown=unknown),
            priors=np.ascontiguousarray(priors),
            marks=placed.marks,
            counted=placed.counted,
            place=placed.place,
            symmetry=symmetry,
        )

    @property
    def counted(self) -> NDArray[np.bool_]:
        """H×W, True where a pixel is the picture's own and not its reflection."""
        return self._counted(ALL)

    def _counted(self, part: Part) -> NDArray[np.bool_]:
        own = np.zeros(self.trimap[part].shape, np.bool_)
        top, left = (place.start or 0 for place in part)
        own[: max(self.size[0] - top, 0), : max(self.size[1] - left, 0)] = True
        return own

    def lay_out_mask(self, mask: NDArray[np.bool_], placed: Placement) -> NDArray[np.bool_]:
        """Bring a mask of the picture's size into a layout, False in what surrounds the picture."""
        framed = np.zeros(self.trimap.shape, np.bool_)
        seen = mask[self.window]
        framed[: seen.shape[0], : seen.shape[1]] = seen
        laid = np.zeros(placed.marks.shape, np.bool_)
        laid[placed.place] = placed.symmetry.apply(framed)
        return laid

    def restore(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put an estimate of the frame's size back into the picture: its alpha.

        Known pixels are 0 and 1, unknown ones the estimate's, clipped to [0, 1].
        """
        alpha = np.asarray(self.whole == 255, np.float32)
        part = alpha[self.window]
        unknown = self.whole[self.window] == 128
        height, width = part.shape
        np.clip(estimate[:height, :width], 0, 1, out=part, where=unknown)
        return alpha


def frame_picture(
    image: Samples,
    trimap: NDArray[np.uint8],
    *,
    padding: Padding = "window",
    margin: int = MARGIN,
    priors: tuple[str, ...] = (),
    tile: int | None = None,
) -> Frame:
    """Choose what is computed of a picture, and compute its colour priors.

    Parameters
    ----------
    image:
        H×W×3, gamma-encoded RGB: in [0, 1], or integers as in files.
    trimap:
        H×W with 0, 128 (unknown) and 255.
    padding:
        See `Padding`.
    margin:
        Known pixels kept around the unknown region, with `window` padding.
    priors:
        Names of the colour priors that the network needs.
    tile:
        Side of the tiles in which it will be computed; priors are then not stacked for all of it.
        None for at once.

    Raises
    ------
    TrimapError
        Image and trimap differ in size.
    """
    started = perf_counter()
    if tile is not None:
        stop_keeping()
    if image.shape[:2] != trimap.shape:
        raise TrimapError(
            f"the trimap is {trimap.shape[1]}×{trimap.shape[0]} pixels, "
            f"the image {image.shape[1]}×{image.shape[0]}; they must be equal"
        )
    window = window_around(trimap == 128, margin)
    empty = window is None
    if window is None:
        window = (slice(0, 0), slice(0, 0))
    elif padding != "window":
        window = (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))
    seen = np.ascontiguousarray(image[window])
    marks = np.ascontiguousarray(trimap[window])
    size = marks.shape
    if padding != "published":
        multiple = STRIDE if padding == "window" else PAPER_MULTIPLE
        seen, marks = pad_to_multiple(seen, multiple), pad_to_multiple(marks, multiple)
    # Two threads hold more at a time than one, and no more than two have work.
    workers = min(2, thread_count()) if tile is None else 1
    field = PriorField(seen, marks, which=() if empty else priors, workers=workers)
    return Frame(
        image=seen,
        trimap=marks,
        priors=Stack(field.part()) if tile is None else field,
        size=(size[0], size[1]),
        window=window,
        whole=trimap,
        padding=padding,
        seconds=perf_counter() - started,
        tile=tile,
    )


def pad_to_multiple(array: NDArray[Any], multiple: int = STRIDE) -> NDArray[Any]:
    """Extend H×W or H×W×C below and to the right, by reflection, to multiples of a number."""
    return _reflect(array, (0, -array.shape[0] % multiple), (0, -array.shape[1] % multiple))


def published_border(array: NDArray[Any]) -> NDArray[Any]:
    """Pad H×W or H×W×C as the authors' code does."""
    both = (PUBLISHED_BORDER, PUBLISHED_BORDER)
    reflected = _reflect(pad_to_multiple(array, PAPER_MULTIPLE), both, both)
    return np.pad(reflected, (both, both, *((0, 0),) * (array.ndim - 2)))


def _reflect(array: NDArray[Any], rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[Any]:
    if not any((*rows, *columns)):
        return array
    if 0 in array.shape:
        height, width = array.shape[0] + sum(rows), array.shape[1] + sum(columns)
        return np.empty((height, width, *array.shape[2:]), array.dtype)
    # OpenCV goes on reflecting where a picture is smaller than what it is padded by, but takes no
    # negative strides, which a turned array has.
    array = np.ascontiguousarray(array)
    return np.asarray(cv2.copyMakeBorder(array, *rows, *columns, cv2.BORDER_REFLECT_101)).reshape(
        array.shape[0] + sum(rows), array.shape[1] + sum(columns), *array.shape[2:]
    )
