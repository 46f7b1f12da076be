"""TIFF that Pillow cannot read: of 16 bits and float, and of 8 bits in layouts that it lacks.

tifffile reads the layouts, OpenCV the compressions that tifffile lacks.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from lsamatting.errors import ImageError
from lsamatting.formats.encoded import Encoded
from lsamatting.formats.metadata import Metadata, sensible_dpi
from lsamatting.formats.opencv import decode_opencv
from lsamatting.formats.raster import Raster, check_size, straight, upright, white_of


def read_tiff(source: Encoded, max_pixels: int, *, least_bits: int) -> Raster | None:
    """Read 8-bit, 16-bit and float TIFF; None if its samples have fewer than `least_bits`."""
    import tifffile

    logger = logging.getLogger("tifffile")
    previous, logger.disabled = logger.disabled, True
    try:
        with source.open() as stream, tifffile.TiffFile(stream) as file:
            page: Any = file.pages[0]
            check_size(source.name, page.imagewidth, page.imagelength, max_pixels)
            if page.bitspersample < least_bits:
                return None
            raster = _from_tiff_page(source, page)
            count = len(file.pages)
    finally:
        logger.disabled = previous
    if count > 1:
        note = f"the file has {count} pictures; the first is used"
        raster = replace(raster, notes=(*raster.notes, note))
    return raster


def _from_tiff_page(source: Encoded, page: Any) -> Raster:
    white_is_zero, black_is_zero, rgb = 0, 1, 2
    kind = None if page.dtype is None else np.dtype(page.dtype)
    accepted = kind is not None and (
        kind.kind == "f" or (kind.kind == "u" and page.bitspersample in (8, 16))
    )
    if kind is None or not accepted:
        found = f"{page.bitspersample}-bit samples" if kind is None else f"{kind} samples"
        raise ImageError(f"{source.name}: TIFF with {found}; accepted are 8-bit, 16-bit and float")
    if page.photometric not in (white_is_zero, black_is_zero, rgb):
        name = getattr(page.photometric, "name", page.photometric)
        raise ImageError(
            f"{source.name}: {kind} TIFF with {name} colours; accepted are grey and RGB at this"
            " depth"
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
        samples = decode_opencv(source.read())
        if samples.dtype != kind or samples.shape[2] != page.samplesperpixel:
            raise ValueError(f"compression {page.compression.name} of this kind") from None
        turn = 1  # already done by OpenCV
    if samples.ndim != 3 or samples.shape[2] < colours:
        raise ImageError(
            f"{source.name}: TIFF of shape {samples.shape}; accepted are flat pictures"
        )
    associated, unassociated = 1, 2
    # A further channel that is not said to be opacity may be anything, as a selection that was
    # saved; of files that say nothing at all the first is taken for it, as Pillow does in 8 bits.
    kinds = tuple(page.extrasamples) or (unassociated,) * (samples.shape[2] - colours)
    opacity = next((i for i, told in enumerate(kinds) if told in (associated, unassociated)), None)
    kept = [*range(colours), *([] if opacity is None else [colours + opacity])]
    if len(kept) < samples.shape[2]:
        samples = samples[..., kept]
    if page.photometric == white_is_zero:
        top = samples.dtype.type(white_of(kind))
        samples = np.concatenate([top - samples[..., :1], samples[..., 1:]], axis=2)
    if kind.kind == "f":
        samples = samples.astype(np.float32, copy=False)
    if opacity is not None and kinds[opacity] == associated:
        samples = straight(samples)
    profile = bytes(page.tags[34675].value) if 34675 in page.tags else None
    linear = kind.kind == "f" and profile is None
    return Raster(
        upright(samples, turn),
        linear=linear,
        profile=profile,
        assumed=linear,
        metadata=Metadata(dpi=sensible_dpi(_resolution(page))),
    )


def _resolution(page: Any) -> tuple[float, float] | None:
    """Give pixels per inch, if the file says so in inches or centimetres."""
    across, down, unit = (page.tags.get(code) for code in (282, 283, 296))
    per_inch = {2: 1.0, 3: 2.54}.get(2 if unit is None else int(unit.value))
    if across is None or down is None or per_inch is None:
        return None
    (a, b), (c, d) = across.value, down.value
    return (a / b * per_inch, c / d * per_inch) if b and d else None
