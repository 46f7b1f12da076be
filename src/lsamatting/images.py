"""Pictures in and out: the one border where files become float arrays.

Everything behind it works on float32 arrays in [0, 1], HxWx3, RGB, gamma-encoded sRGB. Here EXIF
orientation is applied, colour profiles are converted, linear light is encoded with the sRGB
curve, and whatever cannot be read is refused with one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from lsamatting.choices import Depth
from lsamatting.colour import linear_to_srgb, premultiply, srgb_to_linear
from lsamatting.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

    from lsamatting.formats.raster import Raster

Array = npt.NDArray[np.float32]

DEFAULT_MAX_PIXELS = 200_000_000

# Depths that a suffix can hold. OpenEXR is always 32-bit float, whatever is asked.
_DEPTHS: dict[str, tuple[Depth, ...]] = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".webp": (8,),
    ".tif": (8, 16, 32),
    ".tiff": (8, 16, 32),
    ".bmp": (8,),
    ".exr": (8, 16, 32),
}
_WITHOUT_ALPHA = (".jpg", ".jpeg", ".bmp")
READABLE_SUFFIXES = tuple(_DEPTHS)
"""Suffixes that count as pictures, in any case."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as read.

    Attributes
    ----------
    pixels
        HxWx3 float32, RGB, gamma-encoded sRGB, in [0, 1]; files of linear light (OpenEXR, float
        TIFF) keep what is above 1 or below 0.
    alpha
        HxW float32 in [0, 1], the opacity that came with the picture, or None. Colour is straight.
    depth
        Bits per sample of the source: 8, 16 or 32 (float).
    linear
        Whether the source holds linear light, so that a result can be written back as such.
    notes
        What was done beyond plain decoding, one sentence each.
    path
        The file, or None for arrays and Pillow images.
    """

    pixels: Array
    alpha: Array | None = None
    depth: Depth = 8
    linear: bool = False
    notes: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def visible(self) -> Array:
        """HxWx3 in [0, 1]: what a screen shows, without what linear light has beyond white."""
        return np.clip(self.pixels, 0, 1) if self.linear else self.pixels


def read_picture(
    source: str | Path | Image.Image | npt.NDArray[Any],
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    convert_profile: bool = True,
) -> Picture:
    """Read a picture.

    Parameters
    ----------
    source
        PNG, JPEG, WebP, TIFF, BMP or OpenEXR file (RGB, grey, palette, CMYK, with or without
        transparency), a Pillow image, or an array: HxW, HxWx1, HxWx3 or HxWx4, uint8, uint16,
        or float in [0, 1], RGB order, gamma-encoded. A float32 array is not copied.
    max_pixels
        Larger pictures are refused before they are decoded.
    convert_profile
        Convert the colours of an embedded profile to sRGB; else values stay as stored.

    Returns
    -------
    Picture

    Raises
    ------
    ImageError
        The file is missing, empty, damaged or of an unknown kind, the array does not fit, values
        are not finite, or the picture has no pixels or too many.
    """
    from lsamatting.formats.decode import decode

    raster = decode(source, max_pixels=max_pixels)
    colour, linear, notes = raster.colour, raster.linear, raster.notes
    if raster.profile is not None and convert_profile:
        from lsamatting.formats import icc

        converted = icc.to_srgb(colour, raster.profile)
        colour, linear = converted.colour, converted.linear
        notes = notes if converted.note is None else (*notes, converted.note)
    pixels = _to_float(colour)
    if raster.linear:
        pixels = linear_to_srgb(pixels).astype(np.float32, copy=False)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return Picture(
        pixels=pixels,
        alpha=None if raster.alpha is None else np.clip(_to_float(raster.alpha), 0, 1),
        depth=_depth(raster),
        linear=linear,
        notes=notes,
        path=Path(source) if isinstance(source, str | Path) else None,
    )


def read_grey(
    source: str | Path | Image.Image | npt.NDArray[Any], *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> tuple[Array, Depth]:
    """Read a matte, mask or trimap: values as stored, without any colour conversion.

    Of a picture with transparency the opacity is taken if it varies, for that is where cutouts
    keep their matte; else the colours: one channel if all are equal, their luma (Rec. 601) if not.

    Parameters
    ----------
    source, max_pixels
        As for `read_picture`; boolean arrays too.

    Returns
    -------
    values : numpy.ndarray
        HxW float32 in [0, 1].
    depth : int
        Bits per sample of the source: 8, 16 or 32 (float).

    Raises
    ------
    ImageError
        As `read_picture`, and for float files with values outside [0, 1].
    """
    from lsamatting.formats.decode import decode, describe

    raster = decode(source, max_pixels=max_pixels)
    alpha, colour = raster.alpha, raster.colour
    if alpha is not None and alpha.min() != alpha.max():
        values = _to_float(alpha)
    elif all(np.array_equal(colour[..., 0], colour[..., i]) for i in range(1, colour.shape[2])):
        values = _to_float(colour[..., 0])
    else:
        values = _to_float(colour) @ np.array([0.299, 0.587, 0.114], np.float32)
    low, high = float(values.min()), float(values.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise ImageError(
            f"{describe(source)}: values from {low:.4g} to {high:.4g}; a matte or mask has 0 to 1"
        )
    return np.clip(values, 0, 1, out=values if low < 0 or high > 1 else None), _depth(raster)


def write_picture(
    path: str | Path,
    pixels: Array,
    *,
    alpha: Array | None = None,
    depth: int = 8,
    linear: bool = False,
) -> None:
    """Write RGB or, with `alpha`, straight RGBA; the suffix chooses the format.

    Parameters
    ----------
    path
        ``.png`` (8 or 16 bits), ``.tif``/``.tiff`` (8, 16, 32), ``.jpg``/``.jpeg``, ``.webp``
        (lossless), ``.bmp`` (8), ``.exr`` (32-bit float whatever the depth).
    pixels
        HxWx3 float, gamma-encoded sRGB. Integer files clip to [0, 1] and round to nearest.
    alpha
        HxW float in [0, 1].
    depth
        Bits per sample; 32 is float.
    linear
        Write 32-bit TIFF as linear light. If False it is gamma-encoded, with an sRGB profile
        to say so. OpenEXR is always linear, and pre-multiplied, as its definition asks.

    Raises
    ------
    ImageError
        Unknown suffix, depth or transparency that the format cannot hold, missing folder, wrong
        shapes, values that are not finite, or a disk that refuses.
    """
    from lsamatting.formats import encode

    path = Path(path)
    check_destination(path, depth=depth, alpha=alpha is not None)
    suffix = path.suffix.lower()
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ImageError(f"{path}: colours of shape {pixels.shape}; accepted is HxWx3")
    if alpha is not None and alpha.shape != pixels.shape[:2]:
        raise ImageError(
            f"{path}: alpha is {alpha.shape[-1]}x{alpha.shape[0]} pixels"
            f" but the colours are {pixels.shape[1]}x{pixels.shape[0]}"
        )
    _check_values(path, pixels)
    if alpha is not None:
        _check_values(path, alpha)
    profile = None
    if suffix == ".exr":
        depth, linear = 32, True
    if depth == 32 and linear:
        pixels = srgb_to_linear(pixels).astype(np.float32, copy=False)
        if suffix == ".exr" and alpha is not None:
            pixels = premultiply(pixels, alpha)
    elif depth == 32:
        from lsamatting.formats import icc

        profile = icc.srgb_profile()
    samples = np.empty((*pixels.shape[:2], 3 if alpha is None else 4), _DTYPES[depth])
    samples[..., :3] = _from_float(pixels, depth)
    if alpha is not None:
        samples[..., 3] = _from_float(alpha, depth)
    encode.encode(path, samples, profile=profile)


def write_grey(path: str | Path, values: Array, *, depth: int = 8) -> None:
    """Write a matte or mask, HxW float in [0, 1], as stored values (never colour-converted).

    Formats, depths and errors are those of `write_picture`; integer files clip and round.
    """
    from lsamatting.formats import encode

    path = Path(path)
    check_destination(path, depth=depth)
    if values.ndim != 2:
        raise ImageError(f"{path}: values of shape {values.shape}; accepted is HxW")
    _check_values(path, values)
    samples = _from_float(values, 32 if path.suffix.lower() == ".exr" else depth)
    encode.encode(path, samples[..., None])


def check_destination(
    path: str | Path, *, alpha: bool = False, depth: int | None = None, parent_exists: bool = True
) -> None:
    """Raise ImageError unless a picture can be written there.

    Parameters
    ----------
    path
        The suffix is checked, the folder too, and that it is not itself a folder.
    alpha
        The format must hold transparency.
    depth
        The format must hold so many bits per sample.
    parent_exists
        Ask for the folder to be there already.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _DEPTHS:
        raise ImageError(
            f"{path}: unknown file type '{path.suffix}'; accepted are {', '.join(_DEPTHS)}"
        )
    if depth is not None and depth not in _DEPTHS[suffix]:
        able = ", ".join(name for name, depths in _DEPTHS.items() if depth in depths)
        hint = f"; {depth} bits go into {able}" if able else ""
        here = " or ".join(map(str, _DEPTHS[suffix]))
        raise ImageError(f"{path}: {suffix} holds {here} bits, not {depth}{hint}")
    if alpha and suffix in _WITHOUT_ALPHA:
        able = ", ".join(name for name in _DEPTHS if name not in _WITHOUT_ALPHA)
        raise ImageError(f"{path}: {suffix} cannot hold transparency; accepted are {able}")
    if path.is_dir():
        raise ImageError(f"{path}: is a folder; a file name is needed")
    if parent_exists and not path.parent.is_dir():
        raise ImageError(f"{path}: the folder {path.parent} does not exist")


def is_picture(path: Path) -> bool:
    """Tell by its suffix whether a path names a picture."""
    return path.suffix.lower() in READABLE_SUFFIXES


def pictures_in(folder: Path) -> list[Path]:
    """List the pictures directly inside a folder, sorted by name; hidden files are passed over."""
    return sorted(
        file
        for file in folder.iterdir()
        if is_picture(file) and file.is_file() and not file.name.startswith(".")
    )


def best_depth(path: str | Path, wanted: Depth) -> Depth:
    """Return the largest depth up to `wanted` that the suffix of the path can hold."""
    able = _DEPTHS.get(Path(path).suffix.lower(), (8,))
    return max(depth for depth in able if depth <= wanted)


_DTYPES: dict[int, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}


def _depth(raster: Raster) -> Depth:
    return cast(Depth, raster.samples.dtype.itemsize * 8)


def _to_float(samples: npt.NDArray[Any]) -> Array:
    if samples.dtype == np.float32:
        return np.ascontiguousarray(samples)
    # One pass into C order, also from the turned views that EXIF orientation leaves.
    result = np.empty(samples.shape, np.float32)
    top = np.float32(np.iinfo(samples.dtype).max)
    np.divide(samples, top, out=result, dtype=np.float32)
    return result


def _from_float(values: npt.NDArray[Any], depth: int) -> npt.NDArray[Any]:
    if depth == 32:
        return values.astype(np.float32, copy=False)
    scaled = np.clip(values, 0, 1, dtype=np.float32)
    scaled *= np.float32(2**depth - 1)
    whole: npt.NDArray[Any] = np.rint(scaled, out=scaled).astype(_DTYPES[depth])
    return whole


def _check_values(path: Path, values: npt.NDArray[Any]) -> None:
    if values.size == 0:
        raise ImageError(f"{path}: the picture has no pixels (shape {values.shape})")
    if values.dtype.kind != "f":
        raise ImageError(f"{path}: values of dtype {values.dtype}; accepted are floats in [0, 1]")
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        raise ImageError(f"{path}: {bad} values are not finite (NaN or infinite); nothing written")
