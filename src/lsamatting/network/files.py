"""Where saved weights are: bundled, in a folder, or in a repository of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

from lsamatting.errors import WeightsError
from lsamatting.weights import bundled_folder, bundled_names

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def weights_folder(source: str | Path, **how: Any) -> Path:
    """Find saved weights, and fetch them if they are in a repository.

    Parameters
    ----------
    source
        The name of bundled weights; else a folder that `save_pretrained` wrote; else a Hugging Face
        repository, `owner/name`.
    how
        How a repository is fetched: options of `huggingface_hub.hf_hub_download`.

    Raises
    ------
    WeightsError
        As `local_weights`, or the repository cannot be reached or lacks a file.
    """
    folder = local_weights(source)
    if folder is None:
        folder, _ = (
            fetch_file(str(source), name, **how).parent for name in (CONFIG_FILE, WEIGHTS_FILE)
        )
    return folder


def local_weights(source: str | Path) -> Path | None:
    """Find the folder of weights that are on this machine; None if `source` is a repository.

    Raises
    ------
    WeightsError
        It is none of what `weights_folder` takes, or the folder lacks a file.
    """
    folder = bundled_folder(str(source)) or Path(source)
    if folder.is_dir():
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            if not (folder / name).is_file():
                raise WeightsError(
                    f"{folder} lacks {name}; a weights folder holds {CONFIG_FILE} and "
                    f"{WEIGHTS_FILE}"
                )
        return folder
    if folder.exists() or not _REPOSITORY.fullmatch(str(source)):
        raise WeightsError(
            f"{source}: no such weights; accepted: "
            f"{', '.join(bundled_names()) or 'no bundled name'}, a folder, "
            "or a Hugging Face repository as owner/name"
        )
    return None


def fetch_file(repository: str, name: str, **how: Any) -> Path:
    """Fetch one file of a Hugging Face repository, unless it was fetched before.

    Raises
    ------
    WeightsError
        The repository cannot be reached or lacks the file.
    """
    try:
        return Path(hf_hub_download(repository, name, **how))
    except (HFValidationError, HfHubHTTPError, EntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"{repository}: neither bundled nor a folder, and not to be had from the Hugging Face "
            f"hub: {reason}"
        ) from error
