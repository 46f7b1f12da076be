"""`lsamatting train`: hand everything to the training command line."""

from __future__ import annotations

from importlib.util import find_spec

import typer

from lsamatting.errors import MissingExtraError


def train(ctx: typer.Context) -> None:
    """Train a network: CONFIG.yaml and overrides (extra: train)."""
    for module in ("lightning", "jsonargparse", "tensorboard"):
        if find_spec(module) is None:
            raise MissingExtraError("training", "train")
    from lsamatting.training.cli import main

    main(list(ctx.args))
