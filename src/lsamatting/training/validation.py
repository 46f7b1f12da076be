"""Validation on whole pictures: a folder trio, and the errors that choose between models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from lsamatting.data.augment import Sample
from lsamatting.data.layout import TrioFolder
from lsamatting.data.samples import to_tensors
from lsamatting.inference.frame import MARGIN
from lsamatting.windows import window_around


class WholePictures(Dataset[dict[str, Any]]):
    """The pictures of a `TrioFolder`, ready for the network and kept in memory once read.

    Items are those of `CompositingDataset`, of the unknown region and the margin that prediction
    keeps around it, and `name`. Without a trimap folder the trimaps are made from alpha
    (`Trimap.from_alpha`).
    """

    def __init__(
        self, folder: Path, *, priors: tuple[str, ...] = (), limit: int | None = None
    ) -> None:
        self.trios = TrioFolder(folder).trios[:limit]
        self.priors = priors
        self._ready: dict[int, dict[str, Any]] = {}

    def __len__(self) -> int:
        """Give the number of pictures."""
        return len(self.trios)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Give picture `index`."""
        if index >= len(self.trios):
            raise IndexError(index)
        if index not in self._ready:
            self._ready[index] = self._read(index)
        # Half precision in memory: priors of ten full pictures would take a gigabyte otherwise.
        item = self._ready[index]
        return {k: v.float() if isinstance(v, Tensor) else v for k, v in item.items()}

    def _read(self, index: int) -> dict[str, Any]:
        from lsamatting.images import read_grey, read_picture
        from lsamatting.trimap import Trimap

        trio = self.trios[index]
        image = read_picture(trio.image).pixels
        alpha, _ = read_grey(trio.alpha)
        trimap = Trimap.from_alpha(alpha) if trio.trimap is None else Trimap.read(trio.trimap)
        made_from = trio.trimap or trio.alpha
        trimap.check_size(image.shape[:2], str(trio.image), called=str(made_from))
        # What prediction looks at too: the errors are those of its results, and come sooner.
        window = window_around(trimap.unknown, MARGIN) or (slice(None), slice(None))
        image, alpha = np.ascontiguousarray(image[window]), alpha[window]
        values = np.ascontiguousarray(trimap.values[window])
        sample = Sample(image, values, alpha, image, image)
        item: dict[str, Any] = dict(to_tensors(sample, self.priors))
        item["priors"] = item["priors"].half()
        return {**item, "name": trio.name}


@dataclass(frozen=True)
class Errors:
    """Errors of one picture on its unknown region, on opacities in [0, 1]."""

    sad: float
    """Sum of absolute differences in thousands."""
    mse: float
    """Mean squared difference."""
    mad: float
    """Mean absolute difference."""


def whole_picture_alpha(
    network: nn.Module, image: Tensor, trimap: Tensor, priors: Tensor
) -> Tensor:
    """Predict the alpha of pictures of any size, Nx1xHxW in [0, 1] with known pixels set.

    Pads at the bottom and right to a multiple of 32 by reflection.
    """
    height, width = image.shape[-2:]
    down, right = -height % 32, -width % 32
    # Reflection needs more pixels than it adds; tiny pictures repeat their edge.
    mode = "reflect" if down < height and right < width else "replicate"
    inputs = [
        functional.pad(tensor, (0, right, 0, down), mode=mode)
        if tensor.shape[1]
        else tensor.new_empty((*tensor.shape[:2], height + down, width + right))
        for tensor in (image, trimap, priors)
    ]
    raw = network(*inputs)[..., :height, :width].float().clamp(0, 1)
    return torch.where(trimap == 0.5, raw, trimap)


def picture_errors(predicted: Tensor, alpha: Tensor, unknown: Tensor) -> Errors:
    """Measure one picture; `unknown` is a mask of the same shape."""
    difference = (predicted.float() - alpha.float())[unknown].double()
    count = max(1, difference.numel())
    absolute = float(difference.abs().sum())
    return Errors(absolute / 1000, float(difference.square().sum()) / count, absolute / count)
