"""Checkpoints that are always usable, also after a kill."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.utilities.exceptions import SIGTERMException


class Checkpoints(L.Callback):
    """Keep `last.ckpt` in a folder: every so many steps, every so many minutes, and at the end.

    A stop signal (SIGTERM) saves one too. The file is replaced in one move, so that it is whole
    whenever the run dies.

    Parameters
    ----------
    folder
        The run's folder.
    every_steps, every_minutes
        Whichever comes first; 0 turns one off.
    """

    def __init__(self, folder: Path, *, every_steps: int, every_minutes: float) -> None:
        self.file = folder / "last.ckpt"
        self._every_steps = every_steps
        self._every_seconds = 60 * every_minutes
        self._saved_at = time.monotonic()
        self._saved_step = -1

    def _save(self, trainer: L.Trainer) -> None:
        if trainer.global_step == self._saved_step:
            return
        temporary = self.file.with_suffix(".ckpt.tmp")
        trainer.save_checkpoint(temporary, weights_only=False)
        if trainer.is_global_zero:
            os.replace(temporary, self.file)
        self._saved_at = time.monotonic()
        self._saved_step = trainer.global_step

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._saved_at = time.monotonic()
        self._saved_step = trainer.global_step

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
            self._save(trainer)

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Save when a stop signal came after a step's own chance to, as during validation."""
        between_steps = trainer.validating or not trainer.fit_loop.epoch_loop._should_accumulate()
        if isinstance(exception, SIGTERMException) and between_steps:
            self._save(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the end."""
        self._save(trainer)
