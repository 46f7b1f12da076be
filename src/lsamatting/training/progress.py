"""How a run is doing, on the terminal: step, loss, samples per second and time to go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Timer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from lsamatting.training.record import Record


class ProgressDisplay(L.Callback):
    """Show a bar on a terminal, and a line per row of the record in a log file.

    Must stand after `record` among the callbacks.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._console = Console(highlight=False)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._shown: dict[str, float] = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Open the bar."""
        if trainer.is_global_zero and self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                BarColumn(),
                TextColumn("{task.description}"),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task("starting", total=_total_steps(trainer))

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Move on."""
        if not trainer.is_global_zero:
            return
        row = self._record.latest
        fresh = row is not self._shown
        if self._bar is not None and self._task is not None:
            text = describe(row, seconds_left(trainer, row)) if row else "starting"
            self._bar.update(self._task, completed=trainer.global_step, description=text)
        elif row and fresh:
            total = _total_steps(trainer)
            of = "" if total == float("inf") else f"/{total:.0f}"
            text = describe(row, seconds_left(trainer, row))
            self._console.print(f"step {trainer.global_step}{of}  {text}", soft_wrap=True)
        self._shown = row

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the errors."""
        if trainer.is_global_zero:
            sad, mse = (float(trainer.callback_metrics[f"val/{k}"]) for k in ("sad", "mse"))
            self._console.print(
                f"step {trainer.global_step}  validation  SAD {sad:.3f}  MSE {mse:.5f}",
                soft_wrap=True,
            )

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Close the bar."""
        self.on_train_end(trainer, pl_module)


def describe(row: dict[str, float], left: float | None) -> str:
    """Put a row of the record into words; `left` are the seconds to go, if known."""
    eta = "?" if left is None else str(timedelta(seconds=round(left)))
    return (
        f"loss {row['loss']:.4f}  {row['samples_per_second']:.1f} samples/s  "
        f"{row['samples']:.0f} samples  lr {row['learning_rate']:.2e}  eta {eta}"
    )


def seconds_left(trainer: L.Trainer, row: dict[str, float]) -> float | None:
    """Estimate the seconds until the limit on steps, epochs or time that comes first."""
    limits = []
    total = _total_steps(trainer)
    if row and total != float("inf"):
        per_step = row["samples"] / row["step"]
        limits.append((total - trainer.global_step) * per_step / row["samples_per_second"])
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        remaining = callback.time_remaining() if isinstance(callback, Timer) else None
        if remaining is not None:
            limits.append(max(0.0, remaining))
    return min(limits, default=None)


def _total_steps(trainer: L.Trainer) -> float:
    if trainer.max_steps >= 0:
        return trainer.max_steps
    if trainer.max_epochs is None or trainer.max_epochs < 0:
        return float("inf")
    return trainer.num_training_batches * trainer.max_epochs / trainer.accumulate_grad_batches
