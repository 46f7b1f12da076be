"""How trimaps and masks are written down: greys, and the numbers that programs use for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lsamatting.errors import TrimapError
from lsamatting.formats.decode import decode, describe, is_array, to_array
from lsamatting.formats.raster import white_of

if TYPE_CHECKING:
    from lsamatting.formats.raster import Raster
    from lsamatting.images import Source

Array = npt.NDArray[np.float32]

CODINGS = (
    "grey with black for background, mid-grey for unknown and white for foreground, or numbers: "
    "0, 128, 255; 0, 1, 2; -1, 0, 1; or floats 0, 0.5, 1"
)

# What JPEG makes of a grey picture stays below both.
_COLOURED = 0.2
_COLOURED_SHARE = 0.001


def read_trimap_codes(source: Source, *, max_pixels: int) -> tuple[npt.NDArray[Any], np.float32]:
    """Read a trimap as it is stored, HxW, and tell which number stands for foreground.

    0 is background, and what lies between is unknown; of float32, 1 is foreground.

    Recognised are greys of any depth and the codings 0, 1, 2 and -1, 0, 1, which would look black.

    Raises
    ------
    TrimapError
        It is coloured, or holds numbers that are none of these, or only 0 and 1.
    ImageError
        It cannot be read.
    """
    name = describe(source)
    if is_array(source):
        source = _plain(to_array(source), name)
    raster = decode(source, max_pixels=max_pixels)
    values = _greys(raster, name)
    if values.dtype.kind == "f":
        return np.asarray(values, np.float32), np.float32(1)
    largest = int(values.max())
    if largest == 1:
        raise TrimapError(
            f"{name}: its values are 0 and 1 only; accepted: {CODINGS}. If it is a mask, a trimap "
            "is made of it with --mask, in Python with Trimap.from_mask"
        )
    return values, np.float32(2 if largest == 2 else _white(values))


def read_mask_values(source: Source, *, max_pixels: int) -> Array:
    """Read a mask as HxW float32 in [0, 1]; integers 0 and 1 are what they say.

    Of integers whose largest is 255, that is 1, whatever the depth.

    Raises
    ------
    TrimapError
        It is coloured.
    ImageError
        It cannot be read, or has values outside [0, 1].
    """
    name = describe(source)
    if is_array(source):
        array = to_array(source)
        if array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 1:
            source = array.astype(bool)
        else:
            source = array
    raster = decode(source, max_pixels=max_pixels)
    values = _greys(raster, name)
    if values.dtype.kind == "f":
        return np.asarray(np.clip(values, 0, 1), np.float32)
    top = 1 if values.max() == 1 else _white(values)
    return values.astype(np.float32) / np.float32(top)


def _white(values: npt.NDArray[Any]) -> int:
    """Tell which integer is white: 255 if it is the largest, whatever the depth."""
    return 255 if values.max() == 255 else white_of(values.dtype)


def _plain(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Give an array that `decode` accepts, if its numbers are a coding."""
    if array.dtype.kind == "b" or array.dtype in (np.uint8, np.uint16) or array.size == 0:
        return array
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        return array  # refused by `decode`, with its reason
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f" and low >= -1e-3 and high <= 1 + 1e-3:
        return array
    whole = array.dtype.kind != "f" or bool((array == np.rint(array)).all())
    if whole and low == -1 and high <= 1:
        return ((array.astype(np.float32) + 1) / 2).astype(np.float32)
    if whole and low >= 0 and high <= 255:
        return array.astype(np.uint8)
    raise TrimapError(f"{name}: values from {low:g} to {high:g}; accepted: {CODINGS}")


def _greys(raster: Raster, name: str) -> npt.NDArray[Any]:
    values = raster.grey()
    from_colours = raster.alpha is None or raster.alpha.min() == raster.alpha.max()
    if from_colours and raster.colour.shape[2] == 3 and values.dtype.kind == "f":
        colour = raster.colour
        spread = colour.max(axis=2).astype(np.float32) - colour.min(axis=2)
        share = float(np.mean(spread > _COLOURED * white_of(colour.dtype)))
        if share > _COLOURED_SHARE:
            raise TrimapError(
                f"{name}: {100 * share:.1f} % of it is coloured, and what a colour stands for "
                f"differs from program to program; accepted: {CODINGS}"
            )
    return values
