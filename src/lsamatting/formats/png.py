"""PNG of 16 bits, which Pillow would cut down to 8."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from lsamatting.formats.opencv import decode_opencv
from lsamatting.formats.raster import Raster

_GREY, _GREY_WITH_OPACITY = 0, 4


def read_deep_png(data: bytes, profile: bytes | None) -> Raster:
    """Read a 16-bit PNG whose colour profile is already known, without turning it upright."""
    colour_type, see_through = data[25], None
    for kind, payload in _png_chunks(data):
        if kind == b"tRNS" and colour_type == _GREY:
            (see_through,) = struct.unpack(">H", payload)
    samples = decode_opencv(data)
    if colour_type == _GREY_WITH_OPACITY:  # which OpenCV makes RGBA
        samples = samples[..., [0, 3]]
    elif see_through is not None and samples.shape[2] == 1:  # of a grey, OpenCV passes over it
        opacity = np.where(samples == see_through, 0, 65535).astype(samples.dtype)
        samples = np.concatenate([samples, opacity], axis=2)
    return Raster(samples, profile=profile)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    # OpenCV returns half a picture without a word, so lengths and checksums are checked here.
    position, kind = 8, b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise ValueError("it ends before its last chunk")
        length, kind = struct.unpack_from(">I4s", data, position)
        payload = data[position + 8 : position + 8 + length]
        if position + 12 + length > len(data):
            raise ValueError(f"it ends inside its {kind.decode('latin1')} chunk")
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(payload, zlib.crc32(kind)) != checksum:
            raise ValueError(f"wrong checksum of the {kind.decode('latin1')} chunk")
        yield kind, payload
        position += 12 + length
