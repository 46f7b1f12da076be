"""OpenEXR: linear light, opacity pre-multiplied."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from lsamatting.errors import ImageError
from lsamatting.formats.raster import Raster, check_size, straight


def read_exr(path: Path, max_pixels: int) -> Raster:
    """Read the first part of an OpenEXR file, the picture being its display window."""
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
        samples = straight(samples)
    return Raster(samples, linear=True)


def _corner(window: Any, index: int) -> tuple[int, int]:
    return int(window[index][0]), int(window[index][1])
