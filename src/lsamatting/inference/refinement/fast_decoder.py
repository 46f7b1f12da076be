"""What moves in the decoder while nothing but the refinement modules' fields changes.

The mathematics is `LSANet.decode`'s with `RefinementModule`s; what follows saves the rest. No
weight changes, so batch norm is part of the convolution before it. A convolution of concatenated
features is a sum, of which the half that reads the encoder's features or the input is computed
once. A convolution after an upsampling is one transposed convolution, with less than half the
multiplications after a nearest one. The head runs only around pixels that are looked at, see
`lsamatting.inference.refinement.fast_head`. Features are channels last throughout.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from lsamatting.inference.refinement.fast_head import FastHead, zero_where_inactive
from lsamatting.inference.refinement.targets import Mask
from lsamatting.network.brm import LEVELS, field_side
from lsamatting.network.decoder import NUMBERS, DecoderLevel, shrink_mask
from lsamatting.network.lsanet import LSANet
from lsamatting.network.upsampling import NEAREST, fold_upsampling

Pull = Callable[[Tensor], Tensor]
"""From a derivative by opacity, of some pixels, to that by the fields. Called once."""

OpacityOf = Callable[[Tensor], tuple[Tensor, Pull]]
"""From the fields to the opacity of some pixels, and how derivatives go back."""


class FastDecoder:
    """Decoder and head of one picture as a function of the modules' fields.

    All fields are one vector: for each level from 5 to 2 its A, then its B, n×n×C each.

    Parameters
    ----------
    network:
        In evaluation mode.
    inputs, taps:
        What its `inputs` and `encode` gave for the picture.
    """

    def __init__(self, network: LSANet, inputs: Tensor, taps: list[Tensor]) -> None:
        self._network, self._inputs = network, inputs
        where = network.attention_mask(inputs)
        self._levels: list[_Level] = []
        self._modulations: dict[int, Modulation] = {}
        above = 0
        for number, level, tap in zip(NUMBERS, network.decoder.levels, reversed(taps), strict=True):
            assert isinstance(level, DecoderLevel)
            shrunk = None if where is None else shrink_mask(where, number)
            self._levels.append(_Level(level, tap, above, shrunk))
            above = level.conv.out_channels
            if number in LEVELS:
                height, width = tap.shape[-2:]
                self._modulations[number] = Modulation(
                    number, above, (height, width), device=tap.device
                )
        self._top = self._levels[0](None)

    def zeros(self) -> Tensor:
        """Give the vector with which the network is as it was trained."""
        length = sum(modulation.length for modulation in self._modulations.values())
        return torch.zeros(length, device=self._top.device)

    def features(self, fields: Tensor) -> Tensor:
        """Give what the head reads: 1×C×H/2×W/2."""
        parts = torch.split(
            fields, [modulation.length for modulation in self._modulations.values()]
        )
        modulated = dict(zip(self._modulations, parts, strict=True))
        x = self._top
        for number, level in zip(NUMBERS, self._levels, strict=True):
            if number != 5:
                x = level(x)
            if number in modulated:
                x = self._modulations[number](x, modulated[number])
        return x

    def whole(self, fields: Tensor) -> Tensor:
        """Give the opacity of all pixels: H×W, not clamped."""
        return self._network.opacity(self._inputs, self.features(fields))[0, 0]

    def at(self, pixels: Mask) -> OpacityOf:
        """Give a function from the fields to the opacity, not clamped, of some pixels."""
        head = FastHead(self._network, self._inputs, pixels)

        def opacity_of(fields: Tensor) -> tuple[Tensor, Pull]:
            fields = fields.detach().requires_grad_()
            with torch.enable_grad():
                opacity = head(self.features(fields))
            return opacity.detach(), lambda by: torch.autograd.grad(opacity, fields, by)[0]

        return opacity_of


class LevelWeights:
    """A decoder level's convolution, batch norm in it, and what its channel attention applies.

    Parameters
    ----------
    level:
        In evaluation mode.
    own:
        Channels of the encoder's tap, which come first.
    """

    def __init__(self, level: DecoderLevel, own: int) -> None:
        norm = level.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        kernel = (level.conv.weight * factor[:, None, None, None]).detach()
        self.bias = (norm.bias - norm.running_mean * factor).detach()
        self.own = kernel[:, :own]
        self.kernel = fold_upsampling(kernel[:, own:], NEAREST)
        """Of the transposed convolution of the level above."""
        fc = level.attention.fc
        assert fc.bias is not None
        self.fc = fc.weight[:, :, 0, 0].detach(), fc.bias.detach()

    def constant(self, tap: Tensor) -> Tensor:
        """Convolve the encoder's tap: 1×C×H×W, the half that no field moves."""
        return functional.conv2d(tap, self.own, self.bias, padding=1)

    def gate(self, average: Tensor) -> Tensor:
        """Give the attention's factors, C, from averages, C."""
        weight, bias = self.fc
        return functional.hardsigmoid(torch.addmv(bias, weight, average))


class _Level:
    """A decoder level: 3×3 convolution, batch norm, ReLU, channel attention."""

    def __init__(self, level: DecoderLevel, tap: Tensor, above: int, where: Tensor | None) -> None:
        own = tap.shape[1]
        assert level.conv.in_channels == own + above
        weights = LevelWeights(level, own)
        self.constant = _rows(weights.constant(tap))
        self.kernel, self.fc = weights.kernel, weights.fc
        height, width = tap.shape[-2:]
        self.size = height, width
        self.share = torch.full((height * width,), 1 / (height * width), device=tap.device)
        """Weight of each pixel in the attention's average."""
        if where is not None:
            self.share = (where / where.sum().clamp_min(1e-6)).flatten()

    def __call__(self, x: Tensor | None) -> Tensor:
        """Fuse the level above with the encoder's tap; None where there is none above."""
        fused: Tensor = _Fuse.apply(x, self)  # type: ignore[no-untyped-call]
        return fused


class _Fuse(torch.autograd.Function):
    """`_Level`, with a derivative that passes over the features as seldom as possible."""

    @staticmethod
    def forward(ctx, x: Tensor | None, level: _Level) -> Tensor:  # type: ignore[no-untyped-def]
        if x is None:
            active = level.constant.relu()
        else:
            moving = functional.conv_transpose2d(x, level.kernel, stride=2, padding=1)
            active = _rows(moving).add_(level.constant).relu_()
        weight, bias = level.fc
        gate = torch.addmv(bias, weight, level.share @ active)
        factor = functional.hardsigmoid(gate)
        ctx.save_for_backward(active, gate, factor)
        ctx.level = level
        return _map(active * factor, level.size)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, None]:  # type: ignore[no-untyped-def]
        if not ctx.needs_input_grad[0]:
            return None, None
        active, gate, factor = ctx.saved_tensors
        level = ctx.level
        rows = _rows(gradient)
        by_gate = (rows * active).sum(0) * ((gate > -3) & (gate < 3)) / 6
        by_active = (rows * factor).addr_(level.share, level.fc[0].T @ by_gate)
        zero_where_inactive(by_active, active)
        return functional.conv2d(
            _map(by_active, level.size), level.kernel, stride=2, padding=1
        ), None


class Modulation:
    """A `RefinementModule` for features of one size, or a part of them.

    Bicubic resizing is linear along each axis, hence two small matrix products, whose derivative
    is two more; PyTorch's own derivative of it is slow on a CPU.

    Parameters
    ----------
    number, channels:
        Of the decoder level.
    size:
        Height and width of the level's features.
    part:
        Rows and columns of what is modulated; all if not given.
    """

    def __init__(
        self,
        number: int,
        channels: int,
        size: tuple[int, int],
        *,
        part: tuple[slice, slice] = (slice(None), slice(None)),
        device: torch.device,
    ) -> None:
        side = field_side(number)
        self.shape = (2, side, side, channels)
        self.length = 2 * side * side * channels
        self.rows, self.columns = (
            _resizing(side, target, device)[seen].clone()
            for target, seen in zip(size, part, strict=True)
        )

    def __call__(self, x: Tensor, fields: Tensor) -> Tensor:
        """Modulate 1×C×h×w features by fields, A and then B, of `length` numbers."""
        _, side, _, channels = self.shape
        tall = self.rows @ fields.view(2, side, side * channels)
        resized = self.columns @ tall.view(2, -1, side, channels)
        scale, shift = resized.unbind()
        features = x[0].permute(1, 2, 0)
        return torch.addcmul(shift, scale.exp(), features).permute(2, 0, 1)[None]


def _resizing(source: int, target: int, device: torch.device) -> Tensor:
    """Give the target×source matrix of a bicubic resize, by resizing the identity."""
    identity = torch.eye(source, device=device).view(1, source, source, 1)
    resized = functional.interpolate(
        identity, size=(target, 1), mode="bicubic", align_corners=False
    )
    return resized[0, :, :, 0].T.contiguous()


def _rows(x: Tensor) -> Tensor:
    """See 1×C×H×W features, channels last, as HW×C."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _map(rows: Tensor, size: tuple[int, int]) -> Tensor:
    """See HW×C as 1×C×H×W features, channels last."""
    return rows.view(1, *size, rows.shape[1]).permute(0, 3, 1, 2)
