"""Start an encoder from ImageNet weights in timm's key layout."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lsamatting.errors import WeightsError
from lsamatting.network.files import WEIGHTS_FILE, weight_file
from lsamatting.network.lsanet import LSANet

_STEM = {
    "conv1.0": "stem.0.conv",
    "conv1.1": "stem.0.bn",
    "conv1.3": "stem.2.conv",
    "conv1.4": "stem.2.bn",
    "conv1.6": "stem.4.conv",
    "bn1": "stem.4.bn",
}
_BLOCK = re.compile(
    r"layer(?P<stage>[1-4])\.(?P<block>\d+)\."
    r"(?:(?P<kind>conv|bn)(?P<number>[123])|downsample\.(?P<part>[12]))$"
)


def initialise_encoder(network: LSANet, source: str | Path) -> None:
    """Fill the encoder with ImageNet weights; channels beyond RGB start at zero.

    Parameters
    ----------
    network:
        Its encoder is a ResNet-D of the weights' widths, as `NetworkConfig.paper()` gives.
    source:
        A safetensors file in the key layout of timm's `resnet50d`, or a Hugging Face repository
        that holds one as `model.safetensors`, such as `timm/resnet50d.ra2_in1k`.

    Raises
    ------
    WeightsError
        The file cannot be read, or its keys or shapes are not this encoder's.
    """
    path = Path(source) if Path(source).is_file() else weight_file(source, WEIGHTS_FILE)
    try:
        published = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    own = network.encoder.state_dict()
    state: dict[str, Tensor] = {}
    for key, value in published.items():
        if key in ("fc.weight", "fc.bias"):
            continue
        name = encoder_key(key)
        if name is None or name not in own:
            raise WeightsError(f"{path}: {key} is no weight of this encoder")
        if name == "stem.0.conv.weight" and value.shape[1] == 3:
            extra = own[name].shape[1] - 3
            value = torch.cat((value, value.new_zeros(len(value), extra, *value.shape[2:])), dim=1)
        if value.shape != own[name].shape:
            raise WeightsError(
                f"{path}: {key} is {tuple(value.shape)}, this encoder needs "
                f"{tuple(own[name].shape)}"
            )
        state[name] = value
    missing = [name for name in own if name not in state and "num_batches" not in name]
    if missing:
        raise WeightsError(f"{path} lacks weights for {missing[0]} and {len(missing) - 1} others")
    network.encoder.load_state_dict(state, strict=False)


def encoder_key(key: str) -> str | None:
    """Translate a key of timm's `resnet50d` into `Encoder`'s; None if it belongs elsewhere."""
    module, _, leaf = key.rpartition(".")
    if module in _STEM:
        return f"{_STEM[module]}.{leaf}"
    match = _BLOCK.match(module)
    if match is None:
        return None
    block = f"stages.{int(match['stage']) - 1}.{match['block']}"
    if match["part"]:
        return f"{block}.shortcut.project.{'conv' if match['part'] == '1' else 'bn'}.{leaf}"
    # The branch alternates ConvBN and ReLU.
    return f"{block}.branch.{2 * (int(match['number']) - 1)}.{match['kind']}.{leaf}"
