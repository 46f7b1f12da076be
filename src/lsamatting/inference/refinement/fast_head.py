"""The head in tiles around the pixels that are looked at, and its derivative by its features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsamatting.inference.refinement.targets import Mask
from lsamatting.network.decoder import FullHead
from lsamatting.network.lsanet import LSANet
from lsamatting.network.upsampling import BILINEAR, fold_upsampling

TILES = (16, 32)
"""Sides of a tile in pixels. Small ones cover a thin band more tightly, large ones overlap less."""


class FastHead:
    """The opacity of some pixels as a function of the decoder's features.

    Every tile is computed from as many pixels around it as its three convolutions read, so that it
    needs no neighbour. Beyond the picture's border each convolution reads zeros, so what the one
    before gives there is set to zero, and the features are not upsampled beyond it: tiles at the
    border, the last in order, take the long way where others use one transposed convolution.

    Parameters
    ----------
    network:
        Whose head it is.
    inputs:
        What the network reads, 1×C×H×W.
    pixels:
        H×W, True where the opacity is wanted.
    """

    def __init__(self, network: LSANet, inputs: Tensor, pixels: Mask) -> None:
        head, device = network.head, inputs.device
        self.full = isinstance(head, FullHead)
        mask = torch.from_numpy(pixels)
        tile = min(TILES, key=lambda side: len(_covering(mask, side)) * (side + 4) ** 2)
        corners = _covering(mask, tile)
        at_border = _at_border(corners, tile, mask.shape)
        corners = corners[torch.argsort(at_border.int(), stable=True)]
        self.inner = int((~at_border).sum())
        self.wanted = _places(mask, corners, tile).to(device)
        """Where each wanted pixel is in the tiles' flattened output."""

        # From here on in the units of the hidden layers: pixels, or with `subpixel` 2×2 blocks.
        height, width = mask.shape
        scale = 1 if self.full else 2
        side, starts = tile // scale, corners // scale
        size = height // scale, width // scale
        border = starts[self.inner :]
        self.inside = {reach: _inside(border, side, reach, size).to(device) for reach in (1, 2, 3)}
        """By number of pixels around a tile: N×1×h×w, 1 in the picture, 0 outside; border only."""

        reach = 2 if self.full else 3
        patches = _patch(corners // 2, tile // 2, reach)
        self.gather = _flat(patches, (height // 2, width // 2)).to(device)
        """Rows of the features that each tile reads; beyond the border the border's."""
        self.patch = patches[0].shape[1]

        (k1, b1), (self.k2, self.b2), (self.k3, self.b3) = (
            _frozen(convolution) for convolution in (head.conv1, head.conv2, head.conv3)
        )
        still = network.head_inputs(inputs)
        if not self.full:
            still = functional.pixel_unshuffle(still, 2)
            number, channels = still.shape[1] // 4, still.shape[1]
            # The head numbers a block's pixels before the channels, PyTorch after them.
            order = torch.arange(channels).view(number, 4).T.flatten()
            still = still[:, order.to(device)]
        own = still.shape[1]
        rows = still[0].permute(1, 2, 0).reshape(-1, own)
        around = _patch(starts, side, 3)
        read = rows[_flat(around, size).to(device)].view(len(corners), side + 6, side + 6, own)
        read = read.permute(0, 3, 1, 2)
        read[self.inner :] *= self.inside[3]
        self.constant = functional.conv2d(read, k1[:, :own], b1)
        self.k1 = k1[:, own:].contiguous(memory_format=torch.channels_last)
        if self.full:
            self.folded = fold_upsampling(self.k1, BILINEAR)
            self.upsampling = tuple(
                _upsampling(border[:, axis], side, length).to(device)
                for axis, length in enumerate(size)
            )
        base, share = network.base(inputs), network.share(inputs)
        self.base = None if base is None else base[0, 0][mask.to(device)]
        self.share = None if share is None else share[0, 0][mask.to(device)]

    def __call__(self, features: Tensor) -> Tensor:
        """Give the opacity of the wanted pixels, a vector, not clamped."""
        channels = features.shape[1]
        rows = features.permute(0, 2, 3, 1).reshape(-1, channels)
        # As of an embedding, because its derivative is fast.
        patches = functional.embedding(self.gather, rows)
        patches = patches.view(-1, self.patch, self.patch, channels).permute(0, 3, 1, 2)
        opacity: Tensor = _Convolve.apply(patches, self)  # type: ignore[no-untyped-call]
        if not self.full:
            opacity = functional.pixel_shuffle(opacity, 2)
        wanted = opacity.flatten()[self.wanted]
        if self.share is not None:
            wanted = self.share * wanted
        return wanted if self.base is None else wanted + self.base

    def first(self, patches: Tensor) -> Tensor:
        """Do what the first convolution does to the features."""
        if not self.full:
            patches[self.inner :] *= self.inside[3]
            return functional.conv2d(patches, self.k1)
        hidden = functional.conv_transpose2d(patches, self.folded, stride=2, padding=4)
        if self.inner < len(patches):
            rows, columns = self.upsampling
            upsampled = rows[:, None] @ patches[self.inner :] @ columns[:, None].mT
            hidden[self.inner :] = functional.conv2d(upsampled, self.k1)
        return hidden

    def first_backward(self, gradient: Tensor) -> Tensor:
        """Give the derivative by the patches."""
        if not self.full:
            patches = functional.conv_transpose2d(gradient, self.k1)
            patches[self.inner :] *= self.inside[3]
            return patches
        patches = functional.conv2d(gradient, self.folded, stride=2, padding=4)
        if self.inner < len(gradient):
            rows, columns = self.upsampling
            upsampled = functional.conv_transpose2d(gradient[self.inner :], self.k1)
            patches[self.inner :] = rows[:, None].mT @ upsampled @ columns[:, None]
        return patches


class _Convolve(torch.autograd.Function):
    """The head's three convolutions on patches of the features."""

    @staticmethod
    def forward(ctx, patches: Tensor, head: FastHead) -> Tensor:  # type: ignore[no-untyped-def]
        first = head.first(patches).add_(head.constant).relu_()
        first[head.inner :] *= head.inside[2]
        second = functional.conv2d(first, head.k2, head.b2).relu_()
        second[head.inner :] *= head.inside[1]
        ctx.save_for_backward(first, second)
        ctx.head = head
        return functional.conv2d(second, head.k3, head.b3)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        first, second = ctx.saved_tensors
        head = ctx.head
        # What is outside the picture was set to zero, where a ReLU's derivative is zero, too.
        by_second = functional.conv_transpose2d(gradient, head.k3)
        zero_where_inactive(by_second, second)
        by_first = functional.conv_transpose2d(by_second, head.k2)
        zero_where_inactive(by_first, first)
        return head.first_backward(by_first), None


def zero_where_inactive(gradient: Tensor, active: Tensor) -> None:
    """Apply the derivative of a ReLU in place, given what the ReLU gave."""
    torch.ops.aten.threshold_backward.grad_input(gradient, active, 0, grad_input=gradient)


def _frozen(convolution: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Give a convolution's weight, channels last, and its bias."""
    assert convolution.bias is not None
    weight = convolution.weight.detach().contiguous(memory_format=torch.channels_last)
    return weight, convolution.bias.detach()


def _covering(mask: Tensor, side: int) -> Tensor:
    """Give the top left corners, N×2, of the tiles of a grid that hold a marked pixel."""
    height, width = mask.shape
    tiles = mask.view(height // side, side, width // side, side).any(3).any(1)
    corners: Tensor = tiles.nonzero() * side
    return corners


def _at_border(corners: Tensor, side: int, size: tuple[int, ...]) -> Tensor:
    lowest, highest = corners.new_zeros(2), corners.new_tensor(size) - side
    return ((corners == lowest) | (corners == highest)).any(1)


def _places(mask: Tensor, corners: Tensor, side: int) -> Tensor:
    """Find each marked pixel in the tiles' flattened output."""
    height, width = mask.shape
    number = torch.empty(height // side, width // side, dtype=torch.long)
    number[corners[:, 0] // side, corners[:, 1] // side] = torch.arange(len(corners))
    row, column = torch.where(mask)
    tile = number[row // side, column // side]
    return (tile * side + row % side) * side + column % side


def _patch(starts: Tensor, side: int, reach: int) -> tuple[Tensor, Tensor]:
    """Give the rows and the columns, N×(side + 2·reach) each, of tiles and what is around them."""
    steps = torch.arange(-reach, side + reach)
    return starts[:, :1] + steps, starts[:, 1:] + steps


def _flat(patch: tuple[Tensor, Tensor], size: tuple[int, int]) -> Tensor:
    """Give all places of patches in a flattened map, those beyond it at its border."""
    rows, columns = (axis.clamp(0, length - 1) for axis, length in zip(patch, size, strict=True))
    return (rows[:, :, None] * size[1] + columns[:, None, :]).flatten()


def _inside(starts: Tensor, side: int, reach: int, size: tuple[int, int]) -> Tensor:
    """Mark with 1 what of tiles and `reach` pixels around them is in the picture."""
    rows, columns = (
        (axis >= 0) & (axis < length)
        for axis, length in zip(_patch(starts, side, reach), size, strict=True)
    )
    return (rows[:, :, None] & columns[:, None, :])[:, None].float()


def _upsampling(starts: Tensor, side: int, length: int) -> Tensor:
    """Give each tile's matrix of bilinear upsampling along one axis, zeros beyond the picture."""
    pixels = starts[:, None] + torch.arange(-3, side + 3)
    sources = starts[:, None] // 2 + torch.arange(-2, side // 2 + 2)
    apart = (pixels[:, :, None] - 2 * sources[:, None, :] - 0.5).abs()
    weights = (1 - apart / 2).clamp_min(0)
    return weights * ((pixels >= 0) & (pixels < length))[:, :, None]
