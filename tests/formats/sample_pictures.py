"""Small pictures that files are made of, and what is said of them there."""

import struct
import zlib

import numpy as np
import OpenEXR

RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)


DEEP = np.random.default_rng(1).integers(0, 65536, (4, 6, 4)).astype(np.uint16)


FLOAT = np.random.default_rng(2).random((4, 6, 4), np.float32)


def unit(samples):
    return samples.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)


def bgr(samples):
    return np.ascontiguousarray(samples[..., [2, 1, 0, 3][: samples.shape[2]]])


def write_exr(path, channels, **header):
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels).write(str(path))


def insert_png_chunk(path, kind, payload, *, before=b"IDAT"):
    data = path.read_bytes()
    at = data.index(before) - 4
    chunk = struct.pack(">I", len(payload)) + kind + payload
    chunk += struct.pack(">I", zlib.crc32(kind + payload))
    path.write_bytes(data[:at] + chunk + data[at:])
