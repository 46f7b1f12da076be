"""Samples of more than 8 bits in AVIF, JPEG 2000 and Netpbm, which Pillow would cut down to 8."""

from __future__ import annotations

import re
import struct

import numpy as np

from lsamatting.formats.opencv import decode_opencv
from lsamatting.formats.raster import Samples

_START_OF_CODESTREAM, _AV1_CONFIGURATION = b"\xff\x4f\xff\x51", b"av1C"
_NETPBM = re.compile(rb"P[2356](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+(\d+)\s")


def largest_sample(kind: str, data: bytes) -> int:
    """Tell from a file's header which sample is white: 255 for 8 bits, 1023 for 10, and so on.

    Parameters
    ----------
    kind
        Pillow's name of the format. Of those that cannot be deeper, or do not say, it is 255.
    data
        The file.
    """
    bits = 8
    if kind == "AVIF":
        at = data.find(_AV1_CONFIGURATION)
        if 0 <= at < len(data) - 6:
            flags = data[at + 6]  # AV1 in ISOBMFF, section 2.3.3: high_bitdepth, twelve_bit
            bits = (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    elif kind == "JPEG2000":
        at = data.find(_START_OF_CODESTREAM)
        if 0 <= at < len(data) - 42:
            (components,) = struct.unpack_from(">H", data, at + 40)
            depths = [(value & 0x7F) + 1 for value in data[at + 42 : at + 42 + 3 * components : 3]]
            bits = max(depths, default=8)
    elif kind == "PPM":
        match = _NETPBM.match(data)
        return int(match.group(1)) if match is not None and len(match.group(1)) <= 5 else 255
    return (1 << bits) - 1


def read_deep(data: bytes, top: int) -> Samples:
    """Decode a file whose largest sample is `top`, 256 to 65535, into HxWxC uint16.

    Raises
    ------
    ValueError
        It cannot be decoded at this depth.
    """
    samples = decode_opencv(data)
    if samples.dtype != np.uint16 or not 256 <= top <= 65535:
        raise ValueError(f"samples up to {top} cannot be decoded")
    if top == 65535:
        return samples
    scaled = np.minimum(samples, top).astype(np.float32) * np.float32(65535 / top)
    return np.asarray(np.rint(scaled).astype(np.uint16))
