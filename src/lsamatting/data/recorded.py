"""Samples kept on disk, so that several trainings on the same samples make them once.

A comparison of networks shows each of them the same composites; making these takes longer than
training a small network on them. A long training can see kept samples again, each time turned and
with its colours exchanged: the priors of a turned picture are the turned priors, so that nothing
has to be solved for.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lsamatting.data.samples import CompositingDataset
from lsamatting.errors import DatasetError
from lsamatting.priors.channels import PRIOR_CHANNELS
from lsamatting.replacing import replacing

_PER_FOLDER = 1000
_DESCRIPTION = "samples.json"
_TURN = 4

RECOLOURED = 0.3
"""Share of the samples seen again whose colour channels are exchanged: where a few thousand
composites come dozens of times, their colours should not be what is learnt."""


class RecordedSamples(Dataset[dict[str, Tensor]]):
    """A `CompositingDataset` that writes down each sample, and reads it the next time.

    Pictures and colours are kept in 8 bit, opacities in 16, so that a sample of 192 px takes about
    a megabyte; whoever reads or makes one gets these rounded values alike.

    Parameters
    ----------
    samples
        Makes the samples, with every prior that any network shall read.
    folder
        Where they are kept, with a description of what made them.
    priors
        The priors to give, some of those that `samples` computes.
    count
        So many are made and kept; the numbers beyond are these again, each in one of the square's
        eight positions and, at `RECOLOURED`, with its colour channels exchanged. By default every
        number is a sample of its own.

    Raises
    ------
    DatasetError
        The folder keeps samples that were made in another way.
    """

    def __init__(
        self,
        samples: CompositingDataset,
        folder: Path,
        *,
        priors: tuple[str, ...],
        count: int | None = None,
    ) -> None:
        self.samples = samples
        self.folder = folder
        self.priors = priors
        self.count = count
        self._check()

    def _check(self) -> None:
        description = self.samples.describe()
        path = self.folder / _DESCRIPTION
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(description, indent=2) + "\n")
            return
        except ValueError:
            raise DatasetError(f"{path}: not a description of samples (damaged file?)") from None
        different = [key for key, value in description.items() if found.get(key) != value]
        if different:
            raise DatasetError(
                f"{self.folder}: keeps samples made with another {', '.join(different)}; "
                "choose another folder or delete it"
            )

    def __len__(self) -> int:
        """Give the number of samples in an epoch."""
        return len(self.samples)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        """Give sample `number` as `CompositingDataset` does, but for rounding."""
        if self.count is None or number < self.count:
            return self._kept(number)
        rng = np.random.default_rng((self.samples.seed, _TURN, number))
        return seen_anew(self._kept(number % self.count), self.priors, rng)

    def _kept(self, number: int) -> dict[str, Tensor]:
        path = self.folder / f"{number // _PER_FOLDER:05d}" / f"{number:08d}.npz"
        stored = _read(path)
        if stored is None:
            stored = _quantise(self.samples[number], self.samples.priors)
            path.parent.mkdir(exist_ok=True)
            with replacing(path) as temporary:
                np.savez(temporary, allow_pickle=False, **stored)
        chosen = [stored[name] for name in self.priors]
        height, width = stored["trimap"].shape[1:]
        return {
            "image": _to_float(stored["image"]),
            "trimap": torch.from_numpy(stored["trimap"].astype(np.float32) / np.float32(2)),
            "alpha": _to_float(stored["alpha"]),
            "priors": torch.cat([_to_float(array) for array in chosen])
            if chosen
            else torch.empty(0, height, width),
        }


def seen_anew(
    sample: dict[str, Tensor], priors: tuple[str, ...], rng: np.random.Generator
) -> dict[str, Tensor]:
    """Turn or mirror a sample at random, and perhaps exchange its colour channels.

    Parameters
    ----------
    sample
        As `CompositingDataset` gives it; of square pictures.
    priors
        The names of its priors.
    rng
        Chooses.

    Returns
    -------
    dict
        The sample of the turned and recoloured picture, priors included (to the tolerance to which
        they are solved).
    """
    quarters, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    order = rng.permutation(3).tolist() if rng.random() < RECOLOURED else [0, 1, 2]
    channels: list[int] = []
    for name in priors:
        start, width = len(channels), PRIOR_CHANNELS[name]
        channels += [start + at for at in (order if width == 3 else range(width))]
    recoloured = {
        **sample, "image": sample["image"][order], "priors": sample["priors"][channels]
    }  # fmt: skip
    turned = {name: torch.rot90(plane, quarters, (1, 2)) for name, plane in recoloured.items()}
    return {
        name: (plane.flip(2) if mirrored else plane).contiguous() for name, plane in turned.items()
    }


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError):
        # A damaged file is as good as none: the sample is made again.
        return None


def _quantise(sample: dict[str, Tensor], priors: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    stored: dict[str, NDArray[Any]] = {
        "image": _to_integers(sample["image"], np.uint8),
        "trimap": (sample["trimap"] * 2).to(torch.uint8).numpy(),
        "alpha": _to_integers(sample["alpha"], np.uint16),
    }
    start = 0
    for name in priors:
        end = start + PRIOR_CHANNELS[name]
        kind = np.uint16 if PRIOR_CHANNELS[name] == 1 else np.uint8
        stored[name] = _to_integers(sample["priors"][start:end], kind)
        start = end
    return stored


def _to_integers(values: Tensor, kind: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    most = np.iinfo(kind).max
    integers: NDArray[Any] = np.rint(np.clip(values.numpy(), 0, 1) * np.float32(most)).astype(kind)
    return integers


def _to_float(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max))
