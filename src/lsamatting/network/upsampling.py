"""Upsampling by two and the 3×3 convolution after it, as one transposed convolution."""

from __future__ import annotations

import torch
from torch import Tensor

NEAREST = (1.0, 1.0)
"""How much a value gives to the pixels of double the resolution, at 2i and 2i+1."""

BILINEAR = (0.25, 0.75, 0.75, 0.25)
"""The same at 2i−1 to 2i+2, for bilinear upsampling with align_corners=False."""


def fold_upsampling(kernel: Tensor, spread: tuple[float, ...]) -> Tensor:
    """Make the kernel of a transposed convolution that upsamples and convolves.

    Parameters
    ----------
    kernel:
        O×I×3×3, of a convolution that follows an upsampling by two.
    spread:
        `NEAREST` or `BILINEAR`.

    Returns
    -------
    Tensor
        I×O×K×K, channels last, for `conv_transpose2d` of stride 2: K = 4 with a padding of 1 for
        `NEAREST`, 6 with a padding of 2 for `BILINEAR`. The values are exact away from borders,
        and for `NEAREST` with the zero padding of 1 there too.
    """
    size = len(spread) + 2
    # Output o reads value i through kernel entry d if o + d − 1 is a pixel to which i gives.
    # On the CPU: not every device has double precision.
    fold = torch.zeros(size, 3, dtype=torch.float64)
    for entry in range(size):
        for offset in range(3):
            if 0 <= entry - 2 + offset < len(spread):
                fold[entry, offset] = spread[entry - 2 + offset]
    folded = torch.einsum("jd,oide,ke->iojk", fold, kernel.detach().cpu().double(), fold)
    folded = folded.to(kernel.dtype).contiguous(memory_format=torch.channels_last)
    return folded.to(kernel.device)
