"""Samples of one picture, as every decoder hands them over."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lsamatting.colour import unpremultiply
from lsamatting.errors import ImageError

if TYPE_CHECKING:
    from lsamatting.formats.metadata import Metadata

Samples = npt.NDArray[Any]

# What damaged input makes decoders raise; anything else would be a bug of ours.
DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    RuntimeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


@dataclass(frozen=True)
class Raster:
    """Samples of one picture, upright.

    `samples` is HxWxC, uint8, uint16 or float32, with C = 1 grey, 2 grey and alpha, 3 RGB,
    4 RGBA; alpha is straight (not pre-multiplied). `linear` says that colour is linear light.
    `profile` is an ICC profile still to be applied to the colour. `assumed` says that the file
    itself does not tell whether it is linear.
    """

    samples: Samples
    linear: bool = False
    profile: bytes | None = None
    notes: tuple[str, ...] = ()
    assumed: bool = False
    metadata: Metadata | None = None

    @property
    def colour(self) -> Samples:
        """HxWx1 or HxWx3."""
        return self.samples[..., : 3 if self.samples.shape[2] > 2 else 1]

    @property
    def alpha(self) -> Samples | None:
        """HxW, or None."""
        return self.samples[..., -1] if self.samples.shape[2] in (2, 4) else None

    def grey(self) -> Samples:
        """Give what stands for a matte: HxW, at the depth of the samples, or luma as float32.

        That is the opacity if it varies, for that is where cutouts keep their matte; else the
        colours: one channel if all are equal, their luma (Rec. 601) in [0, 1] if not.
        """
        alpha, colour = self.alpha, self.colour
        if alpha is not None and alpha.min() != alpha.max():
            return alpha
        if all(np.array_equal(colour[..., 0], colour[..., i]) for i in range(1, colour.shape[2])):
            return np.asarray(colour[..., 0])
        luma = colour.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
        return np.asarray(luma / np.float32(white_of(colour.dtype)))


def white_of(kind: np.dtype[Any]) -> int:
    """Give the number that stands for white in samples of a type."""
    return 1 if kind.kind == "f" else int(np.iinfo(kind).max)


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Raise ImageError for a picture without pixels or with more than `max_pixels`."""
    if width < 1 or height < 1:
        raise ImageError(f"{name}: the picture has no pixels ({width}x{height})")
    if width * height > max_pixels:
        raise ImageError(
            f"{name}: {width}x{height} is {width * height / 1e6:.1f} megapixels, more than the"
            f" limit of {max_pixels / 1e6:g} megapixels; raise max_pixels (--max-pixels) to read it"
        )


def upright(samples: Samples, orientation: int) -> Samples:
    """Turn HxWxC samples as EXIF orientation 1 to 8 asks (a view, no copy)."""
    turns = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }
    turn = turns.get(orientation)
    return samples if turn is None else turn(samples)


def straight(samples: Samples) -> Samples:
    """Divide the opacity, the last channel, out of pre-multiplied colours."""
    values = samples.astype(np.float32)
    top = np.float32(white_of(samples.dtype))
    colour = unpremultiply(values[..., :-1], values[..., -1] / top)
    if samples.dtype.kind == "u":
        colour = np.rint(np.clip(colour, 0, top))
    return np.concatenate([colour.astype(samples.dtype), samples[..., -1:]], axis=2)
