"""Samples to files, each as its suffix says."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lsamatting.errors import ImageError
from lsamatting.replacing import replacing

Samples = npt.NDArray[Any]


def encode(path: Path, samples: Samples, *, profile: bytes | None = None) -> None:
    """Write HxWxC samples (C = 1, 3 or 4; uint8, uint16 or float32) as the suffix says.

    Alpha is straight, except in OpenEXR, whose definition wants colours pre-multiplied: the
    caller hands them over so. `profile` is embedded in TIFF.
    """
    writer = _WRITERS[path.suffix.lower()]
    try:
        with replacing(path) as temporary:
            writer(temporary, np.ascontiguousarray(samples), profile)
    except (OSError, ValueError, RuntimeError) as problem:
        text = " ".join(str(getattr(problem, "strerror", None) or problem).split())
        raise ImageError(f"{path}: cannot be written ({text})") from None


def _png(path: Path, samples: Samples, profile: bytes | None) -> None:
    import cv2

    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(samples.shape[2])
    if order is not None:
        samples = cv2.cvtColor(samples, order)
    done, data = cv2.imencode(".png", samples, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise ValueError("the PNG encoder failed")
    path.write_bytes(data.tobytes())


def _pillow(**options: Any) -> Callable[[Path, Samples, bytes | None], None]:
    def write(path: Path, samples: Samples, profile: bytes | None) -> None:
        image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
        buffer = io.BytesIO()
        image.save(buffer, **options)
        path.write_bytes(buffer.getbuffer())

    return write


def _tiff(path: Path, samples: Samples, profile: bytes | None) -> None:
    import tifffile

    grey, transparent = samples.shape[2] == 1, samples.shape[2] == 4
    tifffile.imwrite(
        path,
        samples[..., 0] if grey else samples,
        photometric="minisblack" if grey else "rgb",
        extrasamples=["unassalpha"] if transparent else None,
        compression="zlib",
        compressionargs={"level": 3},
        predictor=samples.dtype != np.float32,
        iccprofile=profile,
        metadata=None,
        software=False,
    )


def _exr(path: Path, samples: Samples, profile: bytes | None) -> None:
    import OpenEXR

    name = {1: "Y", 3: "RGB", 4: "RGBA"}[samples.shape[2]]
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    pixels = samples[..., 0].copy() if name == "Y" else samples
    OpenEXR.File(header, {name: pixels}).write(str(path))


_JPEG = _pillow(format="JPEG", quality=95, subsampling=0)
_WRITERS: dict[str, Callable[[Path, Samples, bytes | None], None]] = {
    ".png": _png,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    # Lossless and exact: opacity must not be smoothed, nor colours under zero opacity dropped.
    ".webp": _pillow(format="WEBP", lossless=True, exact=True, quality=50, method=2),
    ".tif": _tiff,
    ".tiff": _tiff,
    ".bmp": _pillow(format="BMP"),
    ".exr": _exr,
}
