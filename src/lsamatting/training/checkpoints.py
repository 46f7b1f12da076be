"""Checkpoints that are always usable, also after a kill."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lsamatting.training.record import Record


class Checkpoints(L.Callback):
    """Keep `last.ckpt` in a folder: every so many steps, every so many minutes, and at the end.

    A stop signal (SIGTERM) saves one too. The file is replaced in one move, so that it is whole
    whenever the run dies. A run that died in a validation makes up for it when it resumes, which
    Lightning does not: it goes on with the step behind.

    Must stand after `record`, and all that a validation concerns, among the callbacks.

    Parameters
    ----------
    folder
        The run's folder.
    record
        Tells which steps have been validated.
    every_steps, every_minutes
        Whichever comes first; 0 turns one off.
    """

    def __init__(
        self, folder: Path, record: Record, *, every_steps: int, every_minutes: float
    ) -> None:
        self.file = folder / "last.ckpt"
        self._record = record
        self._every_steps = every_steps
        self._every_seconds = 60 * every_minutes
        self._saved_at = time.monotonic()
        self._saved_step = -1
        self._validation_due = False
        """Whether a validation comes between the checkpoint and the next step."""

    def _save(self, trainer: L.Trainer, *, validation_due: bool) -> None:
        if trainer.global_step == self._saved_step:
            return
        self._validation_due = validation_due
        temporary = self.file.with_suffix(".ckpt.tmp")
        trainer.save_checkpoint(temporary, weights_only=False)
        if trainer.is_global_zero:
            os.replace(temporary, self.file)
        self._saved_at = time.monotonic()
        self._saved_step = trainer.global_step

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock, and validate if that is what the run died in."""
        self._saved_at = time.monotonic()
        self._saved_step = trainer.global_step
        # The first process alone keeps the record.
        done = trainer.is_global_zero and self._record.has_validated(trainer.global_step)
        if self._validation_due and not trainer.strategy.broadcast(done):
            validation = trainer.fit_loop.epoch_loop.val_loop
            validation.restarting = False
            trainer.validating = True
            validation.run()
            trainer.training = True

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Save if it is time to."""
        step = trainer.global_step
        if step == self._saved_step or trainer.fit_loop.epoch_loop._should_accumulate():
            return
        late = 0 < self._every_seconds < time.monotonic() - self._saved_at
        due = bool(self._every_steps) and step % self._every_steps == 0
        # Clocks and signals differ between processes, but they must save together.
        if trainer.strategy.reduce_boolean_decision(
            due or late or trainer.received_sigterm, all=False
        ):
            self._save(trainer, validation_due=_validates_next(trainer))

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Save when a stop signal came after a step's own chance to, as during validation."""
        between_steps = trainer.validating or not trainer.fit_loop.epoch_loop._should_accumulate()
        if isinstance(exception, SIGTERMException) and between_steps:
            self._save(trainer, validation_due=trainer.validating or _validates_next(trainer))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the end."""
        self._save(trainer, validation_due=False)

    def state_dict(self) -> dict[str, bool]:
        """Give what a checkpoint keeps."""
        return {"validation_due": self._validation_due}

    def load_state_dict(self, state_dict: dict[str, bool]) -> None:
        """Take what a checkpoint kept."""
        self._validation_due = state_dict["validation_due"]


def _validates_next(trainer: L.Trainer) -> bool:
    """Tell at the end of a batch whether a validation follows it."""
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None  # there is one while batches are fetched
    return trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher)
