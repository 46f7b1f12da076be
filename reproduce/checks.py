"""Finding what is wrong with a grid before hours of training tell."""

from __future__ import annotations

from argparse import ArgumentError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
import torch
from lightning.pytorch.cli import LightningArgumentParser

from lsamatting.data.layout import AimFolder
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.evaluation.datasets import open_dataset
from lsamatting.network.files import local_weights
from lsamatting.training.cli import RunConfig
from lsamatting.training.data import MattingData
from lsamatting.training.module import MattingModule
from reproduce.foregrounds import check_method
from reproduce.grid import ADOBES
from reproduce.plan import Plan, Step, Training
from reproduce.settings import merge


def check(plan: Plan) -> None:
    """Check folders, weights and settings of all steps; nothing is written or computed.

    Raises
    ------
    LsamattingError
        The first thing that is wrong; the message names the row.
    """
    if plan.trainings:
        AimFolder(plan.grid.train, foreground_folder=ADOBES.folder).pairs  # noqa: B018
    for foreground in plan.foregrounds:
        check_method(foreground, plan.grid.train)
    for step in plan.steps:
        if not step.training:
            with _naming(f"row {step.row.name!r}"):
                local_weights(step.weights)
    parser = _settings_parser()
    for training in plan.trainings:
        with _naming(f"row {training.name!r}"):
            _check_config(parser, training)
            training.check_unchanged()
    datasets = {(step.dataset, step.table.layout): step for step in plan.steps}
    for step in datasets.values():
        with _naming(f"paths.{step.table.dataset}"):
            _check_dataset(step)


@contextmanager
def _naming(owner: str) -> Iterator[None]:
    """Say at the beginning of an error whose it is."""
    try:
        yield
    except LsamattingError as error:
        raise type(error)(f"{owner}: {error}") from None


def _check_dataset(step: Step) -> None:
    if not open_dataset(step.dataset, layout=step.table.layout).has_truth:
        raise ConfigError(f"{step.dataset}: has no true mattes, so there is nothing to measure")


def _settings_parser() -> LightningArgumentParser:
    """Build what `lsamatting train` reads its configuration with."""
    parser = LightningArgumentParser(exit_on_error=False)
    parser.add_argument("--seed_everything", type=bool | int, default=0)
    parser.add_argument("--run", type=RunConfig, default=RunConfig())
    parser.add_lightning_class_args(MattingModule, "model")
    parser.add_lightning_class_args(MattingData, "data")
    parser.add_lightning_class_args(L.Trainer, "trainer")
    return parser


def _check_config(parser: LightningArgumentParser, training: Training) -> None:
    """Read a configuration, and make everything of it but the trainer and the weights."""
    # Foregrounds may have to be re-estimated yet, and weights to be fetched.
    changes: dict[str, Any] = {"data": {"foreground_folder": ADOBES.folder}, "model": {}}
    model = training.config.get("model")
    for pretrained in ("encoder", "weights"):
        if isinstance(model, dict) and pretrained in model:
            changes["model"][pretrained] = None
    # Its name in jsonargparse before 4.49 was the other one.
    instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes
    try:
        with torch.device("meta"):
            instantiate(parser.parse_object(merge(training.config, changes)))
    except (ArgumentError, TypeError, ValueError) as error:
        raise ConfigError(" ".join(str(error).split())) from None
