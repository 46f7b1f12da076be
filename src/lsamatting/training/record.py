"""What a run did, in `metrics.csv`: comparable between runs, and continued when one resumes."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch

COLUMNS = (
    "step",
    "samples",
    "seconds",
    "samples_per_second",
    "learning_rate",
    "loss",
    "val_sad",
    "val_mse",
    "val_mad",
)


class Record(L.Callback):
    """Append a row every `log_every_n_steps` steps and after each validation.

    `loss` is the mean since the row before, over all processes, also where a resume lies between;
    `seconds` and `samples_per_second` count training without validation. After a resume, rows
    beyond the checkpoint's step are dropped first.

    Attributes
    ----------
    latest
        The last training row; empty before the first.
    """

    def __init__(self, folder: Path, *, batch_size: int) -> None:
        self.file = folder / "metrics.csv"
        self.latest: dict[str, float] = {}
        self._batch_size = batch_size
        self._seconds = 0.0
        self._mark = time.monotonic()
        self._interval = 0.0
        self._timed = 0
        """Batches in that interval; a resume begins a new one."""
        self._row_step = 0
        self._losses: list[Any] = []

    def _count_time(self) -> None:
        now = time.monotonic()
        self._interval += now - self._mark
        self._seconds += now - self._mark
        self._mark = now

    def _rows(self) -> list[dict[str, str]]:
        if not self.file.exists():
            return []
        with self.file.open(newline="") as file:
            return list(csv.DictReader(file))

    def has_validated(self, step: int) -> bool:
        """Tell whether the table holds the errors of the weights of `step`."""
        return any(row["val_sad"] and int(row["step"]) == step for row in self._rows())

    def lowest(self) -> float:
        """Give the lowest SAD of the validations in the table; infinite without any."""
        errors = (float(row["val_sad"]) for row in self._rows() if row["val_sad"])
        return min(errors, default=float("inf"))

    def samples(self, trainer: L.Trainer, steps: int) -> int:
        """Give the samples that so many steps take, over all processes."""
        return steps * trainer.accumulate_grad_batches * self._batch_size * trainer.world_size

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Open the table, at the step where training starts."""
        self._mark = time.monotonic()
        self._interval = 0.0
        self._timed = 0
        self._row_step = trainer.global_step
        self.latest = {}
        if not trainer.is_global_zero:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        rows = self._rows() if trainer.global_step else []
        rows = [row for row in rows if int(row["step"]) <= trainer.global_step]
        with self.file.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def _append(self, trainer: L.Trainer, row: dict[str, float]) -> None:
        if trainer.is_global_zero:
            with self.file.open("a", newline="") as file:
                values = {
                    key: f"{value:.7g}" if isinstance(value, float) else value
                    for key, value in row.items()
                }
                csv.DictWriter(file, COLUMNS).writerow(values)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Add a row if it is time to."""
        # Lightning has divided the loss by the number of batches in a step.
        self._losses.append(outputs["loss"].detach() * trainer.accumulate_grad_batches)
        self._timed += 1
        step = trainer.global_step
        if step == self._row_step or step % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        self._count_time()
        rate = self._timed * self._batch_size * trainer.world_size / max(self._interval, 1e-9)
        losses = torch.tensor([float(loss) for loss in self._losses], device=pl_module.device)
        # Each process has seen samples of its own.
        loss = trainer.strategy.reduce(losses.mean(), reduce_op="mean")
        self.latest = {
            "step": step,
            "samples": self.samples(trainer, step),
            "seconds": self._seconds,
            "samples_per_second": rate,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "loss": float(loss),
        }
        self._losses = []
        self._interval = 0.0
        self._timed = 0
        self._row_step = step
        self._append(trainer, self.latest)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop the clock."""
        self._count_time()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add the errors' row, and start the clock again."""
        metrics = trainer.callback_metrics
        step = trainer.global_step
        row = {"step": step, "samples": self.samples(trainer, step), "seconds": self._seconds}
        errors = {f"val_{k}": float(metrics[f"val/{k}"]) for k in ("sad", "mse", "mad")}
        self._append(trainer, {**row, **errors})
        self._mark = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint keeps."""
        return {"seconds": self._seconds, "losses": [float(loss) for loss in self._losses]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint kept."""
        self._seconds = state_dict["seconds"]
        self._losses = list(state_dict.get("losses", []))
