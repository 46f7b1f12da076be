"""Where saved weights are: bundled, in a folder, in a file, or on the Hugging Face hub.

A weights folder holds `config.json` (what the network is) and `model.safetensors` (its numbers). It
may hold `graph.onnx` (what is computed), which ONNX Runtime needs; the package has one for each
configuration whose weights are bundled. A file of `lsamatting export` holds all three.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsamatting.digests import file_digest
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.extras import require
from lsamatting.network.config import NetworkConfig
from lsamatting.weights import bundled_folder, bundled_names

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
GRAPH_FILE = "graph.onnx"
CONFIG_KEY = "lsamatting.config"
"""Under which an ONNX file holds what the network is, as JSON."""

COUNTED, AVERAGES, TOTALS, WEIGHTS = "counted", "averages", "totals", "weights"
"""Inputs and outputs of a graph that runs on parts of a picture, see `lsamatting.export.graph`."""

_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def find_weights(source: str | Path, **how: Any) -> Path:
    """Find saved weights, and fetch them if they are in a repository.

    Parameters
    ----------
    source
        The name of bundled weights; else a folder that `save_pretrained` wrote, or a file that
        `lsamatting export` wrote; else a Hugging Face repository, `owner/name`.
    how
        How a repository is fetched: options of `huggingface_hub.hf_hub_download`.

    Returns
    -------
    Path
        A folder, or a file in `.onnx`.

    Raises
    ------
    WeightsError
        As `local_weights`, or the repository cannot be reached or lacks a file.
    MissingExtraError
        It is in a repository, and the extra `hub` is not installed.
    """
    found = local_weights(source)
    if found is None:
        found, _ = (
            fetch_file(str(source), name, **how).parent for name in (CONFIG_FILE, WEIGHTS_FILE)
        )
    return found


def local_weights(source: str | Path) -> Path | None:
    """Find weights that are on this machine; None if `source` is a repository.

    Raises
    ------
    WeightsError
        It is none of what `find_weights` takes, or the folder lacks a file.
    """
    found = bundled_folder(str(source)) or Path(source)
    if found.is_dir():
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            if not (found / name).is_file():
                raise WeightsError(
                    f"{found} lacks {name}; a weights folder holds {CONFIG_FILE} and {WEIGHTS_FILE}"
                )
        return found
    if is_graph(found) and found.is_file():
        return found
    if found.exists() or is_graph(found) or not _REPOSITORY.fullmatch(str(source)):
        raise WeightsError(
            f"{source}: no such weights; accepted: "
            f"{', '.join(bundled_names()) or 'no bundled name'}, a folder, a file in .onnx, "
            "or a Hugging Face repository as owner/name"
        )
    return None


def is_graph(path: str | Path) -> bool:
    """Tell by its suffix whether a path names an ONNX file."""
    return Path(path).suffix == ".onnx"


def numbers_file(weights: Path) -> Path:
    """Give the file whose hash says which numbers these are."""
    return weights if is_graph(weights) else weights / WEIGHTS_FILE


def read_config(folder: Path, changes: Mapping[str, Any] | None = None) -> NetworkConfig:
    """Read what the network of a weights folder is; `changes` replace settings.

    Raises
    ------
    WeightsError
        The file is no configuration.
    """
    path = folder / CONFIG_FILE
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        return NetworkConfig.from_dict({**settings, **(changes or {})})
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise WeightsError(f"{path} is not a network configuration: {error}") from error


def find_graph(folder: Path, config: NetworkConfig) -> Path | None:
    """Find the graph of a configuration: the folder's own, else that of bundled weights."""
    if (folder / GRAPH_FILE).is_file():
        return folder / GRAPH_FILE
    for bundled in filter(None, map(bundled_folder, bundled_names())):
        if (bundled / GRAPH_FILE).is_file() and read_config(bundled) == config:
            return bundled / GRAPH_FILE
    return None


def weights_digest(weights: Path) -> str:
    """Give a digest of a folder of weights, of every file in it but descriptions; or of a file."""
    digest = hashlib.sha256()
    for path in sorted(weights.iterdir()) if weights.is_dir() else [weights]:
        if path.is_file() and path.suffix not in (".md", ".py"):
            digest.update(f"{path.name} {file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]


def fetch_file(repository: str, name: str, **how: Any) -> Path:
    """Fetch one file of a Hugging Face repository, unless it was fetched before.

    Raises
    ------
    WeightsError
        The repository cannot be reached or lacks the file.
    MissingExtraError
        The extra `hub` is not installed.
    """
    require("hub", f"{repository}: the Hugging Face hub")
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

    try:
        return Path(huggingface_hub.hf_hub_download(repository, name, **how))
    except (HFValidationError, HfHubHTTPError, EntryNotFoundError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"{repository}: neither bundled nor a folder, and not to be had from the Hugging Face "
            f"hub: {reason}"
        ) from error
