"""Where the files of saved weights are: a folder, or a repository of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

from lsamatting.errors import WeightsError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


def weight_file(source: str | Path, name: str) -> Path:
    """Find one file of a weights folder or of a Hugging Face repository.

    Raises
    ------
    WeightsError
        The folder or repository does not exist or lacks the file.
    """
    folder = Path(source)
    if folder.is_dir():
        if not (folder / name).is_file():
            raise WeightsError(
                f"{folder} lacks {name}; a weights folder holds {CONFIG_FILE} and {WEIGHTS_FILE}"
            )
        return folder / name
    try:
        return Path(hf_hub_download(str(source), name))
    except (HFValidationError, HfHubHTTPError, EntryNotFoundError, OSError) as error:
        raise WeightsError(
            f"{source} is neither a weights folder nor a repository that can be reached "
            f"({type(error).__name__})"
        ) from error
