"""Pictures in and out: the one border where files become float arrays.

Everything behind it works on float32 arrays in [0, 1], HxWx3, RGB, gamma-encoded sRGB. Here EXIF
orientation is applied, colour profiles are converted, linear light is encoded with the sRGB
curve, and whatever cannot be read is refused with one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from lsamatting.choices import Depth, Transfer
from lsamatting.colour import linear_to_srgb, premultiply, srgb_to_linear
from lsamatting.errors import ImageError
from lsamatting.picture_files import check_destination, check_format
from lsamatting.samples import Samples, as_float

if TYPE_CHECKING:
    from PIL import Image

    from lsamatting.formats.metadata import Metadata
    from lsamatting.formats.raster import Raster

    Source = str | Path | bytes | BinaryIO | Image.Image | npt.NDArray[Any]
    """What a picture is read from; a tensor of PyTorch too."""

Array = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

DEFAULT_MAX_PIXELS = 200_000_000
STRIP = 2**20
"""Pixels that are converted together."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as read.

    Attributes
    ----------
    samples
        HxWx3, RGB, gamma-encoded sRGB: uint8 or uint16 as in the file, or float32 in [0, 1]; files
        of linear light (OpenEXR, float TIFF) keep what is above 1 or below 0.
    alpha
        HxW float32 in [0, 1], the opacity that came with the picture, or None. Colour is straight.
    depth
        Bits per sample of the source: 8, 16 or 32 (float).
    linear
        Whether the source holds linear light, so that a result can be written back as such.
    notes
        What was done beyond plain decoding, one sentence each.
    path
        The file, or None for what was in memory.
    metadata
        Resolution and camera data, which results take over, or None.
    """

    samples: Samples
    alpha: Array | None = None
    depth: Depth = 8
    linear: bool = False
    notes: tuple[str, ...] = ()
    path: Path | None = None
    metadata: Metadata | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.samples.shape[1], self.samples.shape[0]

    @property
    def pixels(self) -> Array:
        """HxWx3 float32: what the samples stand for, computed anew unless they are that already."""
        return as_float(self.samples)

    def visible(self) -> Array:
        """HxWx3 in [0, 1]: what a screen shows, without what linear light has beyond white."""
        return as_float(self.visible_samples())

    def visible_samples(self) -> Samples:
        """Give the same as samples: integers where the file held such, which take less memory."""
        return np.clip(self.samples, 0, 1) if self.linear else self.samples


def read_picture(
    source: Source,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    convert_profile: bool = True,
    transfer: Transfer | None = None,
    layer: str | None = None,
    opacity: bool = True,
) -> Picture:
    """Read a picture.

    Parameters
    ----------
    source
        A file: PNG, JPEG, WebP, TIFF, BMP, OpenEXR, AVIF, JPEG 2000, GIF (its first picture),
        Netpbm or TGA (RGB, grey, palette, CMYK, with or without transparency), as a path, as
        bytes, or open in binary mode; a Pillow image; an array: HxW, HxWx1, HxWx3 or HxWx4, uint8,
        uint16, or float in [0, 1], RGB order, gamma-encoded; a tensor of the same values: HxW or
        CxHxW with 1, 3 or 4 channels. A float32 array is not copied.
    max_pixels
        Larger pictures are refused before they are decoded.
    convert_profile
        Convert the colours of an embedded profile to sRGB; else values stay as stored.
    transfer
        What floating-point values mean, in files and arrays: `linear` light or `gamma`-encoded
        sRGB, whatever profile there is. If not given, OpenEXR is linear, TIFF is what its profile
        says and linear without one (which the notes tell), arrays are gamma-encoded.
    layer
        Of an OpenEXR file, which of its layers.
    opacity
        If False, the opacity that comes with the picture is left out.

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

    raster = decode(source, max_pixels=max_pixels, layer=layer, light=transfer == "linear")
    colour, linear, notes = _to_srgb(raster, convert_profile=convert_profile, transfer=transfer)
    # A copy where it is a part of what was decoded, which need not be kept for it.
    samples = np.ascontiguousarray(colour)
    if samples.shape[2] == 1:
        samples = np.repeat(samples, 3, axis=2)
    alpha = raster.alpha if opacity else None
    if raster.alpha is not None and alpha is None:
        notes = (*notes, "its own opacity is ignored")
    return Picture(
        samples=samples,
        alpha=None if alpha is None else np.clip(as_float(alpha), 0, 1),
        depth=_depth(raster),
        linear=linear,
        notes=notes,
        path=Path(source) if isinstance(source, str | Path) else None,
        metadata=raster.metadata,
    )


def read_bytes(
    source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> tuple[Bytes, Bytes | None]:
    """Read a picture as `read_picture` does, in 8 bits, and faster where it has no more.

    Returns
    -------
    colours : numpy.ndarray
        HxWx3 uint8, RGB, gamma-encoded sRGB; what linear light has beyond white is white.
    alpha : numpy.ndarray or None
        HxW uint8.

    Raises
    ------
    ImageError
        As `read_picture`.
    """
    from lsamatting.formats.decode import decode

    raster = decode(source, max_pixels=max_pixels)
    colour, _, _ = _to_srgb(raster)
    colours = _to_bytes(colour)
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    return colours, None if raster.alpha is None else _to_bytes(raster.alpha)


def read_grey(source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> tuple[Array, Depth]:
    """Read a matte or mask: values as stored, without any colour conversion.

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
    values = raster.grey()
    if values.dtype.kind != "f":
        return as_float(values), _depth(raster)
    low, high = float(values.min()), float(values.max())
    if low < -1e-3 or high > 1 + 1e-3:
        raise ImageError(
            f"{describe(source)}: values from {low:.4g} to {high:.4g}; a matte or mask has 0 to 1"
        )
    return np.clip(values, 0, 1, out=values if low < 0 or high > 1 else None), _depth(raster)


def read_grey_bytes(source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Bytes:
    """Read a matte or mask as `read_grey` does, in 8 bits: HxW uint8."""
    from lsamatting.formats.decode import decode

    return _to_bytes(decode(source, max_pixels=max_pixels).grey())


def check_values(name: str, values: npt.NDArray[Any]) -> None:
    """Raise ImageError unless an array, called `name`, has values, and finite floats only."""
    if values.size == 0:
        raise ImageError(f"{name}: it has no pixels (shape {values.shape})")
    if values.dtype.kind != "f":
        raise ImageError(
            f"{name}: values of dtype {values.dtype}; accepted are floats, 1 for white"
        )
    bad = sum(int(np.count_nonzero(~np.isfinite(values[rows]))) for rows in _strips(values))
    if bad:
        raise ImageError(f"{name}: {bad} values are not finite (NaN or infinite)")


def write_picture(
    path: str | Path | BinaryIO,
    pixels: Array,
    *,
    alpha: Array | None = None,
    depth: int = 8,
    linear: bool = False,
    quality: int | None = None,
    metadata: Metadata | None = None,
    suffix: str | None = None,
) -> None:
    """Write RGB or, with `alpha`, straight RGBA; the suffix chooses the format.

    An sRGB profile says how the colours are meant, where the format holds one: in PNG, JPEG,
    WebP and TIFF.

    Parameters
    ----------
    path
        ``.png`` (8 or 16 bits), ``.tif``/``.tiff`` (8, 16, 32), ``.jpg``/``.jpeg``, ``.webp``,
        ``.bmp`` (8), ``.exr`` (32-bit float whatever the depth); or a file open in binary mode,
        with `suffix` to say which.
    pixels
        HxWx3 float, gamma-encoded sRGB. Integer files clip to [0, 1] and round to nearest.
    alpha
        HxW float in [0, 1].
    depth
        Bits per sample; 32 is float.
    linear
        Write 32-bit TIFF as linear light. If False it is gamma-encoded, and its profile says so.
        OpenEXR is always linear, and pre-multiplied, as its definition asks.
    quality
        Of JPEG (95 if not given) and WebP (without any loss if not given), 1 to 100.
    metadata
        Resolution (into PNG, JPEG, TIFF and BMP) and camera data (into PNG, JPEG and WebP).
    suffix
        Format of a stream, as ``.png``.

    Raises
    ------
    ImageError
        Unknown suffix, or another than the path's, depth or transparency that the format cannot
        hold, missing folder, wrong shapes, values that are not finite, or a disk that refuses.
    """
    from lsamatting.formats import encode, icc

    target, suffix, name = _target(path, suffix, depth=depth, alpha=alpha is not None)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ImageError(f"{name}: colours of shape {pixels.shape}; accepted is HxWx3")
    if alpha is not None and alpha.shape != pixels.shape[:2]:
        raise ImageError(
            f"{name}: alpha is {alpha.shape[-1]}x{alpha.shape[0]} pixels"
            f" but the colours are {pixels.shape[1]}x{pixels.shape[0]}"
        )
    check_values(name, pixels)
    if alpha is not None:
        check_values(name, alpha)
    profile: bytes | None = icc.srgb_profile()
    if suffix == ".exr":
        depth, linear = 32, True
    light = depth == 32 and linear
    if light:
        profile = None
    samples = np.empty((*pixels.shape[:2], 3 if alpha is None else 4), _DTYPES[depth])
    for rows in _strips(pixels):
        colours = pixels[rows]
        if light:
            colours = srgb_to_linear(colours).astype(np.float32, copy=False)
            if suffix == ".exr" and alpha is not None:
                colours = premultiply(colours, alpha[rows])
        samples[rows, :, :3] = _from_float(colours, depth)
        if alpha is not None:
            samples[rows, :, 3] = _from_float(alpha[rows], depth)
    besides = encode.Besides(profile, _besides(metadata), _checked_quality(quality))
    encode.encode(target, samples, suffix=suffix, besides=besides)


def write_grey(
    path: str | Path | BinaryIO,
    values: Array,
    *,
    depth: int = 8,
    quality: int | None = None,
    metadata: Metadata | None = None,
    suffix: str | None = None,
) -> None:
    """Write a matte or mask, HxW float in [0, 1], as stored values (never colour-converted).

    Formats, options and errors are those of `write_picture`; integer files clip and round. There
    is no profile, WebP is always without loss, and of `metadata` the resolution is written.
    """
    from lsamatting.formats import encode

    target, suffix, name = _target(path, suffix, depth=depth)
    if values.ndim != 2:
        raise ImageError(f"{name}: values of shape {values.shape}; accepted is HxW")
    check_values(name, values)
    if suffix == ".exr":
        depth = 32
    samples = np.empty(values.shape, _DTYPES[depth])
    for rows in _strips(values):
        samples[rows] = _from_float(values[rows], depth)
    quality = None if suffix == ".webp" else _checked_quality(quality)
    resolution = replace(_besides(metadata), exif=None)
    besides = encode.Besides(None, resolution, quality)
    encode.encode(target, samples[..., None], suffix=suffix, besides=besides)


_DTYPES: dict[int, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}


def _depth(raster: Raster) -> Depth:
    return cast(Depth, raster.samples.dtype.itemsize * 8)


def _strips(values: npt.NDArray[Any]) -> Iterator[slice]:
    """Go through a picture's rows, some together: what is made of them takes memory in between."""
    step = max(STRIP * len(values) // max(values.size, 1), 1)
    for top in range(0, len(values), step):
        yield slice(top, top + step)


def _from_float(values: npt.NDArray[Any], depth: int) -> npt.NDArray[Any]:
    if depth == 32:
        return values.astype(np.float32, copy=False)
    scaled = np.clip(values, 0, 1, dtype=np.float32)
    scaled *= np.float32(2**depth - 1)
    whole: npt.NDArray[Any] = np.rint(scaled, out=scaled).astype(_DTYPES[depth])
    return whole


def _to_srgb(
    raster: Raster, *, convert_profile: bool = True, transfer: Transfer | None = None
) -> tuple[Samples, bool, tuple[str, ...]]:
    """Give gamma-encoded sRGB samples, whether the source is linear light, and the notes."""
    colour, linear, notes, profile = raster.colour, raster.linear, raster.notes, raster.profile
    if transfer is not None and colour.dtype.kind == "f":
        linear, profile = transfer == "linear", None
    elif raster.assumed:
        notes = (*notes, "floating-point TIFF without a colour profile, taken for linear light")
    encode = linear
    if profile is not None and convert_profile:
        from lsamatting.formats import icc

        converted = icc.to_srgb(colour, profile)
        colour, linear = converted.colour, converted.linear
        notes = notes if converted.note is None else (*notes, converted.note)
    if encode:
        colour = linear_to_srgb(as_float(colour)).astype(np.float32, copy=False)
    return colour, linear, notes


def _to_bytes(samples: npt.NDArray[Any]) -> Bytes:
    if samples.dtype == np.uint8:
        return np.ascontiguousarray(samples)
    if samples.dtype == np.uint16:
        return np.asarray((samples.astype(np.uint32) * 255 + 32767) // 65535, np.uint8)
    return np.asarray(_from_float(samples, 8), np.uint8)


def _target(
    path: str | Path | BinaryIO, suffix: str | None, *, depth: int, alpha: bool = False
) -> tuple[Path | BinaryIO, str, str]:
    """Give where to write, the suffix in small letters, and what messages call it."""
    if isinstance(path, str | Path):
        if suffix is not None and suffix.lower() != Path(path).suffix.lower():
            raise ImageError(
                f"{path}: the name says the format of a file; a suffix ({suffix}) is for streams"
            )
        check_destination(path, depth=depth, alpha=alpha)
        return Path(path), Path(path).suffix.lower(), str(path)
    if suffix is None:
        raise ImageError("a stream needs a suffix to say its format, as .png")
    check_format("the stream", suffix, alpha=alpha, depth=depth)
    return path, suffix.lower(), "the stream"


def _besides(metadata: Metadata | None) -> Metadata:
    from lsamatting.formats.metadata import NOTHING

    return metadata or NOTHING


def _checked_quality(quality: int | None) -> int | None:
    if quality is not None and not 1 <= quality <= 100:
        raise ImageError(f"quality {quality}; accepted are 1 to 100")
    return quality
