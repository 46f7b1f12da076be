"""OpenEXR: linear light, opacity pre-multiplied; of several layers, one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lsamatting.errors import ImageError
from lsamatting.extras import require
from lsamatting.formats.encoded import Encoded
from lsamatting.formats.raster import Raster, check_size, straight
from lsamatting.silence import silence

_PICTURES = (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",), ("A",))
"""What makes a picture, best first."""


class _Layer(NamedTuple):
    """A picture in the file: its part, and the channels that hold it, in order."""

    part: int
    channels: tuple[str, ...]


def read_exr(file: Encoded, max_pixels: int, layer: str | None = None) -> Raster:
    """Read a picture of an OpenEXR file, as large as its display window.

    Parameters
    ----------
    file
        Of one part or several.
    max_pixels
        Larger pictures are refused.
    layer
        Which picture: the part of the channels' names before the last dot, or a part's name.
        If not given, the channels without a dot of the first part, or the only layer.

    Raises
    ------
    ImageError
        It is too large, there is no such layer, or none and several to choose from.
    """
    with file.on_disk() as path:
        return _read(file.name, path, max_pixels, layer)


def _read(name: str, path: Path, max_pixels: int, layer: str | None) -> Raster:
    require("exr", f"{name}: OpenEXR")
    import OpenEXR

    with silence():
        headers = [part.header for part in OpenEXR.File(str(path), header_only=True).parts]
    layers = _layers(headers)
    chosen, note = _choose(name, layers, headers, layer)
    header = headers[chosen.part]
    (left, top), (right, bottom) = (_corner(header["displayWindow"], i) for i in (0, 1))
    width, height = right - left + 1, bottom - top + 1
    check_size(name, width, height, max_pixels)
    (data_left, data_top), (data_right, data_bottom) = (
        _corner(header["dataWindow"], i) for i in (0, 1)
    )
    check_size(name, data_right - data_left + 1, data_bottom - data_top + 1, max_pixels)
    with silence():
        parts = OpenEXR.File(str(path), separate_channels=True).parts
    if len(parts) <= chosen.part:
        raise ValueError("its pixels cannot be decoded")
    channels = parts[chosen.part].channels
    planes = [np.asarray(channels[channel].pixels) for channel in chosen.channels]
    if any(plane.shape != planes[0].shape for plane in planes):
        raise ImageError(f"{name}: OpenEXR with subsampled channels is not accepted")
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
    if len(planes) in (2, 4):
        samples = straight(samples)
    return Raster(samples, linear=True, notes=() if note is None else (note,))


def _layers(headers: list[dict[str, Any]]) -> dict[str, _Layer]:
    """Find the pictures of a file by name; the one that is meant if none is named is ''."""
    layers: dict[str, _Layer] = {}
    for number, header in enumerate(headers):
        groups: dict[str, list[str]] = {}
        for channel in header["channels"]:
            groups.setdefault(channel.name.rpartition(".")[0], []).append(channel.name)
        for group, names in groups.items():
            prefix = f"{group}." if group else ""
            for picture in _PICTURES:
                wanted = tuple(prefix + letter for letter in picture)
                if all(name in names for name in wanted):
                    part = str(header.get("name", "")) if len(headers) > 1 else ""
                    called = group or ("" if number == 0 else part)
                    layers.setdefault(called, _Layer(number, wanted))
                    if part and not group:
                        layers.setdefault(part, _Layer(number, wanted))
                    break
    return layers


def _choose(
    name: str, layers: dict[str, _Layer], headers: list[dict[str, Any]], layer: str | None
) -> tuple[_Layer, str | None]:
    named = sorted(called for called in layers if called)
    if layer is not None:
        if layer in layers:
            return layers[layer], None
        has = f"it has {', '.join(named)}" if named else "it has only one"
        raise ImageError(f"{name}: no layer '{layer}'; {has}")
    if "" in layers:
        return layers[""], None
    if len(named) == 1:
        return layers[named[0]], f"its only layer, '{named[0]}', is used"
    if named:
        raise ImageError(
            f"{name}: OpenEXR with the layers {', '.join(named)}; name one of them with layer "
            "(--layer)"
        )
    found = sorted(channel.name for header in headers for channel in header["channels"])
    raise ImageError(
        f"{name}: OpenEXR with the channels {', '.join(found) or 'none'}; "
        "accepted are RGB, RGBA and Y"
    )


def _corner(window: Any, index: int) -> tuple[int, int]:
    return int(window[index][0]), int(window[index][1])
