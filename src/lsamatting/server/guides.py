"""Trimaps of what a client sent: the same as the command line makes of it."""

from __future__ import annotations

import numpy as np

from lsamatting.errors import TrimapError
from lsamatting.images import Picture
from lsamatting.painted import read_scribbles
from lsamatting.server.tasks import Guide
from lsamatting.trimap import Trimap


def read_guide(guide: Guide, picture: Picture, *, max_pixels: int) -> Trimap:
    """Give the trimap of a picture, as `lsamatting matte` takes it.

    A mask's band follows the picture unless its width was given.

    Raises
    ------
    ImageError
        A file cannot be read.
    TrimapError
        It is of another size than the picture, or does not hold what was said.
    """
    called = guide.upload.name
    if guide.kind == "values":
        width, height = picture.size
        values = np.fromfile(guide.upload.path, np.uint8)
        if values.size != width * height:
            raise TrimapError(
                f"{called}: {values.size} values for {width}x{height} pixels; one a pixel is needed"
            )
        return Trimap(values.reshape(height, width))
    if guide.kind == "trimap":
        trimap = Trimap.read(guide.upload.path, max_pixels=max_pixels)
    else:
        fixed = guide.erode is not None or guide.dilate is not None
        trimap = draw_trimap(guide, None if fixed else picture, max_pixels=max_pixels)
    trimap.check_size(picture.samples.shape[:2], "the picture", called=called)
    return trimap


def draw_trimap(guide: Guide, picture: Picture | None, *, max_pixels: int) -> Trimap:
    """Make a trimap of a mask or of strokes, as `lsamatting trimap` and the editor do.

    What strokes leave out is proposed from the picture, or unknown if there is none.

    Raises
    ------
    ImageError
        The file cannot be read, or has no transparency.
    TrimapError
        It is of another size than the picture, or there is no stroke on the subject.
    """
    path, called = guide.upload.path, guide.upload.name
    if guide.kind == "mask":
        return Trimap.from_mask(
            path,
            image=None if picture is None else picture.visible(),
            erode=guide.erode,
            dilate=guide.dilate,
            max_pixels=max_pixels,
        )
    foreground, background = read_scribbles(path, max_pixels=max_pixels)
    height, width = foreground.shape
    known = Trimap.from_known((height, width), foreground=foreground, background=background)
    if picture is None:
        return known
    known.check_size(picture.samples.shape[:2], "the picture", called=called)
    return Trimap.from_strokes(picture.visible(), foreground=foreground, background=background)
