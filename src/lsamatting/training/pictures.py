"""Validation pictures in TensorBoard."""

from __future__ import annotations

from typing import Any

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger

from lsamatting.compositing.overlay import side_by_side
from lsamatting.training.validation import ValidationPicture

_SIDE = 640


class ValidationPictures(L.Callback):
    """Show image, trimap, prediction and truth of the first validation pictures side by side."""

    def __init__(self, count: int) -> None:
        self._count = count

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: ValidationPicture,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add one picture's strip."""
        frame = batch.frame
        if batch_idx >= self._count or not trainer.is_global_zero or frame.empty:
            return
        height, width = frame.whole[frame.window].shape
        strip = side_by_side(
            frame.image[:height, :width],
            frame.whole[frame.window],
            outputs.cpu().numpy()[frame.window],
            batch.alpha[frame.window],
            longest=_SIDE,
        )
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(
                    f"validation/{batch.name}", strip, trainer.global_step, dataformats="HWC"
                )
