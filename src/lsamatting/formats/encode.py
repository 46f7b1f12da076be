"""Samples to files, each as its suffix says."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from lsamatting.errors import ImageError
from lsamatting.extras import require
from lsamatting.formats.metadata import NOTHING, Metadata
from lsamatting.replacing import replacing

Samples = npt.NDArray[Any]

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Besides:
    """What goes into a file besides its samples, as far as its format holds it.

    `profile` is an ICC profile. `quality` is that of lossy compression, 1 to 100, or None for each
    format's own: JPEG of 95, WebP without loss.
    """

    profile: bytes | None = None
    metadata: Metadata = NOTHING
    quality: int | None = None


def encode(
    target: Path | BinaryIO,
    samples: Samples,
    *,
    suffix: str | None = None,
    besides: Besides | None = None,
) -> None:
    """Write HxWxC samples (C = 1, 3 or 4; uint8, uint16 or float32) as the suffix says.

    Alpha is straight, except in OpenEXR, whose definition wants colours pre-multiplied: the
    caller hands them over so. A path holds all of the file or what it held before; its suffix is
    the one that counts if none is given. Streams without one get PNG.

    Raises
    ------
    ImageError
        The encoder or the disk refuses.
    """
    name = str(target) if isinstance(target, Path) else "the stream"
    suffix = suffix or (target.suffix.lower() if isinstance(target, Path) else ".png")
    try:
        data = _WRITERS[suffix](np.ascontiguousarray(samples), besides or Besides())
        if isinstance(target, Path):
            with replacing(target) as temporary:
                temporary.write_bytes(data)
        else:
            target.write(data)
    except (OSError, ValueError, RuntimeError) as problem:
        text = " ".join(str(getattr(problem, "strerror", None) or problem).split())
        raise ImageError(f"{name}: cannot be written ({text})") from None


def _png(samples: Samples, besides: Besides) -> bytes:
    import cv2

    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(samples.shape[2])
    if order is not None:
        samples = cv2.cvtColor(samples, order)
    done, encoded = cv2.imencode(".png", samples, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise ValueError("the PNG encoder failed")
    data: bytes = encoded.tobytes()
    chunks = b""
    if besides.profile is not None:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(besides.profile, 9))
    if besides.metadata.dpi is not None:
        across, down = (round(part / 0.0254) for part in besides.metadata.dpi)
        chunks += _chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if besides.metadata.exif is not None:
        chunks += _chunk(b"eXIf", besides.metadata.exif.removeprefix(b"Exif\0\0"))
    after_header = 8 + 12 + 13
    return data[:after_header] + chunks + data[after_header:]


def _chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(payload, zlib.crc32(kind))
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)


def _jpeg(samples: Samples, besides: Besides) -> bytes:
    quality = besides.quality or JPEG_QUALITY
    return _pillow(samples, besides, format="JPEG", quality=quality, subsampling=0)


def _webp(samples: Samples, besides: Besides) -> bytes:
    if besides.quality is None:
        # Exact: opacity must not be smoothed, nor colours under zero opacity dropped.
        return _pillow(
            samples, besides, format="WEBP", lossless=True, exact=True, quality=50, method=2
        )
    return _pillow(
        samples, besides, format="WEBP", quality=besides.quality, alpha_quality=100, method=4
    )


def _bmp(samples: Samples, besides: Besides) -> bytes:
    return _pillow(samples, besides, format="BMP")


def _pillow(samples: Samples, besides: Besides, **options: Any) -> bytes:
    image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    for name, value in (
        ("icc_profile", besides.profile),
        ("dpi", besides.metadata.dpi),
        ("exif", besides.metadata.exif),
    ):
        if value is not None:
            options[name] = value
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def _tiff(samples: Samples, besides: Besides) -> bytes:
    import tifffile

    grey, transparent = samples.shape[2] == 1, samples.shape[2] == 4
    inch = 2
    dpi = besides.metadata.dpi
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        samples[..., 0] if grey else samples,
        photometric="minisblack" if grey else "rgb",
        extrasamples=["unassalpha"] if transparent else None,
        compression="zlib",
        compressionargs={"level": 3},
        predictor=samples.dtype != np.float32,
        iccprofile=besides.profile,
        resolution=dpi,
        resolutionunit=None if dpi is None else inch,
        metadata=None,
        software=False,
    )
    return buffer.getvalue()


def _exr(samples: Samples, besides: Besides) -> bytes:
    require("exr", "OpenEXR")
    import OpenEXR

    name = {1: "Y", 3: "RGB", 4: "RGBA"}[samples.shape[2]]
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    pixels = samples[..., 0].copy() if name == "Y" else samples
    # The library writes to files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.exr"
        OpenEXR.File(header, {name: pixels}).write(str(path))
        return path.read_bytes()


_WRITERS: dict[str, Callable[[Samples, Besides], bytes]] = {
    ".png": _png,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".webp": _webp,
    ".tif": _tiff,
    ".tiff": _tiff,
    ".bmp": _bmp,
    ".exr": _exr,
}
