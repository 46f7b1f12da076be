"""Validation on whole pictures: a folder trio, and the errors that choose between models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lsamatting.data.truth import read_truth
from lsamatting.evaluation.datasets import open_dataset
from lsamatting.inference.frame import Frame, frame_picture


class ValidationPicture:
    """A picture framed for the network, and its true alpha.

    Not a dataclass: Lightning would look for tensors in it.
    """

    def __init__(self, name: str, frame: Frame, alpha: NDArray[np.float32]) -> None:
        self.name = name
        self.frame = frame
        self.alpha = alpha
        """H×W of the whole picture, in [0, 1]."""


class WholePictures(Dataset[ValidationPicture]):
    """The pictures of a folder trio, framed as `lsamatting matte` does, at one size.

    They are kept in memory once read, with their colour priors: 4·(3 + P) bytes for each pixel of
    the unknown region and the margin around it. Without a trimap folder the trimaps are made from
    alpha (`Trimap.from_alpha`).

    Raises
    ------
    DatasetError
        As `lsamatting.evaluation.datasets.open_dataset`.
    """

    def __init__(
        self, folder: Path, *, priors: tuple[str, ...] = (), limit: int | None = None
    ) -> None:
        self.trios = open_dataset(folder, layout="trio").pictures[:limit]
        self.priors = priors
        self._ready: dict[int, ValidationPicture] = {}

    def __len__(self) -> int:
        """Give the number of pictures."""
        return len(self.trios)

    def __getitem__(self, index: int) -> ValidationPicture:
        """Give picture `index`."""
        if index >= len(self.trios):
            raise IndexError(index)
        if index not in self._ready:
            self._ready[index] = self._read(index)
        return self._ready[index]

    def _read(self, index: int) -> ValidationPicture:
        from lsamatting.images import read_picture
        from lsamatting.trimap import Trimap

        trio = self.trios[index]
        image = read_picture(trio.image).visible()
        assert trio.alpha is not None  # a trio has its truth
        alpha = read_truth(trio.alpha)
        trimap = Trimap.from_alpha(alpha) if trio.trimap is None else Trimap.read(trio.trimap)
        made_from = trio.trimap or trio.alpha
        trimap.check_size(image.shape[:2], str(trio.image), called=str(made_from))
        frame = frame_picture(image, trimap.values, priors=self.priors)
        return ValidationPicture(trio.name, frame, alpha)


@dataclass(frozen=True)
class Errors:
    """Errors of one picture on its unknown region, on opacities in [0, 1]."""

    sad: float
    """Sum of absolute differences in thousands."""
    mse: float
    """Mean squared difference."""
    mad: float
    """Mean absolute difference."""


def picture_errors(
    predicted: NDArray[np.float32], alpha: NDArray[np.float32], unknown: NDArray[np.bool_]
) -> Errors:
    """Measure one picture, H×W each."""
    difference = predicted[unknown].astype(np.float64) - alpha[unknown]
    count = max(1, difference.size)
    absolute = float(np.abs(difference).sum())
    return Errors(absolute / 1000, float(np.square(difference).sum()) / count, absolute / count)
