"""Start a wider or deeper network from a trained one, whose function it has at first.

After Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR
2016. There new channels are copies of old ones; here they keep their random weights, and what reads
them starts at zero: the function is the same but for rounding, and no two channels are alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lsamatting.errors import ConfigError
from lsamatting.network.lsanet import LSANet

GROWING = ("stem_channels", "stage_channels", "stage_blocks", "decoder_channels", "head_channels")
"""Settings in which the two networks may differ; none may shrink."""


@torch.no_grad()
def grow(network: LSANet, trained: LSANet) -> None:
    """Give `network` the function of `trained`, which is nowhere wider or deeper.

    Channels that `trained` lacks keep their weights, but what reads them starts at zero, as do the
    branches of blocks that it lacks.

    Raises
    ------
    ConfigError
        The networks differ in something else than widths and blocks, or `network` is smaller.
    """
    _check(network, trained)
    old = trained.state_dict()
    own = network.state_dict()
    added = _added_blocks(network, trained)
    for name in {*own} ^ {*old}:
        if not name.startswith(tuple(added)):
            raise ConfigError(
                f"the networks are not built alike: only one of them has {name}; a stage of as "
                "many channels as the stem has no convolution in its first shortcut"
            )
    for name, value in old.items():
        _fill(own[name], value, _columns(name, value, network, trained))
    for name in added:
        *_, last = network.get_submodule(f"{name}branch").children()
        torch.nn.init.zeros_(last.get_parameter("bn.weight"))


def _added_blocks(network: LSANet, trained: LSANet) -> list[str]:
    """Name the residual blocks that only `network` has, each with a dot behind."""
    if network.config.encoder != "resnet-d":
        return []
    return [
        f"encoder.stages.{stage}.{block}."
        for stage, (fewer, more) in enumerate(
            zip(trained.config.stage_blocks, network.config.stage_blocks, strict=True)
        )
        for block in range(fewer, more)
    ]


def _check(network: LSANet, trained: LSANet) -> None:
    ours, theirs = network.config.to_dict(), trained.config.to_dict()
    for name, value in theirs.items():
        if name not in GROWING and ours[name] != value:
            raise ConfigError(
                f"a network can grow in {', '.join(GROWING)} only: {name} is {ours[name]!r}, "
                f"that of the trained network {value!r}"
            )
        if name in GROWING and any(a < b for a, b in zip(ours[name], value, strict=True)):
            raise ConfigError(
                f"a network cannot shrink: {name} is {ours[name]}, that of the trained network "
                f"{value}"
            )


def _fill(value: Tensor, old: Tensor, columns: Tensor | None) -> None:
    """Put `old` into the first channels of `value`; a convolution's `columns` are its inputs."""
    if old.dim() == 0:
        value.copy_(old)
    elif columns is None:
        value[: len(old)] = old
    else:
        value[: len(old)] = 0
        value[: len(old), columns] = old


def _columns(name: str, old: Tensor, network: LSANet, trained: LSANet) -> Tensor | None:
    """Tell where the inputs of a convolution's trained weights lie; None if `old` is no such."""
    if old.dim() != 4:
        return None
    module, inputs = name.rpartition(".")[0], old.shape[1]
    first = _first_part(module, network), _first_part(module, trained)
    # Where two maps are joined, the second begins where the wider first one ends.
    return torch.cat((torch.arange(first[1]), first[0] + torch.arange(inputs - first[1])))


def _first_part(module: str, network: LSANet) -> int:
    """Channels of the first of two maps that a convolution reads joined, 0 if it reads one."""
    parts = module.split(".")
    if parts[:2] == ["decoder", "levels"] and parts[-1] == "conv":
        return network.config.tap_channels[-1 - int(parts[2])]
    if module == "head.conv1":
        convolution = network.get_submodule(module)
        assert isinstance(convolution, torch.nn.Conv2d)
        return convolution.in_channels - network.config.decoder_channels[-1]
    return 0
