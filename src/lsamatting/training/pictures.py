"""Validation pictures in TensorBoard."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.nn import functional

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
        batch: dict[str, Any],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add one picture's strip."""
        if batch_idx >= self._count or not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(
                    f"validation/{batch['name'][0]}",
                    strip(batch["image"], batch["trimap"], outputs, batch["alpha"]),
                    trainer.global_step,
                )


def strip(image: Tensor, *greys: Tensor) -> Tensor:
    """Place a 1x3xHxW image and 1x1xHxW greys in a row, 3xHx(W·n), at most 640 px a side."""
    row = torch.cat([image, *(grey.expand_as(image) for grey in greys)], dim=3).float()
    scale = min(1.0, _SIDE / max(image.shape[-2:]))
    if scale < 1:
        row = functional.interpolate(row, scale_factor=scale, mode="area")
    return row[0].clamp(0, 1).cpu()
