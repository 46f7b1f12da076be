"""The loaders: composites in an order that a resumed run continues, and whole pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.accelerators import CUDAAccelerator
from torch.utils.data import DataLoader, Dataset, Sampler

from lsamatting.data.augment_config import AugmentConfig
from lsamatting.data.cache import PictureCache
from lsamatting.data.held_out import Part
from lsamatting.data.layout import AimFolder
from lsamatting.data.recorded import RecordedSamples
from lsamatting.data.samples import CompositingDataset, WideBatches, one_thread_worker
from lsamatting.errors import ConfigError
from lsamatting.priors.channels import PRIOR_CHANNELS
from lsamatting.training.module import network_of
from lsamatting.training.validation import ValidationPicture, WholePictures


class NumberedBatches(Sampler[list[int]]):
    """Numbers of the samples of one process, batch by batch, from where training stands.

    All processes together take `batch_size * processes` consecutive numbers in a step; process
    `rank` takes every `processes`-th of them. `position` tells how many batches training has done
    since its first start, so nothing is replayed or skipped when it resumes inside an epoch.
    """

    def __init__(
        self, data: MattingData, *, batches: int, batch_size: int, rank: int, processes: int
    ) -> None:
        self._data = data
        self.batches = batches
        self.batch_size = batch_size
        self.rank = rank
        self.processes = processes

    def __len__(self) -> int:
        """Give the batches of an epoch."""
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        """Give the batches from here to the end of the present epoch."""
        position = self._data.position()
        for batch in range(position, (position // self.batches + 1) * self.batches):
            first = batch * self.batch_size * self.processes + self.rank
            yield list(range(first, first + self.batch_size * self.processes, self.processes))


def samples_of_one_size(step: int) -> int:
    """Give how many consecutive samples have one size: 16, or a step that 16 is no multiple of.

    Kept samples then serve steps of 1, 2, 4, 8 and 16 alike.
    """
    return step if 16 % step else 16


class MattingData(L.LightningDataModule):
    """Training composites and validation pictures.

    Parameters
    ----------
    root
        A folder in AIM's layout: `fg/`, `alpha/`, `bg/`.
    foreground_folder
        The folder under `root` to take in place of `fg`, as `fg_refined`, or an absolute path.
    backgrounds
        Folders of photographs to take in place of `root/bg`.
    mix
        Further folders with `fg/` and `alpha/`, each with its share of the samples; `root` has the
        rest.
    part
        `training` leaves out foregrounds and backgrounds that are held out by their name
        (`lsamatting.data.held_out`); `all` takes everything.
    size
        Height and width of a sample, a multiple of 32.
    wide_size, wide_share
        Size of the samples, and share, of batches that have wide trimaps only, see
        `augment.wide`; no such batches by default.
    batch_size
        Samples per step and process.
    workers
        Loader processes per training process; 0 makes samples in the training process.
    prefetch
        Batches that each worker keeps ready.
    seed
        Chooses everything random in the samples.
    cache_gib
        Memory, in GiB, for decoded pictures (see `PictureCache`).
    cache_folder
        Where the decoded pictures lie; memory-mapped, so it should be a local disk.
    recorded
        A folder in which samples are kept, for several trainings on the same ones
        (`lsamatting.data.recorded`); none by default.
    recorded_count
        So many samples are kept, a multiple of the samples of a step; later ones are these again,
        turned and with colours exchanged. By default every sample is a new one.
    augment
        The augmentation.
    validation
        A folder of `image/`, `alpha/` and perhaps `trimap/` to validate on; none by default.
    validation_limit
        Use only so many of its pictures.
    """

    def __init__(
        self,
        root: str,
        foreground_folder: str = "fg",
        backgrounds: list[str] | None = None,
        mix: dict[str, float] | None = None,
        part: Part = "all",
        size: int = 640,
        wide_size: int | None = None,
        wide_share: float = 0.0,
        batch_size: int = 16,
        workers: int = 4,
        prefetch: int = 4,
        seed: int = 0,
        cache_gib: float = 8.0,
        cache_folder: str = "runs/cache",
        recorded: str | None = None,
        recorded_count: int | None = None,
        augment: AugmentConfig = AugmentConfig(),  # noqa: B008 (frozen, and shown in the CLI's help)
        validation: str | None = None,
        validation_limit: int | None = None,
    ) -> None:
        super().__init__()
        for name, side in (("size", size), ("wide_size", wide_size or size)):
            if side < 32 or side % 32:
                raise ConfigError(f"data.{name} must be a multiple of 32, found {side}")
        if not 0 <= wide_share <= 1:
            raise ConfigError(f"data.wide_share is a probability, found {wide_share}")
        mix = mix or {}
        if any(share <= 0 for share in mix.values()) or sum(mix.values()) >= 1:
            raise ConfigError(
                f"data.mix: shares must be positive and leave some to data.root, found {mix}"
            )
        if seed < 0:
            raise ConfigError(f"data.seed must not be negative, found {seed}")
        if validation_limit is not None and validation_limit < 1:
            raise ConfigError(f"data.validation_limit must be positive, found {validation_limit}")
        if batch_size < 1 or workers < 0 or cache_gib < 0 or prefetch < 1:
            raise ConfigError(
                "data.batch_size and data.prefetch must be positive, "
                "data.workers and data.cache_gib not negative"
            )
        self.size = size
        self.batch_size = batch_size
        self.workers = workers
        self.prefetch = prefetch
        self.seed = seed
        self.augment = augment
        if recorded_count is not None and not recorded:
            raise ConfigError("data.recorded_count needs data.recorded, the folder of the samples")
        self.recorded = Path(recorded) if recorded else None
        self.recorded_count = recorded_count
        self.validation = Path(validation) if validation else None
        self.validation_limit = validation_limit
        self.wide_size = wide_size or size
        self.wide_share = wide_share
        folder = AimFolder(
            Path(root), tuple(Path(name) for name in backgrounds or ()), foreground_folder, part
        )
        more = {name: AimFolder(Path(name), part=part).pairs for name in mix}
        pairs = [*folder.pairs, *(pair for found in more.values() for pair in found)]
        self.shares = [(len(folder.pairs), 1 - sum(mix.values()))] if mix else []
        self.shares += [(len(more[name]), share) for name, share in mix.items()]
        self.cache = PictureCache(
            pairs, folder.backgrounds, folder=Path(cache_folder), gib=cache_gib
        )

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint keeps: what says which samples a step takes."""
        return {
            "data.batch_size": self.batch_size,
            "data.seed": self.seed,
            "trainer.accumulate_grad_batches": self._attached().accumulate_grad_batches,
            "processes": self._attached().world_size,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuse to go on with other samples than the run would have had.

        Raises
        ------
        ConfigError
            Batch size, accumulated batches, seed or number of processes are not those of the run.
        """
        for name, value in self.state_dict().items():
            before = state_dict.get(name, value)
            if before != value:
                raise ConfigError(
                    f"{name} is {value}, and was {before} when the run was saved; a resumed run "
                    "goes on with the samples that an unbroken one would have had"
                )

    def prepare_data(self) -> None:
        """Decode the pictures, once per machine."""
        self.cache.prepare()

    def _attached(self) -> L.Trainer:
        if self.trainer is None:
            raise RuntimeError("the loaders need the trainer that MattingData was handed to")
        return self.trainer

    def position(self) -> int:
        """Give the batches per process that training has done since its first start."""
        trainer = self._attached()
        return trainer.global_step * trainer.accumulate_grad_batches

    @property
    def priors(self) -> tuple[str, ...]:
        """Names of the colour priors that the network in training takes."""
        return network_of(self._attached().lightning_module).config.priors

    def check_recorded(self, step: int) -> None:
        """Check that the kept samples fill steps of so many, as batches of either size need it.

        Raises
        ------
        ConfigError
            They do not.
        """
        if self.recorded_count is None:
            return
        if self.recorded_count < 1 or self.recorded_count % step:
            raise ConfigError(
                f"data.recorded_count must be a multiple of the {step} samples of a step, "
                f"found {self.recorded_count}"
            )

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Give the loader of composites."""
        trainer = self._attached()
        step = self.batch_size * trainer.world_size
        dataset = CompositingDataset(
            self.cache,
            size=self.size,
            seed=self.seed,
            config=self.augment,
            priors=tuple(PRIOR_CHANNELS) if self.recorded else self.priors,
            wide=WideBatches(self.wide_size, self.wide_share, samples_of_one_size(step))
            if self.wide_share
            else None,
            shares=self.shares,
        )
        accumulate = trainer.accumulate_grad_batches
        batches = len(dataset) // step
        # Whole optimiser steps only, so that steps and samples stay in a fixed relation.
        batches = batches // accumulate * accumulate
        if not batches:
            raise ConfigError(
                f"{len(dataset)} backgrounds do not fill one step of {step * accumulate} samples"
            )
        self.check_recorded(step)
        samples: Dataset[dict[str, Any]] = (
            RecordedSamples(dataset, self.recorded, priors=self.priors, count=self.recorded_count)
            if self.recorded
            else dataset
        )
        return DataLoader(
            samples,
            batch_sampler=NumberedBatches(
                self,
                batches=batches,
                batch_size=self.batch_size,
                rank=trainer.global_rank,
                processes=trainer.world_size,
            ),
            num_workers=self.workers,
            prefetch_factor=self.prefetch if self.workers else None,
            # A forked worker can hang in a lock of OpenCV's or OpenMP's that the parent held.
            multiprocessing_context="spawn" if self.workers else None,
            worker_init_fn=one_thread_worker,
            persistent_workers=self.workers > 0,
            pin_memory=isinstance(trainer.accelerator, CUDAAccelerator),
        )

    def val_dataloader(self) -> DataLoader[ValidationPicture] | list[Any]:
        """Give the loader of whole pictures, one at a time; no loader without a folder."""
        if self.validation is None:
            return []
        pictures = WholePictures(self.validation, priors=self.priors, limit=self.validation_limit)
        return DataLoader(pictures, batch_size=None, num_workers=0)
