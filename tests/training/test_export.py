from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("lightning")

from lsamatting.training.ema import WeightAverage
from lsamatting.training.export import ExportWeights
from lsamatting.training.module import MattingModule
from lsamatting.training.record import COLUMNS, Record
from tests.tiny_network import TINY


@pytest.mark.parametrize(("error", "best"), [(2.5, False), (1.5, True)])
def test_the_best_is_that_of_all_validations_in_the_record(
    tmp_path: Path, error: float, best: bool
) -> None:
    """Also of one that a checkpoint came before, as the validation after the last step."""
    lines = [COLUMNS, (3, 6, 1, "", "", "", 4.0, 0.1, 0.1), (8, 16, 2, "", "", "", 2.0, 0.1, 0.1)]
    record = Record(tmp_path, batch_size=2)
    record.file.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    export = ExportWeights(tmp_path, WeightAverage(0.5), record)
    trainer = SimpleNamespace(
        is_global_zero=True, callback_metrics={"val/sad": torch.tensor(error)}
    )
    export.on_validation_epoch_end(trainer, MattingModule("paper", TINY))
    assert (tmp_path / "weights").is_dir()
    assert (tmp_path / "best").exists() is best
