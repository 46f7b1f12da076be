from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")

from lsamatting.network.lsanet import LSANet
from reproduce.plan import make_plan
from reproduce.reading import read_grid
from reproduce.settings import write_yaml
from reproduce.training_process import train_in_a_process


@pytest.mark.slow
def test_what_only_training_finds_out_is_one_line_and_mended_it_goes_on(
    content: Any, grid_file: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def ask(batch_size: str) -> int:
        grid = read_grid(grid_file(content), changes={"data.batch_size": batch_size})
        [training] = make_plan(grid, tmp_path, ["plain"]).trainings
        training.folder.mkdir(exist_ok=True)
        training.config_file.write_text(write_yaml(training.config))
        return train_in_a_process(training.config_file)

    assert ask("100") == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert "3 backgrounds do not fill one step of 100 samples" in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert ask("2") == 0
    assert (tmp_path / "plain" / "last.ckpt").is_file()
    LSANet.from_pretrained(tmp_path / "plain" / "weights")
