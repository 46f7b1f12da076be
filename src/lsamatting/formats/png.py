"""PNG of 16 bits, which Pillow would cut down to 8."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from lsamatting.formats.opencv import decode_opencv
from lsamatting.formats.raster import DAMAGE, Raster, upright


def read_deep_png(data: bytes, profile: bytes | None) -> Raster:
    """Read a 16-bit PNG whose colour profile is already known."""
    turn, colour_type = 1, data[25]
    exif = Image.Exif()
    for kind, payload in _png_chunks(data):
        if kind == b"eXIf":
            with contextlib.suppress(*DAMAGE):
                exif.load(payload)
                turn = int(exif.get(0x0112, 1))
    samples = decode_opencv(data)
    if colour_type == 4:  # grey with opacity, which OpenCV makes RGBA
        samples = samples[..., [0, 3]]
    return Raster(upright(samples, turn), profile=profile)


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
