"""Pictures from which the ranges of a network's features are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lsamatting.errors import ConfigError
from lsamatting.evaluation.datasets import open_dataset
from lsamatting.images import read_grey, read_picture
from lsamatting.inference.frame import Layout, frame_picture
from lsamatting.network.config import STRIDE, NetworkConfig
from lsamatting.trimap import Trimap

MOST = 32
SIDE = 512
"""Most pictures, and pixels on a side of what is taken of each: all features of all are kept."""


def read_examples(dataset: Path, config: NetworkConfig) -> Iterator[Layout]:
    """Lay out, of some pictures of a test set, what lies around the middle of the unknown region.

    Raises
    ------
    DatasetError, ImageError, TrimapError
        As for evaluating.
    ConfigError
        No picture has unknown pixels.
    """
    found = 0
    for files in open_dataset(dataset)[:MOST]:
        picture = read_picture(files.image)
        if files.trimap is not None:
            trimap = Trimap.read(files.trimap)
        else:
            assert files.alpha is not None  # a picture has a trimap or a truth to make it from
            trimap = Trimap.from_alpha(read_grey(files.alpha)[0])
        frame = frame_picture(picture.visible(), trimap.values, priors=config.priors)
        if not frame.empty:
            found += 1
            yield _middle(frame.lay_out())
    if not found:
        raise ConfigError(f"{dataset}: no picture has unknown pixels")


def _middle(layout: Layout) -> Layout:
    """Cut a layout to `SIDE`."""
    unknown = np.argwhere(layout.marks == 128)
    rows, columns = (
        _around(int(middle), length)
        for middle, length in zip(np.median(unknown, axis=0), layout.marks.shape, strict=True)
    )
    return replace(
        layout,
        image=layout.image[rows, columns],
        trimap=layout.trimap[rows, columns],
        priors=layout.priors[rows, columns],
        marks=layout.marks[rows, columns],
        counted=layout.counted[rows, columns],
        place=(slice(0, rows.stop - rows.start), slice(0, columns.stop - columns.start)),
    )


def _around(middle: int, length: int) -> slice:
    """Give `SIDE` pixels around a place, or all, at a multiple of the stride."""
    size = min(SIDE, length)
    start = min(max(middle - size // 2, 0), length - size) // STRIDE * STRIDE
    return slice(start, start + size)
