"""What travels with a picture besides its pixels: resolution and camera data."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from lsamatting.formats.raster import DAMAGE

_BASE = ExifTags.Base
_KEPT = (
    _BASE.ImageDescription, _BASE.Make, _BASE.Model, _BASE.Software, _BASE.DateTime, _BASE.Artist,
    _BASE.HostComputer, _BASE.Copyright,
)  # fmt: skip
# True of the file they came from only: sizes before turning, offsets into the old file.
_LEFT_OUT = (
    _BASE.ExifImageWidth, _BASE.ExifImageHeight, _BASE.MakerNote, _BASE.ExifInteroperabilityOffset,
    _BASE.ColorSpace,
)  # fmt: skip
# What tells one owner or device from all others, and is nobody's intention to hand on with a
# cutout; the whole directory of places (GPS) is left out too. Artist and copyright are there to be
# seen, and stay.
_PRIVATE = (
    _BASE.CameraOwnerName, _BASE.BodySerialNumber, _BASE.LensSerialNumber, _BASE.ImageUniqueID,
)  # fmt: skip
_SRGB = 1


@dataclass(frozen=True)
class Metadata:
    r"""What a result takes over from the picture it was made of.

    Attributes
    ----------
    dpi
        Pixels per inch, across and down, or None.
    exif
        Camera data as an EXIF block with its ``Exif\0\0`` head, or None. Pixels are upright and
        sRGB, and the block says so; thumbnail and maker's notes are left out, and so is what is
        private: the place, serial numbers, the owner's name.
    """

    dpi: tuple[float, float] | None = None
    exif: bytes | None = None


NOTHING = Metadata()


def metadata_of(image: Image.Image) -> Metadata:
    """Gather the metadata of a Pillow image; what is broken counts as not there."""
    exif = None
    with contextlib.suppress(*DAMAGE):
        exif = _cleaned(image.getexif())
    return Metadata(dpi=sensible_dpi(image.info.get("dpi")), exif=exif)


def sensible_dpi(value: Any) -> tuple[float, float] | None:
    """Give a resolution as two numbers, None if it is none that a picture could have."""
    try:
        across, down = (float(part) for part in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    fine = all(math.isfinite(part) and 1 < part < 100_000 for part in (across, down))
    return (across, down) if fine else None


def _cleaned(exif: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    for tag in _KEPT:
        if tag in exif:
            kept[tag] = exif[tag]
    camera = {
        tag: value
        for tag, value in exif.get_ifd(ExifTags.IFD.Exif).items()
        if tag not in (*_LEFT_OUT, *_PRIVATE)
    }
    if not camera and not len(kept):
        return None
    kept[ExifTags.IFD.Exif] = {**camera, _BASE.ColorSpace: _SRGB}
    return kept.tobytes()
