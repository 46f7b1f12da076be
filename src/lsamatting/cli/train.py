"""`lsamatting train`: hand everything to the training command line."""

from __future__ import annotations

import typer

from lsamatting.extras import require


def train(ctx: typer.Context) -> None:
    """Train a network: CONFIG.yaml and overrides (extra: train)."""
    require("train", "training")
    from lsamatting.training.cli import main

    main(list(ctx.args))
