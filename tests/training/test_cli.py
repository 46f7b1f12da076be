"""Whole training runs of a tiny network on tiny pictures, through the public command."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

pytest.importorskip("lightning")

from lsamatting.errors import ConfigError, ImageError
from lsamatting.network.lsanet import LSANet
from lsamatting.training import cli
from lsamatting.training.module import MattingModule
from tests.tiny_network import TINY_LITE

RECIPES = sorted(
    file
    for file in (Path(__file__).parents[2] / "configs").glob("*.yaml")
    if "model" in yaml.safe_load(file.read_text())  # others declare whole grids of trainings
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of 3 steps an epoch, and its data."""
    rng = np.random.default_rng(0)
    alpha = np.zeros((64, 64), np.uint8)
    cv2.circle(alpha, (32, 32), 16, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 2)
    folders = ("aim/fg", "aim/alpha", "aim/bg", "trio/image", "trio/alpha")
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    for number in range(6):
        for folder in ("aim/fg", "aim/bg", "trio/image"):
            picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{number}.png"), picture)
        for folder in ("aim/alpha", "trio/alpha"):
            cv2.imwrite(str(tmp_path / folder / f"{number}.png"), alpha)
    settings: dict[str, Any] = {
        "model": {
            "preset": "lite",
            "network": TINY_LITE,
            "optimiser": {"learning_rate": 1e-2, "schedule": "halving", "halve_every": 1},
        },
        "data": {
            "root": str(tmp_path / "aim"),
            "size": 32,
            "batch_size": 2,
            "workers": 0,
            "cache_gib": 0.1,
            "cache_folder": str(tmp_path / "cache"),
        },
        "trainer": {
            "accelerator": "cpu",
            "max_steps": 8,
            "log_every_n_steps": 1,
            "limit_val_batches": 2,
        },
        "run": {"folder": str(tmp_path / "runs"), "ema_decay": 0.5},
    }
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def train(config: Path, name: str, *options: str) -> Path:
    cli.main([str(config), "--run.name", name, *options])
    return config.parent / "runs" / name


def checkpoint(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / "last.ckpt", weights_only=True)
    return loaded


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_same(one: Path, other: Path) -> None:
    first, second = checkpoint(one), checkpoint(other)
    assert first["global_step"] == second["global_step"]
    for key in ("state_dict", "lr_schedulers"):
        torch.testing.assert_close(first[key], second[key], rtol=0, atol=0)
    averages = [state["callbacks"]["WeightAverage"]["average"] for state in (first, second)]
    torch.testing.assert_close(averages[0], averages[1], rtol=0, atol=0)
    moments = [state["optimizer_states"][0]["state"] for state in (first, second)]
    torch.testing.assert_close(moments[0], moments[1], rtol=0, atol=0)
    for key in ("step", "samples", "loss", "learning_rate", "val_sad"):
        assert [row[key] for row in rows(one)] == [row[key] for row in rows(other)]


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch):
    """Make training call something at the start of a step, once."""

    def at(step: int, action) -> None:
        original = MattingModule.training_step
        pending = [action]

        def training_step(self: MattingModule, batch: Any, index: int) -> Any:
            if self.global_step == step and pending:
                pending.pop()()
            return original(self, batch, index)

        monkeypatch.setattr(MattingModule, "training_step", training_step)

    return at


def fail() -> None:
    raise RuntimeError("the power is gone")


def test_a_run_leaves_weights_a_checkpoint_and_a_record(config: Path) -> None:
    run = train(config, "a", "--data.validation", str(config.parent / "trio"))
    network = LSANet.from_pretrained(run / "weights")
    average = checkpoint(run)["callbacks"]["WeightAverage"]["average"]
    for name, value in network.state_dict().items():
        if name in average:
            torch.testing.assert_close(value.float(), average[name].half().float())
    training_and_validation = rows(run)
    training = [row for row in training_and_validation if row["loss"]]
    assert [int(row["step"]) for row in training] == list(range(1, 9))
    assert [int(row["samples"]) for row in training] == list(range(2, 18, 2))
    validation = [row for row in training_and_validation if row["val_sad"]]
    assert [int(row["step"]) for row in validation] == [3, 6, 8]
    assert all(float(row["val_mse"]) > 0 for row in validation)
    LSANet.from_pretrained(run / "best")
    train(config, "a", "--data.validation", str(config.parent / "trio"), "--resume")
    assert rows(run) == training_and_validation
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["size"] == 32


def test_two_runs_of_one_seed_are_equal_and_of_another_are_not(config: Path) -> None:
    first, second = train(config, "a"), train(config, "b")
    assert_same(first, second)
    other = train(config, "c", "--data.seed", "1")
    assert rows(other)[0]["loss"] != rows(first)[0]["loss"]


@pytest.mark.parametrize("every", [2, 3, 4, 6], ids=lambda every: f"every_{every}_steps")
def test_a_run_that_died_resumes_at_the_step(config: Path, interrupt, every: int) -> None:
    """Checkpoints inside an epoch and at its end, with and without lost steps after them."""
    validation = ["--data.validation", str(config.parent / "trio")]
    options = [*validation, "--run.checkpoint_steps", str(every)]
    unbroken = train(config, "unbroken", *options)
    interrupt(7, fail)
    with pytest.raises(RuntimeError, match="power"):
        train(config, "broken", *options)
    died_at = checkpoint(config.parent / "runs" / "broken")["global_step"]
    assert died_at == 7 // every * every
    assert_same(unbroken, train(config, "broken", *options, "--resume"))


def test_a_run_on_kept_samples_resumes_in_a_later_round(config: Path, interrupt) -> None:
    kept = ["--data.recorded", str(config.parent / "kept"), "--data.recorded_count", "4"]
    unbroken = train(config, "unbroken", *kept)
    assert len(list((config.parent / "kept").glob("*/*.npz"))) == 4
    interrupt(5, fail)
    with pytest.raises(RuntimeError, match="power"):
        train(config, "broken", *kept, "--run.checkpoint_steps", "2")
    assert_same(unbroken, train(config, "broken", *kept, "--resume"))


@pytest.mark.parametrize(
    "option",
    ["--data.batch_size=3", "--data.seed=7", "--trainer.accumulate_grad_batches=2"],
    ids=lambda option: option.partition(".")[2],
)
def test_a_run_does_not_go_on_with_other_samples(config: Path, option: str) -> None:
    run = train(config, "a", "--trainer.max_steps", "4")
    before = (run / "config.yaml").read_text()
    name = option[2:].partition("=")[0]
    with pytest.raises(ConfigError, match=f"{name} is .*, and was .* when the run was saved"):
        train(config, "a", option, "--resume")
    assert (run / "config.yaml").read_text() == before
    assert checkpoint(train(config, "a", "--resume"))["global_step"] == 8


def test_a_run_does_not_go_on_with_another_optimiser(config: Path) -> None:
    train(config, "a", "--trainer.max_steps", "4")
    for option in ("learning_rate=1e-7", "kind=muon", "halve_every=3", "weight_decay=0.1"):
        with pytest.raises(ConfigError, match=f"another optimiser: {option.partition('=')[0]} dif"):
            train(config, "a", f"--model.optimiser.{option}", "--resume")
    train(config, "a", "--resume", "--model.optimiser.samples", "12")  # its length may change
    assert checkpoint(config.parent / "runs/a")["global_step"] == 6


def test_a_picture_that_a_loader_cannot_read_is_one_line(config: Path) -> None:
    whole = (config.parent / "aim/bg/3.png").read_bytes()
    (config.parent / "aim/bg/3.png").write_bytes(whole[:200])
    options = ["--data.cache_gib", "0", "--data.workers", "1"]
    with pytest.raises(ImageError, match=r"^[^\n]*aim/bg/3\.png: the file is damaged[^\n]*$"):
        train(config, "a", *options)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--data.seed=-1", "data.seed must not be negative"),
        ("--data.validation_limit=0", "data.validation_limit must be positive"),
        ("--model.loss.levels=8", "data.size is 32, and at least 128 is needed"),
        ("--data.augment.crop_side=[0, 0]", "crop_side must be positive"),
    ],
)
def test_settings_that_cannot_be_are_one_line(config: Path, option: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        train(config, "a", option)


def test_accumulated_gradients_resume_too(config: Path, interrupt) -> None:
    options = ["--trainer.accumulate_grad_batches", "3", "--run.checkpoint_steps", "2"]
    options += ["--trainer.max_steps", "4"]
    unbroken = train(config, "unbroken", *options)
    interrupt(3, fail)
    with pytest.raises(RuntimeError, match="power"):
        train(config, "broken", *options)
    assert_same(unbroken, train(config, "broken", *options, "--resume"))
    assert int(rows(unbroken)[-1]["samples"]) == 4 * 3 * 2


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_saves_and_the_run_resumes(
    config: Path, interrupt, sent: signal.Signals
) -> None:
    unbroken = train(config, "unbroken")
    interrupt(4, lambda: os.kill(os.getpid(), sent))
    with pytest.raises(SystemExit, match="at step 5; --resume continues"):
        train(config, "stopped")
    assert checkpoint(config.parent / "runs" / "stopped")["global_step"] == 5
    assert_same(unbroken, train(config, "stopped", "--resume"))


def test_a_handler_that_exits_waits_until_the_run_is_saved(config: Path, interrupt) -> None:
    def leave(number: int, frame: object) -> None:
        sys.exit(number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        interrupt(4, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit, match="at step 5; --resume continues"):
            train(config, "stopped")
        assert signal.getsignal(signal.SIGTERM) is leave
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("how", ["signal", "power"])
def test_a_run_that_ended_in_a_validation_makes_up_for_it(
    config: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A stop signal saves there; where the power fails, the step before has been saved."""
    options = ["--data.validation", str(config.parent / "trio"), "--run.checkpoint_steps", "3"]
    unbroken = train(config, "unbroken", *options)
    original = MattingModule.validation_step
    pending = [lambda: os.kill(os.getpid(), signal.SIGTERM) if how == "signal" else fail()]

    def validation_step(self: MattingModule, batch: Any, index: int) -> Any:
        if self.global_step == 6 and pending:
            pending.pop()()
        return original(self, batch, index)

    monkeypatch.setattr(MattingModule, "validation_step", validation_step)
    with pytest.raises((SystemExit, RuntimeError), match=r"at step 6|power"):
        train(config, "stopped", *options)
    stopped = config.parent / "runs" / "stopped"
    assert checkpoint(stopped)["global_step"] == 6
    assert_same(unbroken, train(config, "stopped", *options, "--resume"))


def test_a_run_that_was_stopped_at_its_last_step_leaves_its_weights(
    config: Path, interrupt
) -> None:
    interrupt(7, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit, match="at step 8"):
        train(config, "stopped")
    run = train(config, "stopped", "--resume")
    network = LSANet.from_pretrained(run / "weights")
    average = checkpoint(run)["callbacks"]["WeightAverage"]["average"]
    weight = network.state_dict()["head.conv1.weight"]
    assert torch.equal(weight, average["head.conv1.weight"].half().float())


def test_a_finished_run_can_go_on(config: Path) -> None:
    unbroken = train(config, "unbroken")
    train(config, "longer", "--trainer.max_steps", "4")
    assert_same(unbroken, train(config, "longer", "--resume"))


def test_samples_bound_the_run_and_its_cosine(config: Path) -> None:
    options = ["--model.optimiser.schedule", "cosine", "--model.optimiser.floor", "0"]
    run = train(config, "a", *options, "--model.optimiser.samples", "10")
    rates = [float(row["learning_rate"]) for row in rows(run)]
    assert len(rates) == 5
    # The rate of a row is the one that the next step would have.
    expected = [1e-2 * (1 + np.cos(np.pi * step / 5)) / 2 for step in range(1, 6)]
    assert rates == pytest.approx(expected, abs=1e-8)


def test_a_run_is_not_overwritten_by_accident(config: Path) -> None:
    train(config, "a", "--trainer.max_steps", "1")
    with pytest.raises(ConfigError, match=r"--resume to continue it or --run\.name"):
        train(config, "a")


def test_another_network_cannot_resume(config: Path) -> None:
    train(config, "a", "--trainer.max_steps", "1")
    with pytest.raises(ConfigError, match="head_channels differ"):
        train(config, "a", "--resume", "--model.network.head_channels", "[8,4]")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data.batch_size", "many"], r"data\.batch_size.*Expected.*int.*many"),
        (["--data.nonsense", "3"], r"--data\.nonsense"),
        (["--data.recorded_count", "4"], r"recorded_count needs data\.recorded"),
        (["--config", "nowhere.yaml"], r"nowhere\.yaml"),
        (["--model.loss.variant", "magic"], "'paper', 'code'.*magic"),
        (["--trainer.accelerator", "abacus"], "trainer cannot be had as asked.*abacus"),
        pytest.param(
            ["--trainer.accelerator", "cuda"],
            "trainer cannot be had as asked.*CUDA",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here"),
        ),
    ],
)
def test_mistakes_are_one_line(
    config: Path, capfd: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        train(config, "a", *options)
    assert "\n" not in str(caught.value)
    assert "usage" not in capfd.readouterr().err
    assert not (config.parent / "runs").exists()


def test_no_configuration_is_a_mistake_too() -> None:
    with pytest.raises(ConfigError, match=r"configs/lite\.yaml"):
        cli.main([])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_the_shipped_recipes_train(config: Path, recipe: Path) -> None:
    """With all that they say but the size of the network and of the samples."""
    values = yaml.safe_load(recipe.read_text())
    for pretrained in ("encoder", "weights"):
        values["model"].pop(pretrained, None)
    values["model"]["network"] = dict(TINY_LITE)
    if values["model"]["loss"].get("beside_base"):
        values["model"]["network"] |= {"priors": ["alpha_nearest"], "base": "alpha_nearest"}
    tiny = yaml.safe_load(config.read_text())
    values["data"] |= {**tiny["data"], "size": 64}
    values["run"] |= {"folder": tiny["run"]["folder"]}
    changed = config.with_name(recipe.name)
    changed.write_text(yaml.safe_dump(values))
    run = train(changed, "a", "--trainer.max_steps", "2", "--trainer.log_every_n_steps", "1")
    assert len(rows(run)) == 2


@pytest.mark.slow
def test_worker_processes_make_the_same_samples(config: Path) -> None:
    here = train(config, "here")
    assert_same(here, train(config, "there", "--data.workers", "2"))


@pytest.mark.slow
def test_two_processes_train_together(config: Path) -> None:
    command = [sys.executable, "-m", "lsamatting.training.cli", str(config), "--run.name", "ddp"]
    command += ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--trainer.max_steps", "2"]
    command += [
        "--data.batch_size",
        "1",
        "--data.size",
        "64",
        "--data.validation",
        str(config.parent / "trio"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    run = config.parent / "runs" / "ddp"
    assert [int(row["samples"]) for row in rows(run) if row["loss"]] == [2, 4]
    LSANet.from_pretrained(run / "weights")
