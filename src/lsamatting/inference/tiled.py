"""A network run on tiles, so that they agree with the whole picture.

What a decoder level makes of a tile depends on the rest of the picture in one way only: its channel
attention averages over all of it. So averages are gathered from the tiles first. Those of a level
depend on the factors of the levels above it, so that each round of gathering makes one more level
exact, and the others nearer. Each tile follows what is known of all others by then, and those that
come after one another lie far apart, so that the first round already ends near to the picture's
averages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Precision
from lsamatting.inference.frame import Frame
from lsamatting.inference.runtime import LevelAverages, Runtime
from lsamatting.inference.symmetry import Symmetry
from lsamatting.inference.tiles import Tile, cut

Progress = Callable[[int, int], None]
"""Called with the runs on tiles done and their number. An exception that it raises ends all."""

ROUNDS = 4
"""Of gathering, at most. After five all levels would be exact in any case."""

STILL = 0.03
"""Change of an average in a round, of the root mean square of its level's, at which there is no
further one: another moved opacities by up to 0.1/255 for each hundredth of that. Photographs in 6
to 12 tiles come to it in three rounds, some in four."""

SPREAD = (5**0.5 - 1) / 2
"""Turns by this part of a circle come back near to where they were as late as can be."""


def count_runs(runtime: Runtime, frame: Frame, *, side: int) -> int:
    """Count how often `run_tiled` runs the network, at most."""
    gathered = sum(1 for _ in _gathered(runtime, frame, side))
    return ROUNDS * gathered + sum(1 for _ in cut(frame.trimap == 128, side))


def run_tiled(
    runtime: Runtime,
    frame: Frame,
    symmetry: Symmetry,
    *,
    precision: Precision,
    side: int,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Run a network on a frame, tile by tile.

    Parameters
    ----------
    runtime:
        The network.
    frame:
        What is computed of a picture.
    symmetry:
        How each tile is turned.
    precision:
        Number format of the network's arithmetic.
    side:
        Of a tile's core, in pixels.
    progress:
        Called after each run on a tile with the runs done and their number, which is `count_runs`;
        those of rounds that need not be count as done.

    Returns
    -------
    ndarray
        H×W of the frame's size in [0, 1], right where the trimap is unknown.
    """
    tiles = list(cut(frame.trimap == 128, side))
    gathered = list(_gathered(runtime, frame, side))
    before = ROUNDS * len(gathered)
    total = before + len(tiles)

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, total)

    averages = gather(runtime, frame, symmetry, gathered, precision=precision, tell=tell)
    opacity = np.zeros(frame.trimap.shape, np.float32)
    for number, tile in enumerate(tiles, start=1):
        layout = frame.lay_out(symmetry, tile.seen)
        found = layout.take(runtime.run(layout, precision=precision, averages=averages))
        opacity[tile.used] += tile.weights * np.clip(found[tile.used_within], 0, 1)
        tell(before + number)
    return opacity


def _gathered(runtime: Runtime, frame: Frame, side: int) -> Iterator[Tile]:
    """Cut what the network's attention averages over."""
    everywhere = runtime.config.attention == "everywhere"
    return cut(frame.trimap == 128, side, everywhere=everywhere)


def gather(
    runtime: Runtime,
    frame: Frame,
    symmetry: Symmetry,
    tiles: Sequence[Tile],
    *,
    precision: Precision,
    tell: Callable[[int], None] = lambda done: None,
) -> LevelAverages:
    """Find what the attention of each decoder level averages to over a whole picture.

    Parameters as in `run_tiled`; `tiles` hold all pixels that count, and `tell` is called with the
    runs done.
    """
    order = sorted(range(len(tiles)), key=lambda number: number * SPREAD % 1)
    sums = _Sums()
    averages: LevelAverages | None = None
    for turn in range(ROUNDS):
        before = averages
        for done, number in enumerate(order, start=1):
            tile = tiles[number]
            layout = frame.lay_out(symmetry, tile.seen)
            counted = np.ascontiguousarray(symmetry.apply(tile.counted()))
            found = runtime.sums(layout, counted, precision=precision, averages=averages)
            averages = sums.replace(number, found)
            tell(turn * len(tiles) + done)
        assert averages is not None
        if before is not None and _change(before, averages) <= STILL:
            break
    assert averages is not None
    return averages


class _Sums:
    """What tiles sum up to, each as it was found last."""

    def __init__(self) -> None:
        self._latest: dict[int, list[tuple[NDArray[np.float32], float]]] = {}
        self._totals: list[NDArray[np.float64]] = []
        self._weights: list[float] = []

    def replace(self, number: int, found: list[tuple[NDArray[np.float32], float]]) -> LevelAverages:
        """Take what was found of a tile in place of what was found before; give the averages."""
        if not self._totals:
            self._totals = [np.zeros(total.shape) for total, _ in found]
            self._weights = [0.0] * len(found)
        for sign, sums in ((-1, self._latest.get(number, [])), (1, found)):
            for level, (total, weight) in enumerate(sums):
                self._totals[level] += sign * total
                self._weights[level] += sign * weight
        self._latest[number] = found
        return [
            (total / max(weight, 1e-6)).astype(np.float32)
            for total, weight in zip(self._totals, self._weights, strict=True)
        ]


def _change(before: LevelAverages, after: LevelAverages) -> float:
    """Give the largest change of an average, of the root mean square of its level's."""
    return max(
        float(np.abs(new - old).max() / max(float(np.sqrt(np.square(new).mean())), 1e-12))
        for old, new in zip(before, after, strict=True)
    )
