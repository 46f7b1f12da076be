"""A layout's arrays as tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from lsamatting.inference.frame import Layout


def layout_tensors(
    layout: Layout, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Give what `LSANet.forward` takes: image 1×3×H×W, trimap 1×1×H×W, priors 1×P×H×W or None.

    All are float32 and channels last in memory.
    """
    image, trimap, priors = (
        torch.from_numpy(array)[None].permute(0, 3, 1, 2).to(device)
        for array in (layout.image, layout.trimap[..., None], layout.priors)
    )
    return image, trimap, priors if layout.priors.shape[2] else None
