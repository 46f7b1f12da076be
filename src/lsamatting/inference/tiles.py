"""How a large picture is cut into tiles, and how what is found in them is put together.

Tiles' cores meet without a gap and without overlap, at multiples of the network's stride, so that a
tile's features are those of the whole picture. Around its core a tile sees more, so that the cut is
out of the network's sight; and across each cut one tile's result gives way to the other's along a
cosine ramp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lsamatting.inference.frame import Part
from lsamatting.network.config import STRIDE
from lsamatting.windows import window_around

OVERLAP = 96
"""Pixels that a tile sees beyond those that it is used for: half of what the network could look at.
`benchmarks/large.py --seams` measures what that does: with 64 the opacities of `lite` differ from
the whole picture's by up to 0.9/255, with 96 by up to 0.1/255."""

RAMP = 16
"""Pixels on each side of a cut over which one tile gives way to the other."""

SMALLEST = 128
"""Sides of a core are not chosen below this: the overlap would be nearly all that is computed."""


@dataclass(frozen=True)
class Tile:
    """One tile of a frame; all parts are in the frame's pixels."""

    core: Part
    """What of the frame this tile alone counts; cores are a partition."""

    used: Part
    """What it is used for, at most a ramp more than the core: where its unknown pixels are."""

    seen: Part
    """What the network sees, a multiple of its stride."""

    weights: NDArray[np.float32]
    """H×W of the used part: the tile's share there."""

    @property
    def used_within(self) -> Part:
        """The used part in the seen part's pixels."""
        rows, columns = (
            slice(used.start - seen.start, used.stop - seen.start)
            for used, seen in zip(self.used, self.seen, strict=True)
        )
        return rows, columns

    def counted(self) -> NDArray[np.bool_]:
        """Mark the core in the seen part."""
        rows, columns = (
            (np.arange(seen.start, seen.stop) >= core.start)
            & (np.arange(seen.start, seen.stop) < core.stop)
            for core, seen in zip(self.core, self.seen, strict=True)
        )
        return np.asarray(rows[:, None] & columns)


def cut(
    unknown: NDArray[np.bool_],
    side: int,
    *,
    overlap: int = OVERLAP,
    ramp: int = RAMP,
    everywhere: bool = False,
) -> Iterator[Tile]:
    """Cut a frame into tiles that hold unknown pixels.

    Parameters
    ----------
    unknown:
        H×W, multiples of the network's stride.
    side:
        Of the largest core, in pixels, at least `SMALLEST`.
    overlap:
        Pixels that a tile sees beyond those that it is used for.
    ramp:
        Pixels on each side of a cut over which one tile gives way to the other.
    everywhere:
        Keep tiles without unknown pixels, and let all of them see all of their part of the frame.
    """
    height, width = unknown.shape
    for top, bottom, ramp_y in _spans(height, side, ramp):
        for left, right, ramp_x in _spans(width, side, ramp):
            reach = (
                slice(max(top - ramp, 0), min(bottom + ramp, height)),
                slice(max(left - ramp, 0), min(right + ramp, width)),
            )
            around = (
                (slice(0, ramp_y.size), slice(0, ramp_x.size))
                if everywhere
                else window_around(unknown[reach], 0)
            )
            if around is None:
                continue
            used = tuple(
                slice(whole.start + inner.start, whole.start + inner.stop)
                for whole, inner in zip(reach, around, strict=True)
            )
            seen = tuple(
                slice(
                    max((part.start - overlap) // STRIDE * STRIDE, 0),
                    min(-(-(part.stop + overlap) // STRIDE) * STRIDE, length),
                )
                for part, length in zip(used, (height, width), strict=True)
            )
            yield Tile(
                core=(slice(top, bottom), slice(left, right)),
                used=(used[0], used[1]),
                seen=(seen[0], seen[1]),
                weights=ramp_y[around[0], None] * ramp_x[around[1]],
            )


def _spans(length: int, side: int, ramp: int) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Divide a side of the frame: where each core begins and ends, and the share of what is used.

    The share is given from a ramp before the core to a ramp behind it, within the frame.
    """
    count = max(-(-length // max(side, SMALLEST)), 1)
    edges = [round(number * length / count / STRIDE) * STRIDE for number in range(count)]
    for start, stop in pairwise([*edges, length]):
        first, last = max(start - ramp, 0), min(stop + ramp, length)
        centres = np.arange(first, last) + 0.5
        share = np.ones(last - first)
        if start > 0:
            share *= np.sin(np.pi / 4 * (1 + np.clip((centres - start) / ramp, -1, 1))) ** 2
        if stop < length:
            share *= np.cos(np.pi / 4 * (1 + np.clip((centres - stop) / ramp, -1, 1))) ** 2
        yield start, stop, share.astype(np.float32)
