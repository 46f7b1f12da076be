"""Files, Pillow images and arrays as plain samples, checked, upright and straight.

Pillow decodes 8 bits, OpenCV 16-bit PNG, tifffile deep TIFF (OpenCV where its compression is
beyond tifffile), OpenEXR its own format: none of them alone covers what photographers send.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from lsamatting.errors import ImageError
from lsamatting.formats import icc
from lsamatting.formats.exr import read_exr
from lsamatting.formats.png import read_deep_png
from lsamatting.formats.raster import DAMAGE, Raster, Samples, check_size, upright
from lsamatting.formats.tiff import read_deep_tiff

Source = str | Path | Image.Image | np.ndarray[Any, Any]

ACCEPTED = "PNG, JPEG, WebP, TIFF, BMP and OpenEXR"
_PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB")
_PNG, _EXR = b"\x89PNG\r\n\x1a\n", b"\x76\x2f\x31\x01"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_pillow_limit = threading.Lock()


def decode(source: Source, *, max_pixels: int) -> Raster:
    """Decode a file, a Pillow image or an array; see `lsamatting.images.read_picture`."""
    if isinstance(source, np.ndarray):
        raster = _from_array(source, max_pixels)
    elif isinstance(source, Image.Image):
        raster = _from_pillow(source, "the image", max_pixels)
    else:
        raster = _from_file(Path(source), max_pixels)
    if raster.samples.dtype.kind == "f":
        bad = raster.samples.size - int(np.count_nonzero(np.isfinite(raster.samples)))
        if bad:
            raise ImageError(f"{describe(source)}: {bad} values are not finite (NaN or infinite)")
    return raster


def describe(source: Source) -> str:
    """Name a source in a message."""
    if isinstance(source, np.ndarray):
        return "the array"
    return "the image" if isinstance(source, Image.Image) else str(source)


def _from_array(array: Samples, max_pixels: int) -> Raster:
    shape = "x".join(map(str, array.shape)) or "()"
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageError(f"the array has shape {shape}; accepted are HxW, HxWx1, HxWx3 and HxWx4")
    check_size("the array", array.shape[1], array.shape[0], max_pixels)
    if array.dtype == np.bool_:
        return Raster(array.astype(np.uint8) * np.uint8(255))
    if array.dtype in (np.uint8, np.uint16):
        return Raster(array)
    if array.dtype.kind != "f":
        raise ImageError(
            f"the array has dtype {array.dtype}; accepted are uint8, uint16, bool and float"
        )
    values = array.astype(np.float32, copy=False)
    low, high = float(values.min()), float(values.max())
    if (low >= 0 and high <= 1) or not np.isfinite([low, high]).all():
        return Raster(values)  # `decode` counts what is not finite
    if low < -1e-3 or high > 1 + 1e-3:
        raise ImageError(
            f"the float array has values from {low:.4g} to {high:.4g}; accepted are 0 to 1"
        )
    return Raster(np.clip(values, 0, 1))


def _from_file(path: Path, max_pixels: int) -> Raster:
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{path}: is a folder; a picture file is needed") from None
    except OSError as problem:
        raise ImageError(f"{path}: cannot be opened ({problem.strerror})") from None
    if not start:
        raise ImageError(f"{path}: the file is empty")
    try:
        if start.startswith(_EXR):
            return read_exr(path, max_pixels)
        if start.startswith(_TIFF):
            deep = read_deep_tiff(path, max_pixels)
            if deep is not None:
                return deep
        with _open_pillow(path) as image:
            if start.startswith(_PNG) and start[24:25] == b"\x10":
                check_size(str(path), *image.size, max_pixels)
                return read_deep_png(path, image.info.get("icc_profile"))
            return _from_pillow(image, str(path), max_pixels)
    except UnidentifiedImageError:
        known = start.startswith((_PNG, _EXR, b"\xff\xd8", b"BM", *_TIFF)) or start[8:12] == b"WEBP"
        if known:
            raise ImageError(f"{path}: the file is damaged or truncated") from None
        raise ImageError(
            f"{path}: not a picture that can be read; accepted are {ACCEPTED}"
        ) from None
    except DAMAGE as problem:
        raise ImageError(
            f"{path}: the file is damaged or truncated ({_line(problem)})"
        ) from problem


def _line(problem: BaseException) -> str:
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text if len(text) <= 120 else text[:117] + "..."


def _open_pillow(path: Path) -> Image.Image:
    # Pillow looks the named formats up without loading their plugins itself.
    for plugin in ("Png", "Jpeg", "WebP", "Tiff", "Bmp"):
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    # Pillow's own limit is global and warns from 89 megapixels on; ours is checked by check_size.
    with _pillow_limit:
        previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with _without_warnings():
                return Image.open(path, formats=_PILLOW_FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = previous


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    # Odd metadata makes Pillow warn; either the pixels can be read or our own error says why not.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _from_pillow(image: Image.Image, name: str, max_pixels: int) -> Raster:
    check_size(name, *image.size, max_pixels)
    with _without_warnings():
        try:
            frames = getattr(image, "n_frames", 1)
            image.load()
        except DAMAGE as problem:
            raise ImageError(
                f"{name}: the file is damaged or truncated ({_line(problem)})"
            ) from None
        # Only after loading: PNG may keep it behind the pixels, and TIFF is turned by Pillow.
        turn = _orientation(image)
    notes: tuple[str, ...] = ()
    if frames > 1 and image.format != "MPO":
        notes = (f"the file has {frames} pictures; the first is used",)
    profile = image.info.get("icc_profile") or None
    if image.mode == "CMYK":
        image, note = icc.cmyk_to_srgb(image, profile)
        notes, profile = (*notes, note), None
    samples = _pillow_samples(image, name)
    if samples.ndim == 2:
        samples = samples[..., None]
    return Raster(upright(samples, turn), profile=profile, notes=notes)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except DAMAGE:  # a broken EXIF block does not spoil the pixels
        return 1


def _pillow_samples(image: Image.Image, name: str) -> Samples:
    mode = image.mode
    if mode == "P" or mode == "PA" or "transparency" in image.info:
        see_through = mode == "PA" or "transparency" in image.info
        grey = mode in ("1", "L")
        mode = ("LA" if grey else "RGBA") if see_through else "RGB"
        image = image.convert(mode)
    elif mode in ("1", "La", "RGBa", "RGBX", "YCbCr", "HSV"):
        targets = {"1": "L", "La": "LA", "RGBa": "RGBA"}
        image = image.convert(targets.get(mode, "RGB"))
    elif mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    elif mode == "I":
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError(f"{name}: 32-bit integer samples; accepted are 8, 16 and float")
        return values.astype(np.uint16)
    elif mode == "F":
        return _from_array(np.asarray(image), image.width * image.height).samples
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        raise ImageError(f"{name}: colour mode {mode} is not accepted; convert it to RGB first")
    return np.asarray(image)
