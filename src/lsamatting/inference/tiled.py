"""A network run on tiles, so that they agree with the whole picture.

What a decoder level makes of a tile depends on the rest of the picture in one way only: its channel
attention averages over all of it. So averages are gathered from the tiles first. Those of a level
depend on the factors of the levels above it, so that each round of gathering makes one more level
exact, and the others nearer.
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
"""Of gathering. After two the opacities were up to 9.4/255 from the whole picture's, after three
1.3, after four 0.2; after five all levels would be exact. How many it takes depends on the weights:
with those of a third of the training two were enough."""


def count_runs(runtime: Runtime, frame: Frame, *, side: int) -> int:
    """Count how often `run_tiled` runs the network."""
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
        Called after each run on a tile with the runs done and their number, which is `count_runs`.

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
    averages: LevelAverages | None = None
    for turn in range(ROUNDS):
        totals: list[NDArray[np.float64]] = []
        weights: list[float] = []
        for number, tile in enumerate(tiles, start=1):
            layout = frame.lay_out(symmetry, tile.seen)
            counted = np.ascontiguousarray(symmetry.apply(tile.counted()))
            found = runtime.sums(layout, counted, precision=precision, averages=averages)
            if not totals:
                totals = [np.zeros(total.shape) for total, _ in found]
                weights = [0.0 for _ in found]
            for level, (total, weight) in enumerate(found):
                totals[level] += total
                weights[level] += weight
            tell(turn * len(tiles) + number)
        averages = [
            (total / max(weight, 1e-6)).astype(np.float32)
            for total, weight in zip(totals, weights, strict=True)
        ]
    assert averages is not None
    return averages
