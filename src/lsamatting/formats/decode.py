"""Files, Pillow images and arrays as plain samples, checked, upright and straight.

Pillow decodes 8 bits, OpenCV 16-bit PNG, tifffile deep TIFF (OpenCV where its compression is
beyond tifffile), OpenEXR its own format: none of them alone covers what photographers send.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from lsamatting.colour import unpremultiply
from lsamatting.errors import ImageError
from lsamatting.formats import icc

Samples = npt.NDArray[Any]
Source = str | Path | Image.Image | np.ndarray[Any, Any]

ACCEPTED = "PNG, JPEG, WebP, TIFF, BMP and OpenEXR"
_PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB")
_PNG, _EXR = b"\x89PNG\r\n\x1a\n", b"\x76\x2f\x31\x01"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# What damaged input makes decoders raise; anything else would be a bug of ours.
_DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    RuntimeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_pillow_limit = threading.Lock()


@dataclass(frozen=True)
class Raster:
    """Samples of one picture, upright.

    `samples` is HxWxC, uint8, uint16 or float32, with C = 1 grey, 2 grey and alpha, 3 RGB,
    4 RGBA; alpha is straight (not pre-multiplied). `linear` says that colour is linear light.
    `profile` is an ICC profile still to be applied to the colour.
    """

    samples: Samples
    linear: bool = False
    profile: bytes | None = None
    notes: tuple[str, ...] = ()

    @property
    def colour(self) -> Samples:
        """HxWx1 or HxWx3."""
        return self.samples[..., : 3 if self.samples.shape[2] > 2 else 1]

    @property
    def alpha(self) -> Samples | None:
        """HxW, or None."""
        return self.samples[..., -1] if self.samples.shape[2] in (2, 4) else None


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


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Raise ImageError for a picture without pixels or with more than `max_pixels`."""
    if width < 1 or height < 1:
        raise ImageError(f"{name}: the picture has no pixels ({width}x{height})")
    if width * height > max_pixels:
        raise ImageError(
            f"{name}: {width}x{height} is {width * height / 1e6:.1f} megapixels, more than the"
            f" limit of {max_pixels / 1e6:g} megapixels; raise max_pixels to read it"
        )


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
            return _from_exr(path, max_pixels)
        if start.startswith(_TIFF):
            deep = _from_deep_tiff(path, max_pixels)
            if deep is not None:
                return deep
        with _open_pillow(path) as image:
            if start.startswith(_PNG) and start[24:25] == b"\x10":
                check_size(str(path), *image.size, max_pixels)
                return _from_deep_png(path, image.info.get("icc_profile"))
            return _from_pillow(image, str(path), max_pixels)
    except UnidentifiedImageError:
        known = start.startswith((_PNG, _EXR, b"\xff\xd8", b"BM", *_TIFF)) or start[8:12] == b"WEBP"
        if known:
            raise ImageError(f"{path}: the file is damaged or truncated") from None
        raise ImageError(
            f"{path}: not a picture that can be read; accepted are {ACCEPTED}"
        ) from None
    except _DAMAGE as problem:
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


# ---- 8 bits (and whatever else Pillow holds) ----


def _from_pillow(image: Image.Image, name: str, max_pixels: int) -> Raster:
    check_size(name, *image.size, max_pixels)
    with _without_warnings():
        try:
            frames = getattr(image, "n_frames", 1)
            image.load()
        except _DAMAGE as problem:
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
    except _DAMAGE:  # a broken EXIF block does not spoil the pixels
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


# ---- 16-bit PNG ----


def _from_deep_png(path: Path, profile: bytes | None) -> Raster:
    data = path.read_bytes()
    turn, colour_type = 1, data[25]
    for kind, payload in _png_chunks(data):
        if kind == b"eXIf":
            exif = Image.Exif()
            with contextlib.suppress(*_DAMAGE):
                exif.load(payload)
                turn = int(exif.get(0x0112, 1))
    samples = _opencv(data)
    if samples.ndim == 2:
        samples = samples[..., None]
    elif colour_type == 4:
        samples = samples[..., [0, 3]]
    else:
        samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    return Raster(upright(samples, turn), profile=profile)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    # OpenCV returns half a picture without a word, so lengths and checksums are checked here.
    position, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        payload = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(payload, zlib.crc32(kind)) != checksum:
            raise ValueError(f"wrong checksum of the {kind.decode('latin1')} chunk")
        yield kind, payload
        position += 12 + length


def _opencv(data: bytes) -> Samples:
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as problem:
        raise ValueError(str(problem)) from None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if samples is None:
        raise ValueError("its pixels cannot be decoded")
    return np.asarray(samples)


# ---- TIFF of more than 8 bits ----


def _from_deep_tiff(path: Path, max_pixels: int) -> Raster | None:
    """Read 16-bit and float TIFF; None for 8 bits and less, which Pillow reads."""
    import logging

    import tifffile

    logger = logging.getLogger("tifffile")
    previous, logger.disabled = logger.disabled, True
    try:
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            check_size(str(path), page.imagewidth, page.imagelength, max_pixels)
            if page.bitspersample <= 8:
                return None
            raster = _from_tiff_page(path, page)
            count = len(file.pages)
    finally:
        logger.disabled = previous
    if count > 1:
        note = f"the file has {count} pictures; the first is used"
        raster = replace(raster, notes=(*raster.notes, note))
    return raster


def _from_tiff_page(path: Path, page: Any) -> Raster:
    white_is_zero, black_is_zero, rgb = 0, 1, 2
    kind = None if page.dtype is None else np.dtype(page.dtype)
    if kind is None or not (kind == np.uint16 or kind.kind == "f"):
        found = f"{page.bitspersample}-bit samples" if kind is None else f"{kind} samples"
        raise ImageError(f"{path}: TIFF with {found}; accepted are 8-bit, 16-bit and float")
    if page.photometric not in (white_is_zero, black_is_zero, rgb):
        name = getattr(page.photometric, "name", page.photometric)
        raise ImageError(
            f"{path}: {kind} TIFF with {name} colours; accepted are grey and RGB at this depth"
        )
    turn = int(page.tags[274].value) if 274 in page.tags else 1
    colours = 3 if page.photometric == rgb else 1
    try:
        samples = page.asarray()
        if samples.ndim == 3 and page.axes.startswith("S"):
            samples = np.moveaxis(samples, 0, -1)
        if samples.ndim == 2:
            samples = samples[..., None]
    except (KeyError, ValueError, ImportError) as problem:
        if "imagecodecs" not in str(problem):
            raise
        samples = _opencv(path.read_bytes())
        if samples.ndim == 2:
            samples = samples[..., None]
        if samples.dtype != kind or samples.shape[2] != page.samplesperpixel:
            raise ValueError(f"compression {page.compression.name} of this kind") from None
        if colours == 3:
            samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
        turn = 1  # already done by OpenCV
    if samples.ndim != 3 or samples.shape[2] < colours:
        raise ImageError(f"{path}: TIFF of shape {samples.shape}; accepted are flat pictures")
    samples = samples[..., : colours + 1]
    if page.photometric == white_is_zero:
        top = samples.dtype.type(65535 if kind == np.uint16 else 1)
        samples = np.concatenate([top - samples[..., :1], samples[..., 1:]], axis=2)
    if kind.kind == "f":
        samples = samples.astype(np.float32, copy=False)
    associated = 1
    if samples.shape[2] > colours and associated in tuple(page.extrasamples[:1]):
        samples = _straight(samples)
    profile = bytes(page.tags[34675].value) if 34675 in page.tags else None
    linear = kind.kind == "f" and profile is None
    return Raster(upright(samples, turn), linear=linear, profile=profile)


def _straight(samples: Samples) -> Samples:
    values = samples.astype(np.float32)
    top = np.float32(65535 if samples.dtype == np.uint16 else 1)
    colour = unpremultiply(values[..., :-1], values[..., -1] / top)
    if samples.dtype == np.uint16:
        colour = np.rint(np.clip(colour, 0, top))
    return np.concatenate([colour.astype(samples.dtype), samples[..., -1:]], axis=2)


# ---- OpenEXR ----


def _from_exr(path: Path, max_pixels: int) -> Raster:
    import OpenEXR

    with contextlib.redirect_stdout(io.StringIO()):  # the binding prints its warnings
        header = OpenEXR.File(str(path), header_only=True).header(0)
        (left, top), (right, bottom) = (_corner(header["displayWindow"], i) for i in (0, 1))
        width, height = right - left + 1, bottom - top + 1
        check_size(str(path), width, height, max_pixels)
        (data_left, data_top), (data_right, data_bottom) = (
            _corner(header["dataWindow"], i) for i in (0, 1)
        )
        check_size(str(path), data_right - data_left + 1, data_bottom - data_top + 1, max_pixels)
        channels = OpenEXR.File(str(path), separate_channels=True).channels(0)
    for names in (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",), ("A",)):
        if all(name in channels for name in names):
            break
    else:
        found = ", ".join(sorted(channels)) or "none"
        raise ImageError(f"{path}: OpenEXR with the channels {found}; accepted are RGB, RGBA and Y")
    planes = [np.asarray(channels[name].pixels) for name in names]
    if any(plane.shape != planes[0].shape for plane in planes):
        raise ImageError(f"{path}: OpenEXR with subsampled channels is not accepted")
    samples = np.zeros((height, width, len(planes)), np.float32)
    # Pixels exist inside the data window only; the picture is the display window.
    rows = slice(max(top, data_top), min(bottom, data_bottom) + 1)
    columns = slice(max(left, data_left), min(right, data_right) + 1)
    if rows.start < rows.stop and columns.start < columns.stop:
        for index, plane in enumerate(planes):
            samples[
                rows.start - top : rows.stop - top,
                columns.start - left : columns.stop - left,
                index,
            ] = plane[
                rows.start - data_top : rows.stop - data_top,
                columns.start - data_left : columns.stop - data_left,
            ]
    if names[-1] == "A" and len(names) > 1:
        samples = _straight(samples)
    return Raster(samples, linear=True)


def _corner(window: Any, index: int) -> tuple[int, int]:
    return int(window[index][0]), int(window[index][1])
