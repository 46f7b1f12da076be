"""Colour profiles to test with."""

import struct
import zlib

import cv2
import numpy as np

from lsamatting.colour import linear_to_srgb

# Primaries of Adobe RGB (1998) relative to D50, from its specification
ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)


SRGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169],
     [0.0139322, 0.0971045, 0.7141733]]
)  # fmt: skip


RGB = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)


DEEP = np.random.default_rng(1).integers(0, 65536, (8, 9, 3)).astype(np.uint16)


def fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def gamma_curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def parametric_curve(shape, *numbers):
    return b"para" + bytes(4) + struct.pack(">HH", shape, 0) + fixed(*numbers)


def profile(space, tags, *, connection=b"XYZ "):
    """Assemble a version 2 display profile (ICC.1:2001-04, section 6)."""
    name = b"Test space"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(1 + 78)
    tags = {
        b"desc": described,
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249),
        **tags,
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for kind, payload in tags.items():
        payload += bytes(-len(payload) % 4)
        table += kind + struct.pack(">II", start + len(body), len(payload))
        body += payload
    header = bytearray(128)
    header[0:4] = struct.pack(">I", start + len(body))
    header[8:12] = bytes([2, 0x40, 0, 0])
    header[12:24] = b"mntr" + space + connection
    header[36:40] = b"acsp"
    header[68:80] = fixed(0.9642, 1, 0.8249)
    return bytes(header) + table + body


def matrix_profile(matrix, curve):
    columns = {
        kind: b"XYZ " + bytes(4) + fixed(*matrix[:, i])
        for i, kind in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))
    }
    return profile(b"RGB ", {**columns, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def lut_profile():
    """Eight corner colours in Lab, as an 8-bit look-up table: no matrix to be found."""
    corners = [
        (0, 128, 128), (75, 196, 8), (220, 42, 210), (240, 100, 210),
        (130, 220, 190), (150, 225, 70), (230, 80, 115), (255, 128, 128),
    ]  # fmt: skip
    ramp = bytes(range(256)) * 3
    table = b"mft1" + bytes(4) + bytes([3, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += ramp + bytes(v for corner in corners for v in corner) + ramp
    return profile(b"RGB ", {b"A2B0": table}, connection=b"Lab ")


def by_matrix(light, matrix):
    converted = np.linalg.solve(SRGB, matrix) @ light[..., None]
    return linear_to_srgb(converted[..., 0])


ADOBE_PROFILE = matrix_profile(ADOBE, gamma_curve(563 / 256))


def write_deep_png(path, samples, icc):
    cv2.imwrite(str(path), np.ascontiguousarray(samples[..., ::-1]))
    data = path.read_bytes()
    payload = b"p\0\0" + zlib.compress(icc)
    chunk = struct.pack(">I", len(payload)) + b"iCCP" + payload
    chunk += struct.pack(">I", zlib.crc32(b"iCCP" + payload))
    path.write_bytes(data[:33] + chunk + data[33:])
