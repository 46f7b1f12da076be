"""What a client is shown of a session: its layers, whole or in part, as files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Depth
from lsamatting.colour import parse_colour
from lsamatting.compositing.backdrop import fit_backdrop, read_backdrop
from lsamatting.compositing.equation import composite
from lsamatting.errors import ConfigError
from lsamatting.images import Picture, write_grey, write_picture
from lsamatting.matte import Matte
from lsamatting.picture_files import best_depth, check_format
from lsamatting.samples import as_float
from lsamatting.server.tasks import Render, Window
from lsamatting.trimap import Trimap

FloatArray = NDArray[np.float32]

_VISIBLE = 0.5 / 255
"""Opacity from which a pixel belongs to the subject when it is cropped to."""

_JPEG_QUALITY = 92


class Sheet:
    """A picture and its matte, with smaller copies for what is scaled down again and again."""

    def __init__(
        self, picture: Picture, matte: Matte | None = None, *, trimap: Trimap | None = None
    ) -> None:
        self.picture = picture
        self._matte = matte
        self._trimap = trimap if trimap is not None or matte is None else matte.trimap
        self._small: dict[tuple[str, int, int], NDArray[Any]] = {}

    def shows(self, matte: Matte) -> bool:
        """Tell whether it is of this matte."""
        return self._matte is matte

    def whole(self, name: str) -> NDArray[Any]:
        """Give `picture` as its file had it, `alpha`, `foreground` or `trimap` in full size."""
        if name == "picture":
            return self.picture.samples
        if name == "trimap":
            assert self._trimap is not None
            return self._trimap.values
        assert self._matte is not None
        return self._matte.alpha if name == "alpha" else self._matte.foreground

    def small(self, name: str, width: int, height: int) -> NDArray[Any]:
        """Give the same scaled down to a size."""
        key = (name, width, height)
        if key not in self._small:
            if len(self._small) > 8:
                self._small.clear()
            method = cv2.INTER_NEAREST if name == "trimap" else cv2.INTER_AREA
            self._small[key] = cv2.resize(self.whole(name), (width, height), interpolation=method)
        return self._small[key]


def write_layer(sheet: Sheet, task: Render, *, max_pixels: int) -> None:
    """Write one layer of a sheet into the task's file.

    Without `fit` values are exact: finished in full size, then cut out. With it they have 8 bits,
    if neither `depth` nor the format says otherwise.
    """
    view = _View(sheet, task)
    target = Path(task.target)
    if task.layer == "cutout":
        check_format(str(target), target.suffix, alpha=True, depth=None)
    wanted: Depth = sheet.picture.depth if task.fit is None else 8
    depth = task.depth or _depth(target, wanted, task.layer)
    preview = task.fit is not None and task.format in ("png", "jpeg") and depth == 8
    linear = sheet.picture.linear
    if task.layer == "trimap":
        grey = view.take("trimap").astype(np.float32) / np.float32(255)
        _write(target, grey, None, depth, preview=preview, linear=False)
        return
    if task.layer == "picture":
        _write(target, view.take("picture"), None, depth, preview=preview, linear=linear)
        return
    alpha = view.alpha()
    if task.crop:
        view.crop_to(alpha > _VISIBLE)
        alpha = view.alpha()
    if task.layer == "alpha":
        _write(target, alpha, None, depth, preview=preview, linear=False)
        return
    colours = task.finish.colours(view.take("picture"), view.take("foreground"))
    if task.layer == "foreground":
        _write(target, colours, None, depth, preview=preview, linear=linear)
    elif task.layer == "cutout":
        _write(target, colours, alpha, depth, preview=preview, linear=linear)
    else:
        behind = view.cut(_backdrop(task, sheet.picture, max_pixels))
        _write(
            target, composite(colours, alpha, behind), None, depth, preview=preview, linear=linear
        )


class _View:
    """The part of a sheet that a task asks for, and how large it comes out."""

    def __init__(self, sheet: Sheet, task: Render) -> None:
        self._sheet, self._task = sheet, task
        width, height = sheet.picture.size
        self.x, self.y, self.width, self.height = _inside(task.window, width, height)
        self.scale = 1.0
        if task.fit is not None and self.width * self.height > task.fit:
            self.scale = math.sqrt(task.fit / (self.width * self.height))

    def take(self, name: str) -> NDArray[Any]:
        """Give this part of a layer: values, but of a trimap its three bytes."""
        part = self._scaled(name)
        return as_float(part) if name == "picture" else part

    def _scaled(self, name: str) -> NDArray[Any]:
        if self.scale == 1:
            return self.cut(self._sheet.whole(name))
        if (self.width, self.height) == self._sheet.picture.size:
            return self._sheet.small(name, *self._out())
        method = cv2.INTER_NEAREST if name == "trimap" else cv2.INTER_AREA
        part = self.cut(self._sheet.whole(name))
        return np.asarray(cv2.resize(part, self._out(), interpolation=method))

    def alpha(self) -> FloatArray:
        """Give this part of the finished opacity."""
        finish = self._task.finish
        if self.scale < 1:
            return finish.scaled(self.scale).alpha(self.take("alpha"))
        whole, reach = self._sheet.whole("alpha"), finish.reach
        top, left = max(self.y - reach, 0), max(self.x - reach, 0)
        around = whole[top : self.y + self.height + reach, left : self.x + self.width + reach]
        finished = finish.alpha(np.ascontiguousarray(around))
        rows = slice(self.y - top, self.y - top + self.height)
        columns = slice(self.x - left, self.x - left + self.width)
        return np.asarray(finished[rows, columns], np.float32)

    def cut(self, array: NDArray[Any]) -> NDArray[Any]:
        """Cut this part out of an array of the picture's size; a colour stays what it is."""
        if array.ndim == 1:
            return array
        return array[self.y : self.y + self.height, self.x : self.x + self.width]

    def crop_to(self, mask: NDArray[np.bool_]) -> None:
        """Narrow this part down to where a mask of its size is True."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if self.scale < 1 or rows.size == 0:
            raise ConfigError(
                "nothing to crop to: the matte is empty"
                if rows.size == 0
                else "crop goes with full size: leave fit out"
            )
        self.x, self.y = self.x + int(columns[0]), self.y + int(rows[0])
        self.width = int(columns[-1] - columns[0]) + 1
        self.height = int(rows[-1] - rows[0]) + 1

    def _out(self) -> tuple[int, int]:
        return max(1, round(self.width * self.scale)), max(1, round(self.height * self.scale))


def _inside(window: Window | None, width: int, height: int) -> Window:
    if window is None:
        return 0, 0, width, height
    x, y, w, h = window
    if x < 0 or y < 0 or w < 1 or h < 1 or x + w > width or y + h > height:
        raise ConfigError(
            f"window {x},{y},{w},{h} is not inside the picture of {width}x{height} pixels"
        )
    return window


def _backdrop(task: Render, picture: Picture, max_pixels: int) -> FloatArray:
    if task.backdrop is not None:
        behind = read_backdrop(Path(task.backdrop.path), max_pixels=max_pixels)
        return fit_backdrop(behind, picture.size[1], picture.size[0])
    if task.colour is None:
        raise ConfigError("a composite needs a colour or a picture to stand on")
    return parse_colour(task.colour)


def _depth(target: Path, wanted: Depth, layer: str) -> Depth:
    return 8 if layer == "trimap" else best_depth(target, wanted)


def _write(
    target: Path,
    values: NDArray[Any],
    alpha: FloatArray | None,
    depth: int,
    *,
    preview: bool,
    linear: bool,
) -> None:
    values = np.ascontiguousarray(values, np.float32)
    if preview:
        _write_preview(target, values, alpha)
    elif values.ndim == 2:
        write_grey(target, values, depth=depth)
    else:
        straight = None if alpha is None else np.ascontiguousarray(alpha)
        write_picture(target, values, alpha=straight, depth=cast(Depth, depth), linear=linear)


def _write_preview(target: Path, values: FloatArray, alpha: FloatArray | None) -> None:
    """Write 8 bits with little compression: what is only looked at should be there soon."""
    samples = np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
    if samples.ndim == 3:
        samples = samples[..., ::-1]
        if alpha is not None:
            opacity = np.rint(alpha * np.float32(255)).astype(np.uint8)
            samples = np.dstack((samples, opacity))
    options = (
        [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        if target.suffix == ".jpg"
        else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )
    _, encoded = cv2.imencode(target.suffix, np.ascontiguousarray(samples), options)
    target.write_bytes(encoded.tobytes())
