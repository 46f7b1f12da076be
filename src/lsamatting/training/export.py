"""Weights for use: the averaged network, written at each validation and at the end."""

from __future__ import annotations

import shutil
from pathlib import Path

import lightning as L

from lsamatting.network.lsanet import LSANet
from lsamatting.training.ema import WeightAverage
from lsamatting.training.module import network_of
from lsamatting.training.record import Record


class ExportWeights(L.Callback):
    """Write the averaged weights to `weights/`, and those of the lowest val/sad to `best/`.

    Must stand after `average` among the callbacks. Which error is the lowest `record` tells: a
    checkpoint does not know of a validation that came after it, but `best/` may be of that one.
    """

    def __init__(self, folder: Path, average: WeightAverage, record: Record) -> None:
        self._folder = folder
        self._average = average
        self._record = record

    def _write(self, network: LSANet, name: str) -> None:
        # Into a new folder first: the reader of a run never finds half a file.
        temporary = self._folder / f"{name}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        network.save_pretrained(temporary, half=network.beyond_half() is None)
        final = self._folder / name
        shutil.rmtree(final, ignore_errors=True)
        temporary.rename(final)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what was just validated; the average is still in place."""
        if not trainer.is_global_zero:
            return
        self._write(network_of(pl_module), "weights")
        if float(trainer.callback_metrics["val/sad"]) < self._record.lowest():
            self._write(network_of(pl_module), "best")

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the end, also of a run that had done its last step when it was stopped."""
        if trainer.is_global_zero:
            with self._average.applied(network_of(pl_module)):
                self._write(network_of(pl_module), "weights")
