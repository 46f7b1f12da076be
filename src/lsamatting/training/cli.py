"""`lsamatting train`: Lightning's command line with our defaults, runs and resuming."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from argparse import ArgumentError
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.training.checkpoints import Checkpoints
from lsamatting.training.data import MattingData
from lsamatting.training.ema import WeightAverage
from lsamatting.training.export import ExportWeights
from lsamatting.training.module import MattingModule
from lsamatting.training.pictures import ValidationPictures
from lsamatting.training.progress import ProgressDisplay
from lsamatting.training.record import Record


@dataclass(frozen=True)
class RunConfig:
    """Where a run writes, and what it keeps."""

    name: str = "default"
    """Name of the run: its files lie in `folder/name`."""

    folder: str = "runs"
    """Folder of all runs."""

    ema_decay: float = 0.999
    """Share of the weights' running average that is kept at each step; 0 turns it off."""

    checkpoint_steps: int = 1000
    """Steps between checkpoints; 0: none by steps."""

    checkpoint_minutes: float = 10.0
    """Minutes between checkpoints; 0: none by the clock."""

    pictures: int = 4
    """Validation pictures to show in TensorBoard."""

    def __post_init__(self) -> None:
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"run.ema_decay must be in [0, 1), found {self.ema_decay}")
        if self.checkpoint_steps < 0 or self.checkpoint_minutes < 0 or self.pictures < 0:
            raise ConfigError("run.checkpoint_* and run.pictures must not be negative")

    @property
    def path(self) -> Path:
        """The run's own folder."""
        return Path(self.folder) / self.name


class _SaveConfig(SaveConfigCallback):
    """Writes the settings once training starts: a run that is refused leaves them as they are."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Wait, since the checkpoint has not been looked at yet."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write them."""
        super().setup(trainer, pl_module, stage="fit")


class _TrainingCLI(LightningCLI):
    record: Record

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--run", type=RunConfig, default=RunConfig())

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        try:
            super().parse_arguments(parser, args)
        except ArgumentError as error:
            message = " ".join(str(error).split())
            raise ConfigError(f"{message} (lsamatting train --help lists all settings)") from None

    @property
    def run(self) -> RunConfig:
        values = self._get(self.config_init, "run")
        return values if isinstance(values, RunConfig) else RunConfig(**vars(values))

    def instantiate_trainer(self, **kwargs: object) -> L.Trainer:
        run = self.run
        data: MattingData = self.datamodule
        average = WeightAverage(run.ema_decay)
        record = self.record = Record(run.path, batch_size=data.batch_size)
        checkpoints = Checkpoints(
            run.path,
            record,
            every_steps=run.checkpoint_steps,
            every_minutes=run.checkpoint_minutes,
        )
        callbacks = [
            average,
            ExportWeights(run.path, average, record),
            record,
            ProgressDisplay(record),
            ValidationPictures(run.pictures),
            checkpoints,
        ]
        logger = TensorBoardLogger(run.folder, run.name, version="")
        try:
            return super().instantiate_trainer(
                callbacks=callbacks,
                logger=logger,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
                num_sanity_val_steps=0,
            )
        except (MisconfigurationException, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"the trainer cannot be had as asked: {reason}") from error


def main(args: list[str]) -> None:
    """Train as a configuration file says.

    `args` are the file, then options that override it, as `--trainer.max_steps 1000` or
    `--data.batch_size 8`; `--resume` continues the run from its last checkpoint, at the very step.

    Raises
    ------
    LsamattingError
        An option or the data is at fault, or the run exists and is not to be resumed.
    SystemExit
        A stop signal (SIGTERM, or Ctrl-C) came; the run is saved.
    """
    if not args:
        raise ConfigError("no configuration given; try configs/lite.yaml, or --help")
    if not args[0].startswith("-"):
        args = [f"--config={args[0]}", *args[1:]]
    resume = "--resume" in args
    args = [arg for arg in args if arg != "--resume"]
    _quiet()
    cli = _TrainingCLI(
        MattingModule,
        MattingData,
        run=False,
        args=args,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        save_config_callback=_SaveConfig,
        save_config_kwargs={"overwrite": True},
        parser_kwargs={
            "prog": "lsamatting train",
            "usage": "%(prog)s CONFIG.yaml [--resume] [settings that override the file's]",
            "description": "Train a network as a configuration file says; --resume continues the "
            "run from its last checkpoint, at the very step.",
            # Errors are raised, not printed below a page of usage.
            "exit_on_error": False,
        },
    )
    last = cli.run.path / "last.ckpt"
    if last.exists() and not resume:
        raise ConfigError(
            f"{last.parent}: holds a run already; add --resume to continue it or "
            "--run.name to start another"
        )
    smallest = 2 ** (cli.model.loss.levels - 1)
    if cli.datamodule.size < smallest:
        raise ConfigError(
            f"model.loss.levels {cli.model.loss.levels} halve samples to nothing: data.size is "
            f"{cli.datamodule.size}, and at least {smallest} is needed"
        )
    _limit_samples(cli.trainer, cli.model.optimiser.samples, cli.datamodule.batch_size)
    try:
        with _interruption_saves():
            cli.trainer.fit(
                cli.model,
                datamodule=cli.datamodule,
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
            if cli.datamodule.validation and not cli.record.has_validated(cli.trainer.global_step):
                cli.trainer.validate(cli.model, datamodule=cli.datamodule, verbose=False)
    except LsamattingError as error:
        raise _in_own_words(error) from None
    except SIGTERMException:
        # Lightning's exit code would be 0, as if the run were done.
        step = cli.trainer.global_step
        raise SystemExit(f"stopped by a signal at step {step}; --resume continues") from None


def _in_own_words(error: LsamattingError) -> LsamattingError:
    """Give an error without the traceback that a loader's process puts around it."""
    kind = type(error)
    _, raised, words = str(error).rpartition(f"{kind.__module__}.{kind.__qualname__}: ")
    return kind(words.strip()) if raised else error


@contextmanager
def _interruption_saves() -> Iterator[None]:
    """Let the first Ctrl-C save and end the run as a stop signal does; the second ends at once.

    What the process did at a stop signal before is left out meanwhile: Lightning calls it besides
    its own, and a handler that exits would leave nothing saved.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread hears signals.
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _limit_samples(trainer: L.Trainer, samples: int | None, batch_size: int) -> None:
    """Bound the steps by a number of samples, whatever the number of processes."""
    if samples is None:
        return
    per_step = batch_size * trainer.world_size * trainer.accumulate_grad_batches
    steps = max(1, samples // per_step)
    limit = trainer.max_steps
    trainer.fit_loop.epoch_loop.max_steps = min(limit, steps) if limit >= 0 else steps


def _quiet() -> None:
    """Keep from the user what Lightning says about itself, and what is not so here."""
    # Our loader does resume inside an epoch, see NumberedBatches; Lightning cannot know.
    for message in (
        ".*dataloader is not resumable.*",
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*Total length of `list` across ranks is zero.*",
        ".*args parameter is intended to run from within Python.*",
        ".*isinstance\\(treespec, LeafSpec\\).*",
    ):
        warnings.filterwarnings("ignore", message)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="lightning")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_not_an_advertisement)


def _not_an_advertisement(record: logging.LogRecord) -> bool:
    return "Tip:" not in record.getMessage()


if __name__ == "__main__":
    main(sys.argv[1:])
