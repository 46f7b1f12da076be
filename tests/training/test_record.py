from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("lightning")

from lsamatting.training.module import MattingModule
from lsamatting.training.record import Record
from tests.tiny_network import TINY


@pytest.fixture(scope="module")
def module() -> MattingModule:
    return MattingModule("paper", TINY)


def trainer(step: int, *others: float) -> SimpleNamespace:
    """One that has done so many steps, and asks for a row every fourth.

    `others` are the losses of further processes.
    """

    def reduce(loss: torch.Tensor, *, reduce_op: str) -> torch.Tensor:
        assert reduce_op == "mean"
        return torch.stack([loss, *map(torch.tensor, others)]).mean()

    return SimpleNamespace(
        strategy=SimpleNamespace(reduce=reduce),
        global_step=step,
        accumulate_grad_batches=1,
        log_every_n_steps=4,
        world_size=1,
        is_global_zero=True,
        optimizers=[SimpleNamespace(param_groups=[{"lr": 1e-3}])],
    )


def go_on(record: Record, module: MattingModule, steps: range) -> None:
    """Take steps whose loss is their number."""
    record.on_train_start(trainer(steps.start - 1), module)
    for step in steps:
        record.on_train_batch_end(trainer(step), module, {"loss": torch.tensor(float(step))})


def rows(record: Record) -> list[dict[str, str]]:
    with record.file.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("last", [4, 5, 6, 7])
def test_a_loss_is_the_mean_since_the_row_before_wherever_the_run_was_broken(
    tmp_path: Path, module: MattingModule, last: int
) -> None:
    first = Record(tmp_path, batch_size=2)
    go_on(first, module, range(1, last + 1))
    kept = first.state_dict()
    again = Record(tmp_path, batch_size=2)
    again.load_state_dict(kept)
    go_on(again, module, range(last + 1, 9))
    assert [(row["step"], row["loss"]) for row in rows(again)] == [("4", "2.5"), ("8", "6.5")]


def test_large_numbers_of_samples_are_exact(tmp_path: Path, module: MattingModule) -> None:
    record = Record(tmp_path, batch_size=12_345_678)
    go_on(record, module, range(1, 5))
    assert rows(record)[0]["samples"] == "49382712"


def test_the_loss_is_that_of_all_processes(tmp_path: Path, module: MattingModule) -> None:
    record = Record(tmp_path, batch_size=2)
    record.on_train_start(trainer(3), module)
    record.on_train_batch_end(trainer(4, 2.0, 6.0), module, {"loss": torch.tensor(4.0)})
    assert rows(record)[0]["loss"] == "4"
