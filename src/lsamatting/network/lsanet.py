"""The matting network: encoder, decoder, head (paper, section 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from lsamatting.errors import ConfigError, WeightsError
from lsamatting.network.config import NetworkConfig
from lsamatting.network.decoder import Averages, Decoder, FullHead, Modulation, SubpixelHead
from lsamatting.network.efficientnet import EfficientNetEncoder
from lsamatting.network.encoder import Encoder
from lsamatting.network.files import CONFIG_FILE, WEIGHTS_FILE, find_weights, is_graph, read_config
from lsamatting.replacing import replacing

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


class LSANet(nn.Module):
    """Image, trimap and colour priors in, opacity out.

    Parameters
    ----------
    config:
        Widths and switches; `NetworkConfig.preset` gives those that have a name.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = (
            Encoder(config)
            if config.encoder == "resnet-d"
            else EfficientNetEncoder(config.encoder, config.input_channels)
        )
        self.decoder = Decoder(config)
        head = FullHead if config.head == "full" else SubpixelHead
        self.head = head(
            4 + config.opacity_channels, config.decoder_channels[-1], config.head_channels
        )
        self.register_buffer("mean", torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGE_STD).view(1, 3, 1, 1), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.config.base:
            # The untrained network then gives the base prior itself.
            nn.init.zeros_(self.head.conv3.weight)

    def forward(
        self,
        image: Tensor,
        trimap: Tensor,
        priors: Tensor | None = None,
        averages: Averages | None = None,
    ) -> Tensor:
        """Estimate opacity.

        Parameters
        ----------
        image:
            N×3×H×W, gamma-encoded RGB in [0, 1]; H and W multiples of 32.
        trimap:
            N×1×H×W with 0, ½ and 1.
        priors:
            N×P×H×W, the config's priors in their order; None for a network without priors.
        averages:
            Of a picture of which this is a part; see `features`.

        Returns
        -------
        Tensor
            N×1×H×W, not clamped.
        """
        inputs = self.inputs(image, trimap, priors)
        return self.decode(inputs, self.encode(inputs), averages=averages)

    def features(
        self, image: Tensor, trimap: Tensor, priors: Tensor | None, averages: Averages
    ) -> Tensor:
        """Give the decoder's features at stride 2 of a part of a picture, without an opacity.

        `averages` tells what the attention is to follow, and is told what this part adds to it.
        """
        inputs = self.inputs(image, trimap, priors)
        features: Tensor = self.decoder(
            self.encode(inputs), self.attention_mask(inputs), None, averages
        )
        return features

    def inputs(self, image: Tensor, trimap: Tensor, priors: Tensor | None = None) -> Tensor:
        """Lay out what the network reads: normalised image, trimap, priors; channels last.

        Parameters as in `forward`.

        Returns
        -------
        Tensor
            N×C×H×W, C = `config.input_channels`.

        Raises
        ------
        ConfigError
            The network needs priors and there are none.
        """
        parts = [(image - self.mean) / self.std, trimap]
        if self.config.priors:
            if priors is None:
                raise ConfigError(
                    f"this network needs its colour priors: {', '.join(self.config.priors)}"
                )
            parts.append(priors)
        # Channels last: convolutions read this layout several times faster on a CPU.
        stacked = torch.cat([part.permute(0, 2, 3, 1) for part in parts], dim=3)
        return stacked.permute(0, 3, 1, 2)

    def encode(self, inputs: Tensor) -> list[Tensor]:
        """Give the encoder's five taps, stride 2 first."""
        taps: list[Tensor] = self.encoder(inputs)
        return taps

    def decode(
        self,
        inputs: Tensor,
        taps: list[Tensor],
        modules: Mapping[int, Modulation] | None = None,
        averages: Averages | None = None,
    ) -> Tensor:
        """Give the opacity from the encoder's taps.

        Parameters
        ----------
        inputs:
            What `inputs` gave.
        taps:
            What `encode` gave.
        modules:
            By decoder level (5 to 2) what is done to the level's output: the paper's
            backpropagating refinement modules. None while training, and for a plain prediction.
        averages:
            Of a picture of which this is a part; see `features`.

        Returns
        -------
        Tensor
            N×1×H×W, not clamped.
        """
        features = self.decoder(taps, self.attention_mask(inputs), modules, averages)
        return self.opacity(inputs, features)

    def opacity(self, inputs: Tensor, features: Tensor) -> Tensor:
        """Give the opacity, N×1×H×W, not clamped, from the decoder's features at stride 2."""
        alpha: Tensor = self.head(self.head_inputs(inputs), features)
        base, share = self.base(inputs), self.share(inputs)
        if share is not None:
            alpha = share * alpha
        return alpha if base is None else alpha + base

    def head_inputs(self, inputs: Tensor) -> Tensor:
        """Take the channels that the head reads besides the decoder's features."""
        return inputs[:, : 4 + self.config.opacity_channels]

    def attention_mask(self, inputs: Tensor) -> Tensor | None:
        """Mark the pixels over which the attention averages; None for all of them."""
        if self.config.attention == "everywhere":
            return None
        trimap = inputs[:, 3:4]
        return ((trimap > 0) & (trimap < 1)).to(inputs.dtype)

    def base(self, inputs: Tensor) -> Tensor | None:
        """Take the prior to which the head's output is a correction, if the network has one."""
        channel = self.config.base_channel
        return None if channel is None else inputs[:, 4 + channel : 5 + channel]

    def share(self, inputs: Tensor) -> Tensor | None:
        """Give which share of its correction counts at each pixel, N×1×H×W; None for all of it.

        It is whole up to 32 px from what is known, and a quarter from 64 px on.
        """
        if self.config.correction == "everywhere":
            return None
        first = 4 + self.config.distance_channel
        # In units of 64 px, and no more than one.
        away = torch.minimum(inputs[:, first : first + 1], inputs[:, first + 1 : first + 2])
        return (1.75 - 1.5 * away).clamp(max=1)

    def beyond_half(self) -> str | None:
        """Name a tensor with values that float16 cannot hold; None if there is none."""
        largest = torch.finfo(torch.float16).max
        for name, value in self.state_dict().items():
            if value.is_floating_point() and not bool((value.abs() <= largest).all()):
                return name
        return None

    def save_pretrained(self, folder: str | Path, *, half: bool = True) -> Path:
        """Write `config.json` and `model.safetensors` (float16 unless told otherwise).

        Raises
        ------
        WeightsError
            A value is beyond the range of float16, and `half`.
        """
        if half and (name := self.beyond_half()):
            raise WeightsError(
                f"{name} has values beyond {torch.finfo(torch.float16).max:.0f}, which float16 "
                "cannot hold; float32 can (half=False)"
            )
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            name: (value.half() if half and value.is_floating_point() else value).contiguous().cpu()
            for name, value in self.state_dict().items()
        }
        with replacing(folder / WEIGHTS_FILE) as temporary:
            # The library's own file can be read by its owner alone.
            temporary.write_bytes(save(state))
        with replacing(folder / CONFIG_FILE) as temporary:
            temporary.write_text(json.dumps(self.config.to_dict(), indent=2) + "\n")
        return folder

    @classmethod
    def from_pretrained(
        cls, source: str | Path, *, changes: Mapping[str, Any] | None = None
    ) -> LSANet:
        """Load `config.json` and `model.safetensors` of saved weights.

        Parameters
        ----------
        source:
            A bundled name, a folder, or a repository, `owner/name`.
        changes:
            Settings of the configuration to replace, for training on from weights; such as
            leave every tensor's shape as it is.

        Raises
        ------
        WeightsError
            A file is missing or damaged, or the weights are not those of the configuration.
        """
        folder = find_weights(source)
        if is_graph(folder):
            raise WeightsError(f"{folder}: an ONNX file runs with the runtime onnx only")
        network = cls(read_config(folder, changes))
        network.load_weights(folder / WEIGHTS_FILE)
        network.eval()
        return network

    def load_weights(self, path: str | Path) -> None:
        """Fill all parameters from a safetensors file that holds exactly these.

        Raises
        ------
        WeightsError
            The file is damaged, or a tensor is missing, unexpected or of another shape.
        """
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
        own = self.state_dict()
        problems = [f"missing {name}" for name in own if name not in state]
        problems += [f"unexpected {name}" for name in state if name not in own]
        problems += [
            f"{name} is {tuple(state[name].shape)} instead of {tuple(value.shape)}"
            for name, value in own.items()
            if name in state and state[name].shape != value.shape
        ]
        if problems:
            shown = "; ".join(problems[:3]) + (
                f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
            )
            raise WeightsError(f"{path} does not fit its configuration: {shown}")
        self.load_state_dict(state)
