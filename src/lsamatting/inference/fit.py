"""Whether a picture is computed at once or in tiles, and of what size, within a budget of memory.

What is said to be needed is measured by `benchmarks/large.py` and rounded up; it is bytes for each
pixel, of three sorts: of the part of the picture that is computed, of its unknown pixels, and of
what the network sees at a time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lsamatting.budget import default_memory, describe, free_memory
from lsamatting.choices import Padding
from lsamatting.errors import ImageError
from lsamatting.inference.runtime import Runtime
from lsamatting.inference.tiles import OVERLAP, RAMP, SMALLEST
from lsamatting.memory import resident_size, stop_keeping
from lsamatting.network.config import STRIDE, NetworkConfig
from lsamatting.windows import window_around

PICTURE = 36
"""Of each pixel that is computed, all along: its priors on their grid, sums, opacity, colours."""

SOLVING, SOLVER = 16, 205
"""Of each pixel that is computed, and more of each unknown one, while opacities are solved for."""

SECOND_SOLVER = 120
"""The same of a second system that is solved at the same time, as is done outside of tiles."""

ONNX = 1.7
"""How many times as much as PyTorch ONNX Runtime takes. It keeps what it has taken, for runs
and sums together 780 bytes a pixel of `lite`; PyTorch takes 340 for either, and frees them."""

REFINED = 2.5
"""How many times as much as a run of the network its refinement takes at once."""

REFINED_TILE = 256
"""Side of the tiles in which refinement is done: all of them are kept, so that it is no matter of
memory, and around smaller ones the encoder would see more than in them."""

REFINING, LOOKED_AT = 24, 70
"""Of each pixel that is computed, and more of each unknown one, while tiles are refined; beside
what is kept of the tiles and for the head."""

LARGEST = 1536
"""Side of a tile's core beyond which nothing is gained."""

FRAME = 2 * (OVERLAP + RAMP + STRIDE)
"""What a tile sees more than its core, along a side."""


def bytes_per_pixel(config: NetworkConfig, runtime: str = "torch") -> int:
    """Estimate what one run of the network takes for each pixel that it sees.

    `runtime` is the name of what runs it.
    """
    taps = sum(
        channels * 0.25**level for level, channels in enumerate(config.tap_channels, start=1)
    )
    first, second = config.head_channels
    features = config.decoder_channels[-1]
    read = 4 + config.opacity_channels
    head = 2.0 * (read + features) + first + second
    if config.head == "subpixel":
        head = (2 * (4 * read + features) + first + second) / 4
    # Priors, and picture and trimap, as they are laid out, and again as the network's input.
    inputs = 2 * config.input_channels + config.prior_channels + 4
    return math.ceil(4 * (inputs + taps + head) * (ONNX if runtime == "onnx" else 1))


def refined_bytes(config: NetworkConfig, unknown: NDArray[np.bool_]) -> int:
    """Estimate what the refinement of a picture's unknown pixels takes in tiles."""
    height, width = unknown.shape
    side = REFINED_TILE
    rows, columns = np.arange(0, height, side), np.arange(0, width, side)
    held = np.logical_or.reduceat(np.logical_or.reduceat(unknown, rows, axis=0), columns, axis=1)
    tiles = int(held.size if config.attention == "everywhere" else held.sum())
    levels = [
        channels * 0.25 ** (5 - index) for index, channels in enumerate(config.decoder_channels)
    ]
    # Of each level what the encoder gave it and its features; of two the derivatives.
    kept = 4.4 * (2 * sum(levels) + levels[-1] + levels[-2] + 0.4)
    first = config.head_channels[0]
    head = 8.0 * first if config.head == "full" else 3.0 * first
    run = (side + FRAME) ** 2 * bytes_per_pixel(config)
    looked_at = int(np.count_nonzero(unknown)) * (LOOKED_AT + head)
    return int(unknown.size * REFINING + tiles * side**2 * kept + looked_at + run)


def choose_tile(
    trimap: NDArray[np.uint8],
    runtime: Runtime,
    *,
    padding: Padding,
    margin: int,
    refined: bool,
    memory: int | None,
    name: str = "the picture",
) -> int | None:
    """Choose the side of the tiles in which a picture is computed.

    Parameters
    ----------
    trimap:
        H×W with 0, 128 (unknown) and 255.
    runtime:
        The network. One that cannot run on tiles computes at once.
    padding, margin:
        What of the picture is computed.
    refined:
        Whether runs are refined.
    memory:
        Bytes that this process may take in all; None for half of what is free, or all of that for
        what cannot be done in tiles.
    name:
        Of the picture, in messages.

    Returns
    -------
    int or None
        None if it is computed at once.

    Raises
    ------
    ImageError
        Even tiles do not fit.
    """
    unknown = trimap == 128
    window = window_around(unknown, margin)
    if window is None:
        return None
    if padding != "window":
        window = (slice(0, trimap.shape[0]), slice(0, trimap.shape[1]))
    pixels, held = trimap[window].size, int(np.count_nonzero(unknown))
    budget = default_memory() if memory is None else memory
    taken = resident_size() or 0
    free = budget - taken
    run = bytes_per_pixel(runtime.config, runtime.name)
    whole = pixels * (PICTURE + run * (REFINED if refined else 1))
    if max(whole, pixels * SOLVING + held * (SOLVER + SECOND_SOLVER)) <= free:
        return None
    # What reading the picture and smaller sizes left behind, and nobody uses, does not count.
    runtime.release()
    stop_keeping()
    taken = resident_size() or 0
    free = budget - taken
    runs = (SMALLEST + FRAME) ** 2 * run
    if refined:
        runs = refined_bytes(runtime.config, unknown[window])
    least = max(pixels * SOLVING + held * SOLVER, pixels * PICTURE + runs)
    at_once = ""
    if padding == "published":
        at_once = "published padding"
    elif not runtime.tiles:
        at_once = "an ONNX file of an older version"
    if at_once and memory is None and whole <= (free_memory() or whole):
        # Tiles would leave half of what is free to others; without them it is that or nothing.
        return None
    if at_once or least > free:
        height, width = trimap.shape
        needed = taken + (whole if at_once else least)
        how = "even in tiles it needs"
        if at_once:
            how = f"{at_once}, which is computed at once, needs"
        elif refined:
            how = "even in tiles refinement needs"
        raise ImageError(
            f"{name}: {width}x{height} pixels, {held} of them unknown: {how} about"
            f" {describe(needed)} of memory, and {describe(budget)} may be used; allow more"
            " (--memory), mark less as unknown, or take a smaller picture"
        )
    if refined:
        return REFINED_TILE
    room = math.isqrt(int((free - pixels * PICTURE) / run)) - FRAME
    return min(max(room // STRIDE * STRIDE, SMALLEST), LARGEST)
