"""The authors' checkpoints (github.com/kfeng123/LSA-Matting), read into an `LSANet`.

They are saved from the training's `DataParallel`, with the backbone's parameters named as
mmclassification's ResNetV1d names them. The network is the paper's, so every tensor of theirs has
one place in ours, and nothing is left over on either side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from lsamatting.errors import WeightsError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet

_PREFIX = "module."
_COUNTER = "num_batches_tracked"
_NAMED = 3
"""So many keys are named in an error; the others are counted."""

_STEM = re.compile(r"encoder\.stem\.(?P<place>[024])")
_BRANCH = re.compile(r"encoder\.stages\.(?P<stage>\d)\.(?P<block>\d+)\.branch\.(?P<place>[024])")
_SHORTCUT = re.compile(r"encoder\.stages\.(?P<stage>\d)\.0\.shortcut\.project")
_LEVEL = re.compile(r"decoder\.levels\.(?P<place>\d)")
_IN_LEVEL = {"conv": "conv1", "norm": "norm1", "attention.fc": "fc"}


@dataclass(frozen=True)
class AuthorsCheckpoint:
    """What a checkpoint held."""

    network: LSANet
    """In evaluation mode, float32."""

    epoch: int | None
    """The epoch after which it was saved, if the file says."""

    tensors: int
    """Number of tensors read."""

    @property
    def parameters(self) -> int:
        """Number of trained numbers, running statistics not counted."""
        return sum(parameter.numel() for parameter in self.network.parameters())


def read_authors_checkpoint(path: str | Path) -> AuthorsCheckpoint:
    """Read one of the authors' checkpoints.

    Parameters
    ----------
    path:
        What `torch.save` made of `{"epoch": …, "state_dict": …}` or of the state dict alone, or a
        safetensors file of it; keys with or without `module.` in front. Nothing but tensors and
        plain values is unpickled, so no code in the file can run.

    Raises
    ------
    WeightsError
        The file cannot be read or holds other objects, or a key is missing, unexpected or of
        another shape.
    """
    path = Path(path)
    content = _load(path)
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping) or not state:
        raise WeightsError(f"{path} holds no state dict; accepted: the authors' checkpoints")
    if all(str(key).startswith(_PREFIX) for key in state):
        state = {str(key)[len(_PREFIX) :]: value for key, value in state.items()}
    network = LSANet(NetworkConfig.preset("paper"))
    own = network.state_dict()
    wanted = {authors_key(name): name for name in own}
    _check(path, state, {key: own[name] for key, name in wanted.items()})
    with torch.no_grad():
        for key, value in state.items():
            own[wanted[key]].copy_(value)
    epoch = content.get("epoch")
    return AuthorsCheckpoint(
        network=network.eval(),
        epoch=epoch if isinstance(epoch, int) else None,
        tensors=len(state),
    )


def authors_key(name: str) -> str:
    """Give the authors' name, without `module.`, of a tensor of the preset `paper`."""
    module, _, leaf = name.rpartition(".")
    if match := _STEM.match(module):
        kind = module[match.end() + 1 :]
        return f"backbone.stem.{int(match['place']) // 2}.{kind}.{leaf}"
    if match := _BRANCH.match(module):
        kind = module[match.end() + 1 :]
        place = f"layer{int(match['stage']) + 1}.{match['block']}"
        # Our branch alternates convolutions and ReLU.
        return f"backbone.{place}.{kind}{int(match['place']) // 2 + 1}.{leaf}"
    if match := _SHORTCUT.match(module):
        # Where the stride is 2, a pooling that has no parameters is number 0.
        number = ("conv", "bn").index(module[match.end() + 1 :]) + (match["stage"] != "0")
        return f"backbone.layer{int(match['stage']) + 1}.0.downsample.{number}.{leaf}"
    if match := _LEVEL.match(module):
        kind = _IN_LEVEL[module[match.end() + 1 :]]
        return f"decoder.decoder_{5 - int(match['place'])}.{kind}.{leaf}"
    return f"decoder.final_final.{module.removeprefix('head.')}.{leaf}"


def _load(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; accepted: the authors' checkpoints")
    try:
        content = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:
        # Damaged bytes can fail anywhere in the readers, with any error.
        other = re.search(r"GLOBAL (\S+)", str(error))
        raise WeightsError(
            f"{path} holds other objects than tensors and plain values ({other[1]}), "
            "which are not loaded"
            if other
            else f"{path} is not a checkpoint that can be read ({type(error).__name__})"
        ) from error
    if not isinstance(content, Mapping):
        raise WeightsError(
            f"{path} holds a {type(content).__name__}; accepted: the authors' checkpoints"
        )
    return content


def _check(path: Path, state: Mapping[Any, Any], wanted: Mapping[str, Tensor]) -> None:
    """Raise WeightsError unless the state is what is wanted, key by key."""
    # PyTorch before 0.4.1 kept no count of batches, and evaluation needs none.
    problems = [
        f"missing {key}" for key in wanted if key not in state and not key.endswith(_COUNTER)
    ]
    problems += [f"unexpected {key}" for key in state if key not in wanted]
    for key, own in wanted.items():
        value = state.get(key, own)
        if not isinstance(value, Tensor):
            problems.append(f"{key} is no tensor but a {type(value).__name__}")
        elif value.shape != own.shape:
            problems.append(f"{key} is {tuple(value.shape)} instead of {tuple(own.shape)}")
        elif value.is_floating_point() != own.is_floating_point():
            problems.append(f"{key} holds {value.dtype} instead of {own.dtype}")
        elif not torch.isfinite(value).all():
            problems.append(f"{key} has values that are not finite")
    if problems:
        more = len(problems) - _NAMED
        shown = "; ".join(problems[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
        raise WeightsError(f"{path} is none of the authors' checkpoints: {shown}")
