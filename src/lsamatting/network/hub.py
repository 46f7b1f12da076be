"""Weights with a model card, saved in a folder or shared on the Hugging Face hub."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lsamatting.extras import require
from lsamatting.replacing import replacing

if TYPE_CHECKING:
    from lsamatting.network.lsanet import LSANet

CARD_FILE = "README.md"

_CARD = """---
license: apache-2.0
library_name: lsamatting
pipeline_tag: image-segmentation
tags:
- image-matting
---

# Weights for lsamatting

An image matting network. `Matting.from_pretrained` of the Python package `lsamatting` loads it.
"""


def save_weights(network: LSANet, folder: Path) -> Path:
    """Write weights, in half precision if they allow it, and a model card if there is none."""
    network.save_pretrained(folder, half=network.beyond_half() is None)
    if not (folder / CARD_FILE).exists():
        with replacing(folder / CARD_FILE) as temporary:
            temporary.write_text(_CARD, encoding="utf-8")
    return folder


def push_weights(
    network: LSANet, repository: str, *, private: bool | None, token: str | None
) -> str:
    """Upload weights and card; parameters and errors as `Matting.push_to_hub`."""
    require("hub", "sharing weights")
    from huggingface_hub import HfApi

    hub = HfApi(token=token)
    made = hub.create_repo(repo_id=repository, private=private, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        save_weights(network, Path(folder))
        commit = hub.upload_folder(
            repo_id=made.repo_id, folder_path=folder, commit_message="Weights of lsamatting"
        )
    return str(commit)
