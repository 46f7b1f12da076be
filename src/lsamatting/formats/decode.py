"""Files, Pillow images, arrays and tensors as plain samples, checked, upright and straight.

Pillow decodes 8 bits, OpenCV PNG, AVIF, JPEG 2000 and Netpbm of more, tifffile deep TIFF (OpenCV
where its compression is beyond tifffile), OpenEXR its own format: none of them alone covers what
photographers send.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from lsamatting.errors import ImageError
from lsamatting.formats import icc
from lsamatting.formats.deep import largest_sample, read_deep
from lsamatting.formats.encoded import Encoded
from lsamatting.formats.exr import read_exr
from lsamatting.formats.metadata import metadata_of
from lsamatting.formats.png import read_deep_png
from lsamatting.formats.raster import DAMAGE, Raster, Samples, check_size, upright
from lsamatting.formats.tiff import read_tiff

Source = str | Path | bytes | BinaryIO | Image.Image | np.ndarray[Any, Any]
"""Also a tensor of PyTorch, which is not imported for it."""

ACCEPTED = (
    "PNG, JPEG, WebP, TIFF, BMP, OpenEXR, AVIF, JPEG 2000, GIF, Netpbm (PPM, PGM, PBM) and TGA"
)
_PLUGINS = {
    "PNG": "Png",
    "JPEG": "Jpeg",
    "WEBP": "WebP",
    "TIFF": "Tiff",
    "BMP": "Bmp",
    "DIB": "Bmp",
    "AVIF": "Avif",
    "JPEG2000": "Jpeg2K",
    "GIF": "Gif",
    "PPM": "Ppm",
}
"""Formats of Pillow that are opened, and the module of each."""
_PNG, _EXR = b"\x89PNG\r\n\x1a\n", b"\x76\x2f\x31\x01"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypheim")
_WITHOUT_MARK = (".tga", ".vda", ".icb", ".vst")
"""TGA has nothing at its start to know it by: its name has to say so."""
_pillow_limit = threading.Lock()


def decode(
    source: Source, *, max_pixels: int, layer: str | None = None, light: bool = False
) -> Raster:
    """Decode a file, a Pillow image, an array or a tensor.

    `light` lets float arrays exceed 1, as linear light does; for the rest see
    `lsamatting.images.read_picture`.
    """
    if isinstance(source, np.ndarray):
        raster = _from_array(source, max_pixels, light=light)
    elif isinstance(source, Image.Image):
        raster = _from_pillow(source, "the image", max_pixels)
    elif is_tensor(source):
        raster = _from_array(to_array(source), max_pixels, light=light)
    else:
        raster = _from_file(_encoded(source), max_pixels, layer)
    if raster.samples.dtype.kind == "f":
        bad = raster.samples.size - int(np.count_nonzero(np.isfinite(raster.samples)))
        if bad:
            raise ImageError(f"{describe(source)}: {bad} values are not finite (NaN or infinite)")
    return raster


def describe(source: Source) -> str:
    """Name a source in a message."""
    if isinstance(source, str | Path):
        return str(source)
    if isinstance(source, np.ndarray):
        return "the array"
    if is_tensor(source):
        return "the tensor"
    if isinstance(source, Image.Image):
        return "the image"
    return str(getattr(source, "name", None) or "the data")


def _encoded(source: Any) -> Encoded:
    if isinstance(source, str | Path):
        return Encoded(str(source), path=Path(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return Encoded("the data", data=bytes(source))
    if hasattr(source, "read"):
        data = source.read()
        if isinstance(data, bytes):
            return Encoded(describe(source), data=data)
    raise ImageError(
        f"a picture cannot be read from {type(source).__name__}; accepted are a path, bytes, a "
        "file opened in binary mode, a Pillow image, an array and a tensor"
    )


def is_array(source: Any) -> bool:
    """Tell whether it is an array or a tensor."""
    return isinstance(source, np.ndarray) or is_tensor(source)


def to_array(source: Any) -> Samples:
    """Give an array, or a tensor as one, HxW or HxWxC.

    Raises
    ------
    ImageError
        The tensor is not HxW, nor CxHxW with 1, 3 or 4 channels.
    """
    return source if isinstance(source, np.ndarray) else _from_tensor(source)


def is_tensor(source: Any) -> bool:
    """Tell whether it is a tensor of PyTorch, without loading that."""
    return type(source).__module__.partition(".")[0] == "torch" and hasattr(source, "detach")


def _from_tensor(tensor: Any) -> Samples:
    """Give H×W or C×H×W, also as the only one of a batch, as an array H×W×C."""
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    shape = "x".join(map(str, tensor.shape)) or "()"
    if tensor.ndim not in (2, 3) or (tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4)):
        raise ImageError(f"the tensor has shape {shape}; accepted are HxW, 1xHxW, 3xHxW and 4xHxW")
    if tensor.ndim == 3:
        tensor = tensor.permute(1, 2, 0)
    if tensor.is_floating_point():
        tensor = tensor.float()
    return np.asarray(tensor.detach().cpu().numpy())


def _from_array(array: Samples, max_pixels: int, *, light: bool = False) -> Raster:
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
    if light or (low >= 0 and high <= 1) or not np.isfinite([low, high]).all():
        return Raster(values)  # `decode` counts what is not finite
    if low < -1e-3 or high > 1 + 1e-3:
        raise ImageError(
            f"the float array has values from {low:.4g} to {high:.4g}; accepted are 0 to 1"
        )
    return Raster(np.clip(values, 0, 1))


def _from_file(file: Encoded, max_pixels: int, layer: str | None) -> Raster:
    start = file.start(32)
    name = file.name
    try:
        if start.startswith(_EXR):
            return read_exr(file, max_pixels, layer)
        if start.startswith(_TIFF):
            deep = read_tiff(file, max_pixels, least_bits=9)
            if deep is not None:
                return deep
        with _open_pillow(file) as image:
            if start.startswith(_PNG) and start[24:25] == b"\x10":
                check_size(name, *image.size, max_pixels)
                raster = read_deep_png(file.read(), image.info.get("icc_profile"))
                samples = upright(raster.samples, _orientation(image))
                return replace(raster, samples=samples, metadata=metadata_of(image))
            return _from_pillow(image, name, max_pixels, file)
    except UnidentifiedImageError:
        if start.startswith(_TIFF):
            return _odd_tiff(file, max_pixels)
        known = (
            start.startswith((_PNG, _EXR, b"\xff\xd8", b"BM", b"GIF8"))
            or start[8:12] == b"WEBP"
            or start[4:12] in (b"ftypavif", b"jP  \r\n\x87\n")
            or file.suffix in _WITHOUT_MARK
        )
        if known:
            raise _damaged(name) from None
        if start[4:12] in _HEIC:
            raise ImageError(
                f"{name}: HEIC pictures cannot be read; save it as JPEG, PNG or AVIF"
            ) from None
        raise ImageError(
            f"{name}: not a picture that can be read; accepted are {ACCEPTED}"
        ) from None
    except DAMAGE as problem:
        raise _damaged(name, problem) from problem


def _odd_tiff(file: Encoded, max_pixels: int) -> Raster:
    """Read a TIFF that Pillow does not know: of a layout that it lacks, or damaged."""
    try:
        raster = read_tiff(file, max_pixels, least_bits=8)
    except DAMAGE as problem:
        raise _damaged(file.name, problem) from problem
    if raster is None:
        raise ImageError(f"{file.name}: TIFF of less than 8 bits in a layout that cannot be read")
    return raster


def _damaged(name: str, problem: BaseException | None = None) -> ImageError:
    if problem is None:
        return ImageError(f"{name}: the file is damaged or truncated")
    why = " ".join(str(problem).split()) or type(problem).__name__
    if len(why) > 120:
        why = why[:117] + "..."
    return ImageError(f"{name}: the file is damaged or truncated ({why})")


def _open_pillow(file: Encoded) -> Image.Image:
    plugins = dict(_PLUGINS)
    if file.suffix in _WITHOUT_MARK:
        plugins["TGA"] = "Tga"
    # Pillow looks the named formats up without loading their plugins itself.
    for plugin in set(plugins.values()):
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    # Pillow's own limit is global and warns from 89 megapixels on; ours is checked by check_size.
    with _pillow_limit:
        previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with _without_warnings():
                source = io.BytesIO(file.read()) if file.path is None else file.path
                return Image.open(source, formats=list(plugins))
        finally:
            Image.MAX_IMAGE_PIXELS = previous


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    # Odd metadata makes Pillow warn; either the pixels can be read or our own error says why not.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _from_pillow(
    image: Image.Image, name: str, max_pixels: int, file: Encoded | None = None
) -> Raster:
    check_size(name, *image.size, max_pixels)
    with _without_warnings():
        try:
            frames = getattr(image, "n_frames", 1)
            image.load()
        except DAMAGE as problem:
            raise _damaged(name, problem) from None
        # Only after loading: PNG may keep it behind the pixels, and TIFF is turned by Pillow.
        turn = _orientation(image)
        metadata = metadata_of(image)
    notes: tuple[str, ...] = ()
    if frames > 1 and image.format != "MPO":
        notes = (f"the file has {frames} pictures; the first is used",)
    profile = image.info.get("icc_profile") or None
    if image.mode == "CMYK":
        image, note = icc.cmyk_to_srgb(image, profile)
        notes, profile = (*notes, note), None
    top = 255
    if file is not None and image.format in ("AVIF", "JPEG2000", "PPM"):
        top = largest_sample(image.format, file.read())
    if file is not None and top > 255:
        samples = read_deep(file.read(), top)
    else:
        samples = _pillow_samples(image, name)
    if samples.ndim == 2:
        samples = samples[..., None]
    return Raster(upright(samples, turn), profile=profile, notes=notes, metadata=metadata)


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
