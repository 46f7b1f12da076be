"""How a picture is laid out for the network: cropped or whole, padded, and put back.

Two steps, so that test-time augmentation can turn what lies between them: `frame_picture` chooses
the part of the picture that is computed, `lay_out` pads it and makes tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.choices import Padding
from lsamatting.errors import TrimapError
from lsamatting.network.inputs import trimap_tensor
from lsamatting.network.lsanet import STRIDE
from lsamatting.priors import compute_priors
from lsamatting.windows import window_around

MARGIN = 64
"""Pixels of known region around the unknown region that the network sees by default."""

PAPER_MULTIPLE = 64
PUBLISHED_BORDER = 16
"""Width of the reflected border, and of the zero border around it."""


@dataclass(frozen=True)
class Frame:
    """The part of a picture that is computed."""

    image: NDArray[np.float32]
    """H×W×3."""

    trimap: NDArray[np.uint8]
    """H×W."""

    priors: NDArray[np.float32]
    """H×W×P."""

    counted: NDArray[np.bool_]
    """H×W, True where a pixel is the picture's own and not its reflection."""

    window: tuple[slice, slice]
    """Rows and columns of the picture that lie at the frame's top left corner."""

    whole: NDArray[np.uint8]
    """The picture's whole trimap."""

    def restore(self, estimate: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put an estimate of the frame's size back into the picture: its alpha.

        Known pixels are 0 and 1, unknown ones the estimate's, clipped to [0, 1].
        """
        alpha = np.asarray(self.whole == 255, np.float32)
        part = alpha[self.window]
        unknown = self.whole[self.window] == 128
        height, width = part.shape
        part[unknown] = np.clip(estimate[:height, :width][unknown], 0, 1)
        return alpha


@dataclass(frozen=True)
class Layout:
    """What a network is given, 1×C×H×W each."""

    image: Tensor
    trimap: Tensor
    priors: Tensor | None

    marks: NDArray[np.uint8]
    """The trimap once more, H×W with 0, 128 and 255."""

    counted: NDArray[np.bool_]
    """H×W, True where a pixel takes part in backpropagating refinement: the picture's own, with
    `published` padding all, as in the authors' code."""

    place: tuple[slice, slice]
    """Rows and columns in which the frame lies."""


def frame_picture(
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    *,
    padding: Padding = "window",
    margin: int = MARGIN,
    priors: tuple[str, ...] = (),
) -> Frame | None:
    """Choose what is computed of a picture; None where nothing is unknown.

    Parameters
    ----------
    image:
        H×W×3, gamma-encoded RGB in [0, 1].
    trimap:
        H×W with 0, 128 (unknown) and 255.
    padding:
        See `Padding`.
    margin:
        Known pixels kept around the unknown region, with `window` padding.
    priors:
        Names of the colour priors that the network needs.

    Raises
    ------
    TrimapError
        Image and trimap differ in size.
    """
    check_same_size(image, trimap)
    window = window_around(trimap == 128, margin)
    if window is None:
        return None
    if padding != "window":
        window = (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))
    seen = np.ascontiguousarray(image[window], np.float32)
    marks = np.ascontiguousarray(trimap[window])
    counted = np.ones(marks.shape, np.bool_)
    if padding != "published":
        multiple = STRIDE if padding == "window" else PAPER_MULTIPLE
        seen, marks = pad_to_multiple(seen, multiple), pad_to_multiple(marks, multiple)
        counted = np.zeros(marks.shape, np.bool_)
        height, width = image[window].shape[:2]
        counted[:height, :width] = True
    return Frame(
        image=seen,
        trimap=marks,
        priors=compute_priors(seen, marks, which=priors),
        counted=counted,
        window=window,
        whole=trimap,
    )


def lay_out(
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    priors: NDArray[np.float32],
    counted: NDArray[np.bool_],
    *,
    padding: Padding = "window",
    device: torch.device | str = "cpu",
) -> Layout:
    """Make tensors of a frame's arrays, which may have been turned by a symmetry of the square."""
    place = (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))
    unknown = 0.5
    if padding == "published":
        image, trimap, priors = (published_border(array) for array in (image, trimap, priors))
        counted = np.ones(trimap.shape, np.bool_)
        around = 2 * PUBLISHED_BORDER
        place = (
            slice(around, around + place[0].stop),
            slice(around, around + place[1].stop),
        )
        unknown = 128 / 255
    marks = trimap_tensor(np.ascontiguousarray(trimap), unknown=unknown)
    return Layout(
        image=_to_tensor(image, device),
        trimap=marks.to(device),
        priors=_to_tensor(priors, device) if priors.shape[2] else None,
        marks=np.ascontiguousarray(trimap),
        counted=counted,
        place=place,
    )


def check_same_size(image: NDArray[np.float32], trimap: NDArray[np.uint8]) -> None:
    """Raise TrimapError unless H×W×3 and H×W have the same H and W."""
    if image.shape[:2] != trimap.shape:
        raise TrimapError(
            f"the trimap is {trimap.shape[1]}×{trimap.shape[0]} pixels, "
            f"the image {image.shape[1]}×{image.shape[0]}; they must be equal"
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
    # OpenCV goes on reflecting where a picture is smaller than what it is padded by.
    return np.asarray(cv2.copyMakeBorder(array, *rows, *columns, cv2.BORDER_REFLECT_101)).reshape(
        array.shape[0] + sum(rows), array.shape[1] + sum(columns), *array.shape[2:]
    )


def _to_tensor(array: NDArray[np.float32], device: torch.device | str) -> Tensor:
    # A turned array may have negative strides, which PyTorch does not take.
    return torch.from_numpy(np.ascontiguousarray(array))[None].permute(0, 3, 1, 2).to(device)
