"""The decoder of a picture that is too large for one piece, as a function of the modules' fields.

Everything but the channel attention looks a few pixels far. So a tile is encoded once, and what is
kept of it is what the decoder needs for the tile's pixels. A level's attention averages over all
tiles; hence levels are computed one after another, each on every tile, and derivatives go back the
same way: those by a level's factors are summed over all tiles before they go on to its features.
The result, and its derivative, are those of `FastDecoder`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lsamatting.inference.frame import Frame, Part
from lsamatting.inference.refinement.fast_decoder import LevelWeights, Modulation, OpacityOf, Pull
from lsamatting.inference.refinement.fast_head import FastHead
from lsamatting.inference.refinement.targets import Mask
from lsamatting.inference.symmetry import Symmetry
from lsamatting.inference.tensors import layout_tensors
from lsamatting.inference.tiles import OVERLAP, cut
from lsamatting.network.brm import LEVELS
from lsamatting.network.config import STRIDE
from lsamatting.network.decoder import NUMBERS, DecoderLevel, shrink_mask
from lsamatting.network.lsanet import LSANet
from lsamatting.windows import window_around

HALO = {1: 3, 2: 2, 3: 2, 4: 2, 5: 2}
"""By level how many of its features around a tile's are needed: the head reads 3, and each level
one more than those of half the number of the level above."""


@dataclass(frozen=True)
class _Tile:
    """What is kept of a part of the picture."""

    box: Part
    """In the picture's pixels, a multiple of the network's stride."""

    regions: dict[int, Part]
    """By level: the box and what is needed around it, in the level's features."""

    constants: dict[int, Tensor]
    """By level, 1×C×h×w of its region."""

    shares: dict[int, Tensor]
    """By level, 1×1×h×w: what features weigh in the attention's average, 0 around the box."""

    modulations: dict[int, Modulation]


_Maps = list[Tensor]
"""One level's features, 1×C×h×w for each tile."""


class TiledDecoder:
    """Decoder and head of one picture, in tiles; as `FastDecoder`.

    Parameters
    ----------
    network:
        In evaluation mode.
    frame:
        What is computed of a picture.
    symmetry:
        How it is turned.
    side:
        Of the largest tile, in pixels.
    overlap:
        Pixels that the encoder sees around a tile.
    """

    def __init__(
        self,
        network: LSANet,
        frame: Frame,
        symmetry: Symmetry,
        *,
        side: int,
        overlap: int = OVERLAP,
    ) -> None:
        self._network, self._frame, self._symmetry = network, frame, symmetry
        self._side, self._overlap = side, overlap
        self._device = network.mean.device
        self._unknown: Mask = symmetry.apply(frame.trimap) == 128
        self._weights = {
            number: LevelWeights(level, own)
            for number, level, own in zip(
                NUMBERS, _levels(network), reversed(network.config.tap_channels), strict=True
            )
        }
        channels = dict(zip(NUMBERS, network.config.decoder_channels, strict=True))
        self._channels = channels
        self._lengths = [2 * 4 ** (8 - number) * channels[number] for number in LEVELS]
        self._tiles: dict[tuple[int, ...], _Tile] = {}

    def zeros(self) -> Tensor:
        """Give the vector with which the network is as it was trained."""
        return torch.zeros(sum(self._lengths), device=self._device)

    def whole(self, fields: Tensor) -> Tensor:
        """Give the opacity of unknown pixels: H×W, not clamped; 0 elsewhere."""
        alpha = torch.zeros(self._unknown.shape, device=self._device)
        tiles = self._encode(self._unknown)
        with torch.no_grad():
            maps, factors = self._decode(tiles, fields)
            for tile, top in zip(tiles, maps[1], strict=True):
                mask = torch.from_numpy(np.ascontiguousarray(self._unknown[tile.box]))
                head = self._head(tile, self._unknown)
                if head is not None:
                    alpha[tile.box][mask.to(self._device)] = self._read(tile, head, top, factors[1])
        return alpha

    def at(self, pixels: Mask) -> OpacityOf:
        """Give a function from the fields to the opacity, not clamped, of some pixels."""
        tiles = self._encode(pixels)
        order = np.full(pixels.shape, -1, np.int32)
        order[pixels] = np.arange(np.count_nonzero(pixels))
        places = [
            torch.from_numpy(order[tile.box][pixels[tile.box]]).long().to(self._device)
            for tile in tiles
        ]
        del order
        with torch.no_grad():
            heads = [self._head(tile, pixels) for tile in tiles]
        count = int(np.count_nonzero(pixels))

        def opacity_of(fields: Tensor) -> tuple[Tensor, Pull]:
            opacity = torch.zeros(count, device=self._device)
            with torch.no_grad():
                maps, factors = self._decode(tiles, fields)
                for tile, head, place, top in zip(tiles, heads, places, maps[1], strict=True):
                    if head is not None:
                        opacity[place] = self._read(tile, head, top, factors[1])

            def pull(by_opacity: Tensor) -> Tensor:
                by_top: _Maps = []
                by_factor = torch.zeros_like(factors[1])
                for tile, head, place, top in zip(tiles, heads, places, maps[1], strict=True):
                    if head is None:
                        by_top.append(torch.zeros_like(top))
                        continue
                    above, factor = _leaf(top), _leaf(factors[1])
                    with torch.enable_grad():
                        read = self._read(tile, head, above, factor)
                    found = torch.autograd.grad(read, (above, factor), by_opacity[place])
                    by_top.append(found[0])
                    by_factor += found[1]
                return self._pull(tiles, fields, maps, factors, by_top, by_factor)

            return opacity, pull

        return opacity_of

    # ---- what is kept of the picture ----

    def _encode(self, pixels: Mask) -> list[_Tile]:
        """Give tiles that hold the given pixels and all over which is averaged."""
        # One pixel more: what refinement looks at besides the unknown pixels borders on them.
        near = cv2.dilate(self._unknown.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        near |= pixels
        everywhere = self._network.config.attention == "everywhere"
        kept, self._tiles = self._tiles, {}
        for box in _boxes(near, self._side, everywhere=everywhere):
            key = tuple(end for part in box for end in (part.start, part.stop))
            self._tiles[key] = kept.get(key) or self._encode_tile(box)
        return list(self._tiles.values())

    def _encode_tile(self, box: Part) -> _Tile:
        shape = self._unknown.shape
        seen = _around(box, -(-self._overlap // STRIDE) * STRIDE, shape)
        network = self._network
        with torch.no_grad():
            inputs = self._inputs(seen)
            taps = network.encode(inputs)
            mask = network.attention_mask(inputs)
            within = torch.zeros_like(inputs[:, :1])
            within[(..., *_within(box, seen))] = 1
            counted = within if mask is None else mask * within
            regions, constants, shares, modulations = {}, {}, {}, {}
            for number, tap in zip(NUMBERS, reversed(taps), strict=True):
                size = shape[0] >> number, shape[1] >> number
                region = _around(_shrunk(box, number), HALO[number], size)
                part = (..., *_within(region, _shrunk(seen, number)))
                regions[number] = region
                # Copies, so that what was seen around can be freed.
                constant = self._weights[number].constant(tap)[part]
                constants[number] = constant.clone(memory_format=torch.channels_last)
                shares[number] = shrink_mask(counted, number)[part].clone()
                if number in LEVELS:
                    modulations[number] = Modulation(
                        number, self._channels[number], size, part=region, device=self._device
                    )
        return _Tile(box, regions, constants, shares, modulations)

    def _inputs(self, part: Part) -> Tensor:
        source = self._symmetry.source(part, self._unknown.shape)
        layout = self._frame.lay_out(self._symmetry, source)
        return self._network.inputs(*layout_tensors(layout, self._device))

    def _head(self, tile: _Tile, pixels: Mask) -> FastHead | None:
        """Make the head for some pixels of a tile; None if it has none of them."""
        if not pixels[tile.box].any():
            return None
        part = _around(tile.box, STRIDE, self._unknown.shape)
        wanted = np.zeros_like(pixels[part])
        wanted[_within(tile.box, part)] = pixels[tile.box]
        return FastHead(self._network, self._inputs(part), wanted)

    # ---- forth ----

    def _decode(
        self, tiles: list[_Tile], fields: Tensor
    ) -> tuple[dict[int, _Maps], dict[int, Tensor]]:
        """Give each level's features before their attention, and the attention's factors, C."""
        parts = self._split(fields)
        maps: dict[int, _Maps] = {}
        factors: dict[int, Tensor] = {}
        for number in NUMBERS:
            maps[number] = [
                self._step(tile, number, maps[number + 1][index], factors[number + 1], parts)
                if number < 5
                else tile.constants[5].relu()
                for index, tile in enumerate(tiles)
            ]
            factors[number] = self._weights[number].gate(self._average(tiles, number, maps[number]))
        return maps, factors

    def _step(
        self, tile: _Tile, number: int, above: Tensor, factor: Tensor, parts: dict[int, Tensor]
    ) -> Tensor:
        """Compute a level's features on a tile from those of the level above, and its factors."""
        x = tile.modulations[number + 1](above * factor[:, None, None], parts[number + 1])
        moving = functional.conv_transpose2d(x, self._weights[number].kernel, stride=2, padding=1)
        inner = (..., *_within(tile.regions[number], _doubled(tile.regions[number + 1])))
        return (moving[inner] + tile.constants[number]).relu()

    def _average(self, tiles: list[_Tile], number: int, maps: _Maps) -> Tensor:
        total = sum(
            (x * tile.shares[number]).sum((0, 2, 3)) for tile, x in zip(tiles, maps, strict=True)
        )
        assert isinstance(total, Tensor)
        return total / self._weight(tiles, number)

    def _weight(self, tiles: list[_Tile], number: int) -> float:
        return max(sum(float(tile.shares[number].sum()) for tile in tiles), 1e-6)

    def _read(self, tile: _Tile, head: FastHead, top: Tensor, factor: Tensor) -> Tensor:
        """Compute the opacity of the head's pixels; it never reads beyond the tile's region."""
        part = _shrunk(_around(tile.box, STRIDE, self._unknown.shape), 1)
        region = tile.regions[1]
        above, left = (inner.start - outer.start for inner, outer in zip(region, part, strict=True))
        below, right = (outer.stop - inner.stop for inner, outer in zip(region, part, strict=True))
        features = functional.pad(top * factor[:, None, None], (left, right, above, below))
        return head(features)

    def _split(self, fields: Tensor) -> dict[int, Tensor]:
        return dict(zip(LEVELS, torch.split(fields, self._lengths), strict=True))

    # ---- and back ----

    def _pull(
        self,
        tiles: list[_Tile],
        fields: Tensor,
        maps: dict[int, _Maps],
        factors: dict[int, Tensor],
        by_maps: _Maps,
        by_factor: Tensor,
    ) -> Tensor:
        """Give the derivative by the fields from those by the last level's features and factors."""
        parts = self._split(fields)
        by_parts = {number: torch.zeros_like(part) for number, part in parts.items()}
        for number in reversed(NUMBERS[1:]):
            by_average = self._pull_gate(tiles, number, maps[number], by_factor)
            by_factor = torch.zeros_like(factors[number + 1])
            by_above: _Maps = []
            for index, tile in enumerate(tiles):
                by_map = by_maps[index].addcmul_(tile.shares[number], by_average[:, None, None])
                above, factor, part = map(
                    _leaf, (maps[number + 1][index], factors[number + 1], parts[number + 1])
                )
                with torch.enable_grad():
                    found = self._step(tile, number, above, factor, {number + 1: part})
                by = torch.autograd.grad(found, (above, factor, part), by_map)
                by_above.append(by[0])
                by_factor += by[1]
                by_parts[number + 1] += by[2]
            by_maps = by_above
        return torch.cat([by_parts[number] for number in LEVELS])

    def _pull_gate(self, tiles: list[_Tile], number: int, maps: _Maps, by_factor: Tensor) -> Tensor:
        """Give the derivative by a level's sums over all tiles, from that by its factors."""
        average = _leaf(self._average(tiles, number, maps))
        with torch.enable_grad():
            factor = self._weights[number].gate(average)
        (by_average,) = torch.autograd.grad(factor, average, by_factor)
        return by_average / self._weight(tiles, number)


def _levels(network: LSANet) -> Iterator[DecoderLevel]:
    for level in network.decoder.levels:
        assert isinstance(level, DecoderLevel)
        yield level


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_()


def _boxes(mask: Mask, side: int, *, everywhere: bool) -> Iterator[Part]:
    """Cut a picture into boxes at multiples of the network's stride around the mask's pixels."""
    for tile in cut(mask, side, everywhere=True):
        rows, columns = tile.core
        around = window_around(mask[tile.core], 0)
        if everywhere:
            yield tile.core
        elif around is not None:
            top, left = (part.start // STRIDE * STRIDE for part in around)
            below, right = (-(-part.stop // STRIDE) * STRIDE for part in around)
            yield (
                slice(rows.start + top, min(rows.start + below, rows.stop)),
                slice(columns.start + left, min(columns.start + right, columns.stop)),
            )


def _around(part: Part, margin: int, shape: tuple[int, ...]) -> Part:
    """Give a part and a margin around it, within the picture."""
    rows, columns = (
        slice(max(axis.start - margin, 0), min(axis.stop + margin, length))
        for axis, length in zip(part, shape, strict=True)
    )
    return rows, columns


def _within(inner: Part, outer: Part) -> Part:
    """Give a part in the pixels of one that it lies in."""
    rows, columns = (
        slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, outer, strict=True)
    )
    return rows, columns


def _shrunk(part: Part, level: int) -> Part:
    rows, columns = (slice(axis.start >> level, axis.stop >> level) for axis in part)
    return rows, columns


def _doubled(part: Part) -> Part:
    rows, columns = (slice(2 * axis.start, 2 * axis.stop) for axis in part)
    return rows, columns
