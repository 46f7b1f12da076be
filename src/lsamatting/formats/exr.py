"""OpenEXR: linear light, opacity pre-multiplied."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lsamatting.errors import ImageError
from lsamatting.formats.raster import Raster, check_size, straight

_STDERR = 2
_one_at_a_time = threading.Lock()


def read_exr(path: Path, max_pixels: int) -> Raster:
    """Read the first part of an OpenEXR file, the picture being its display window."""
    import OpenEXR

    with _silence():
        header = OpenEXR.File(str(path), header_only=True).header(0)
        (left, top), (right, bottom) = (_corner(header["displayWindow"], i) for i in (0, 1))
        width, height = right - left + 1, bottom - top + 1
        check_size(str(path), width, height, max_pixels)
        (data_left, data_top), (data_right, data_bottom) = (
            _corner(header["dataWindow"], i) for i in (0, 1)
        )
        check_size(str(path), data_right - data_left + 1, data_bottom - data_top + 1, max_pixels)
        file = OpenEXR.File(str(path), separate_channels=True)
    if not file.parts:
        raise ValueError("its pixels cannot be decoded")
    channels = file.channels(0)
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
        samples = straight(samples)
    return Raster(samples, linear=True)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep to itself what the binding prints, and its C library straight into the terminal."""
    with _one_at_a_time, contextlib.redirect_stdout(io.StringIO()):
        try:
            kept = os.dup(_STDERR)
        except OSError:  # closed, so nothing can reach it
            yield
            return
        try:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, _STDERR)
            os.close(nothing)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)


def _corner(window: Any, index: int) -> tuple[int, int]:
    return int(window[index][0]), int(window[index][1])
