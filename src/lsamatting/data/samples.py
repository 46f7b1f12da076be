"""The training set: composites made on the fly, each a pure function of the seed and its number."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from lsamatting.data.augment import Sample, augment
from lsamatting.data.augment_config import AugmentConfig
from lsamatting.data.cache import DecodedBackground, PictureCache
from lsamatting.network.inputs import trimap_values

_BACKGROUND_ORDER = 1
_CONTENT = 2
_BATCH_SIDE = 3


@dataclass(frozen=True)
class WideBatches:
    """Batches of larger samples with wide trimaps, for bands that a smaller sample cannot hold."""

    size: int
    """Height and width of their samples, a multiple of 32."""

    share: float
    """Share of all batches."""

    batch: int
    """So many consecutive samples make a batch, and have one size."""


class CompositingDataset(Dataset[dict[str, torch.Tensor]]):
    """An endless series of samples, addressed by a running number.

    Sample `epoch * len(dataset) + index` is composite `index` of `epoch`: an epoch draws every
    background once, in an order of its own, each with a random foreground. The number reaches
    worker processes with the request, so they hold no state that a resumed run would have to know.

    Parameters
    ----------
    cache
        The decoded pictures.
    size
        Height and width of a sample, a multiple of 32.
    seed
        Chooses everything random.
    config
        The augmentation.
    priors
        Names of the colour priors to compute, `lsamatting.priors.PRIOR_CHANNELS`.
    wide
        Batches of larger samples with wide trimaps, if any.
    shares
        Number of foregrounds and share of the samples of each source, in the cache's order, where
        not every foreground shall be as frequent as any other. Shares are relative.
    """

    def __init__(
        self,
        cache: PictureCache,
        *,
        size: int,
        seed: int,
        config: AugmentConfig,
        priors: tuple[str, ...] = (),
        wide: WideBatches | None = None,
        shares: Sequence[tuple[int, float]] = (),
    ) -> None:
        self.cache = cache
        self.size = size
        self.seed = seed
        self.config = config
        self.priors = priors
        self.wide = wide
        self.shares = tuple(shares)
        self._order: tuple[int, np.ndarray[Any, Any]] | None = None

    def __len__(self) -> int:
        """Give the number of samples in an epoch: one for each background."""
        return len(self.cache.backgrounds)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        """Make sample `number`.

        Returns float32 tensors: `image` 3xHxW in [0, 1], `trimap` 1xHxW of 0, ½ and 1, `alpha`
        1xHxW in [0, 1] and `priors` PxHxW.
        """
        return to_tensors(self.sample(number), self.priors)

    def sample(self, number: int) -> Sample:
        """Make sample `number` as arrays, with its parts."""
        rng = np.random.default_rng((self.seed, _CONTENT, number))
        cutout = self.cache.cutout(self._foreground(rng))
        background = self._background(rng, number)
        if self.wide and self._is_wide(self.wide, number):
            return augment(rng, cutout, background, self.wide.size, self.config, wide=True)
        return augment(rng, cutout, background, self.size, self.config)

    def describe(self) -> dict[str, Any]:
        """Say what the samples follow from, as JSON holds it: equal answers, equal samples."""
        return {
            "size": self.size,
            "seed": self.seed,
            "augment": json.loads(json.dumps(asdict(self.config))),
            "priors": list(self.priors),
            "wide": asdict(self.wide) if self.wide else None,
            "shares": [list(share) for share in self.shares],
            "pictures": self.cache.fingerprint(),
        }

    def _is_wide(self, wide: WideBatches, number: int) -> bool:
        rng = np.random.default_rng((self.seed, _BATCH_SIDE, number // wide.batch))
        return bool(rng.random() < wide.share)

    def _foreground(self, rng: np.random.Generator) -> int:
        if not self.shares:
            return int(rng.integers(len(self.cache.pairs)))
        shares = np.array([share for _, share in self.shares])
        chosen = int(rng.choice(len(shares), p=shares / shares.sum()))
        before = sum(count for count, _ in self.shares[:chosen])
        return before + int(rng.integers(self.shares[chosen][0]))

    def _background(self, rng: np.random.Generator, number: int) -> DecodedBackground:
        count = len(self)
        epoch, index = divmod(number, count)
        if self._order is None or self._order[0] != epoch:
            order = np.random.default_rng((self.seed, _BACKGROUND_ORDER, epoch)).permutation(count)
            self._order = (epoch, order)
        chosen = self.cache.background(int(self._order[1][index]))
        if rng.random() < self.config.realism.smoother_background:
            others = [self.cache.background(int(other)) for other in rng.integers(count, size=2)]
            return min([chosen, *others], key=lambda background: background.busyness)
        return chosen


def to_tensors(sample: Sample, priors: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Give a sample the shape in which the network takes it, see `CompositingDataset`."""
    trimap = sample.trimap
    if priors:
        from lsamatting.priors import compute_priors

        extra = compute_priors(sample.image, trimap, which=priors)
    else:
        extra = np.empty((*trimap.shape, 0), np.float32)
    return {
        "image": torch.from_numpy(sample.image).permute(2, 0, 1),
        "trimap": torch.from_numpy(trimap_values(trimap))[None],
        "alpha": torch.from_numpy(sample.alpha)[None],
        "priors": torch.from_numpy(extra).permute(2, 0, 1),
    }


def one_thread_worker(_: int) -> None:
    """Set a loader's worker process up: one process is one thread, and Ctrl-C is its parent's."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
