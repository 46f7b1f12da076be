"""ICC colour profiles: from a file's own colours to sRGB.

Eight-bit pictures go through Little CMS. Pictures of higher precision are converted in floating
point when the profile is of the matrix kind (practically every camera and working space: Adobe
RGB, Display P3, ProPhoto, Rec. 2020, linear spaces) or a grey curve; ICC.1:2022, sections 8.3,
10.6 and 10.18, gives the formulas.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from lsamatting.colour import linear_to_srgb

Samples = npt.NDArray[Any]
Curve = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

# Linear sRGB to XYZ relative to D50, the connection space of all matrix profiles.
_SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
# What a damaged or impossible profile makes its readers raise.
_READING_ERRORS = (
    ImageCms.PyCMSError, OSError, ValueError, LookupError, ArithmeticError, TypeError, MemoryError,
    struct.error, np.linalg.LinAlgError,
)  # fmt: skip


@dataclass(frozen=True)
class Converted:
    """Colour in sRGB: HxWx3 or HxWx1, uint8 or gamma-encoded float32, and what was done."""

    colour: Samples
    linear: bool
    note: str | None


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Return an sRGB profile, for files that say how their colours are meant.

    It is dated 2000-01-01, so that the same pixels always make the same file.
    """
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    made[84:100] = bytes(16)  # the checksum, which may be left out
    return bytes(made)


_OTHER_SPACES = (b"GRAY", b"CMYK", b"CMY ", b"Lab ", b"Luv ", b"XYZ ", b"YCbr", b"HSV ", b"HLS ")
"""Colour spaces that a profile may be for, as its header names them, other than RGB."""


def to_srgb(colour: Samples, profile: bytes) -> Converted:
    """Convert HxWx1 or HxWx3 samples (uint8, uint16 or float32) from a profile's space to sRGB.

    Samples come back untouched, without a note, if the profile is sRGB to within one step of
    8 bits. A profile that cannot be applied is ignored, and the note says so. `linear` tells
    whether the profile's curves are straight lines.
    """
    try:
        with np.errstate(all="ignore"):
            converted = _convert(colour, profile)
    except _READING_ERRORS as problem:
        what = " ".join(str(problem).split()) or type(problem).__name__
        return Converted(colour, False, f"unreadable colour profile ignored ({what})")
    if converted.colour.dtype == np.float32 and not np.isfinite(converted.colour).all():
        return Converted(colour, False, "colour profile ignored: its colours are not finite")
    return converted


def cmyk_to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """Convert a CMYK picture by its profile, or by the plain formula where there is none."""
    if profile is not None and profile[16:20] == b"CMYK":
        try:
            name = _description(profile)
            return _apply(image, _lcms_transform(profile, "CMYK")), _note(name)
        except _READING_ERRORS:
            pass
    plain = image.convert("RGB")
    return plain, "CMYK without a usable colour profile: converted by the plain formula"


def _convert(colour: Samples, profile: bytes) -> Converted:
    space = profile[16:20]
    if space == b"GRAY" and colour.shape[2] == 1:
        return _convert_grey(colour, profile)
    if space != b"RGB ":
        if space not in _OTHER_SPACES:
            return Converted(colour, False, "unreadable colour profile ignored (no colour space)")
        kind = space.decode("ascii").strip()
        return Converted(colour, False, f"colour profile for {kind} pictures ignored")
    if _is_srgb(profile):
        return Converted(colour, False, None)
    transform = _lcms_transform(profile, "RGB")
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, axis=2)
    name = _description(profile)
    if colour.dtype == np.uint8:
        converted = np.asarray(_apply(Image.fromarray(np.ascontiguousarray(colour)), transform))
        return Converted(converted, False, _note(name))
    matrix = _matrix_profile(profile)
    if matrix is None:
        eight = np.rint(np.clip(_unit(colour), 0, 1) * 255).astype(np.uint8)
        converted = np.asarray(_apply(Image.fromarray(eight), transform))
        return Converted(converted, False, f"{_note(name)}, with a precision of 8 bits only")
    curves, to_srgb_matrix, linear = matrix
    light = np.stack([_evaluate(curves[i], colour[..., i]) for i in range(3)], axis=-1)
    encoded = linear_to_srgb(light @ to_srgb_matrix.T.astype(np.float32))
    if colour.dtype != np.float32:
        encoded = np.clip(encoded, 0, 1)
    return Converted(encoded, linear, _note(name))


def _convert_grey(colour: Samples, profile: bytes) -> Converted:
    tags = _tags(profile)
    if b"kTRC" not in tags:
        raise ValueError("it has no grey curve")
    curve, linear = _parse_curve(tags[b"kTRC"])
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    if np.abs(linear_to_srgb(curve(ramp)) - ramp).max() <= 1.5 / 255:
        return Converted(colour, False, None)
    encoded = linear_to_srgb(_evaluate(curve, colour))
    return Converted(encoded.astype(np.float32), linear, _note(_description(profile)))


def _note(name: str) -> str:
    return f"colour profile '{name}' converted to sRGB"


def _description(profile: bytes) -> str:
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()


def _lcms_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # only in-place transforms return nothing
    return converted


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes) -> bool:
    # Names cannot be trusted: many sRGB profiles are called otherwise. Colours can. Kept, because
    # all files of a folder tend to have one profile.
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    seen = np.asarray(_apply(Image.fromarray(lattice), _lcms_transform(profile, "RGB")))
    return bool(np.abs(seen.astype(int) - lattice).max() <= 1)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for index in range(min(count, 200)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        tags[name] = profile[offset : offset + size]
    return tags


def _matrix_profile(
    profile: bytes,
) -> tuple[list[Curve], npt.NDArray[np.float64], bool] | None:
    """Read three curves and the matrix to linear sRGB; None if the profile is of another kind."""
    tags = _tags(profile)
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    if b"A2B0" in tags or b"A2B1" in tags or any(name not in tags for name in names):
        return None
    columns = [np.array(struct.unpack_from(">3i", tags[name], 8)) / 65536 for name in names[:3]]
    parsed = [_parse_curve(tags[name]) for name in names[3:]]
    matrix = np.linalg.solve(_SRGB_TO_XYZ, np.stack(columns, axis=1))
    return [curve for curve, _ in parsed], matrix, all(linear for _, linear in parsed)


def _parse_curve(tag: bytes) -> tuple[Curve, bool]:
    """Read a 'curv' or 'para' tag; also tell whether it is the straight line."""
    kind = tag[:4]
    if kind == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return _power_curve(1.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0), True
        if count == 1:
            gamma = struct.unpack_from(">H", tag, 12)[0] / 256
            return _power_curve(gamma, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0), gamma == 1
        table = np.frombuffer(tag, ">u2", count, 12).astype(np.float64) / 65535
        positions = np.linspace(0, 1, count)
        return lambda x: np.interp(x, positions, table).astype(np.float32), False
    if kind == b"para":
        (shape,) = struct.unpack_from(">H", tag, 8)
        # gamma a b c d e f: y = (a x + b)^gamma + e for x >= d, else c x + f
        lengths = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
        if shape not in lengths:
            raise ValueError(f"unknown parametric curve {shape}")
        g, *rest = (v / 65536 for v in struct.unpack_from(f">{lengths[shape]}i", tag, 12))
        if shape == 0:
            return _power_curve(g, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0), g == 1
        a, b = rest[:2]
        if shape in (1, 2) and a == 0:
            raise ValueError("a parametric curve without slope")
        if shape == 1:
            return _power_curve(g, a, b, 0.0, -b / a, 0.0, 0.0), False
        if shape == 2:
            return _power_curve(g, a, b, 0.0, -b / a, rest[2], rest[2]), False
        c, d = rest[2:4]
        e, f = rest[4:] if shape == 4 else (0.0, 0.0)
        return _power_curve(g, a, b, c, d, e, f), False
    raise ValueError(f"unknown curve type {kind!r}")


def _power_curve(g: float, a: float, b: float, c: float, d: float, e: float, f: float) -> Curve:
    def curve(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        size = np.abs(x).astype(np.float64)
        upper = np.maximum(a * size + b, 0) ** g + e
        return np.copysign(np.where(size >= d, upper, c * size + f), x).astype(np.float32)

    return curve


def _evaluate(curve: Curve, samples: Samples) -> npt.NDArray[np.float32]:
    if samples.dtype == np.float32:
        return curve(samples)
    # A table with one entry per possible sample costs less than a power per pixel.
    top = np.iinfo(samples.dtype).max
    table = curve(np.arange(top + 1, dtype=np.float32) / np.float32(top))
    return table[samples]


def _unit(samples: Samples) -> npt.NDArray[np.float32]:
    if samples.dtype == np.uint16:
        return samples.astype(np.float32) / np.float32(65535)
    return samples.astype(np.float32, copy=False)
