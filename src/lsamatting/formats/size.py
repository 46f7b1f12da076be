"""How large a picture is, from its header where that tells it."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from lsamatting.formats.decode import decode
from lsamatting.formats.raster import DAMAGE

_HEADER_TELLS = ("PNG", "JPEG", "WEBP", "BMP")
_ORIENTATION = 0x0112


def header_size(path: Path, *, max_pixels: int) -> tuple[int, int]:
    """Give width and height of a picture as it will be read, without decoding it if possible.

    PNG may state its orientation behind the pixels, which is not seen here; `decoded_size` is
    sure. Arguments and errors are those of `decoded_size`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_HEADER_TELLS) as image:
                width, height = image.size
                # Pillow decodes all of a PNG to look for an orientation behind the pixels.
                told = image.format != "PNG" or "exif" in image.info
                turned = told and int(image.getexif().get(_ORIENTATION, 1)) >= 5
                return (height, width) if turned else (width, height)
    except DAMAGE:
        return decoded_size(path, max_pixels=max_pixels)


def decoded_size(path: Path, *, max_pixels: int) -> tuple[int, int]:
    """Decode a picture and give its width and height.

    Raises
    ------
    ImageError
        As `lsamatting.images.read_picture`.
    """
    height, width = decode(path, max_pixels=max_pixels).samples.shape[:2]
    return width, height
