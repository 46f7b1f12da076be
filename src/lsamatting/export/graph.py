"""The network as an ONNX graph (extra: export).

PyTorch's tracing exporter writes it: the one that captures programs gives the same graph in twenty
times the time. A graph depends on the configuration alone; `fill` puts a network's numbers into it.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lsamatting import __version__
from lsamatting.network.config import STRIDE, NetworkConfig
from lsamatting.network.decoder import Averages
from lsamatting.network.files import AVERAGES, CONFIG_KEY, COUNTED, TOTALS, WEIGHTS, WEIGHTS_FILE
from lsamatting.network.lsanet import LSANet

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
"""Version of ONNX's operators; every ONNX Runtime since 1.14 has them."""


def build_graph(config: NetworkConfig) -> ModelProto:
    """Trace a network of a configuration.

    Returns
    -------
    onnx.ModelProto
        From `image` (1×3×H×W in [0, 1]), `trimap` (1×1×H×W with 0, ½ and 1) and, if the network
        reads them, `priors` (1×P×H×W) to `alpha` (1×1×H×W, not clamped); all float32, H and W any
        multiples of 32. The numbers of a weights file are left out: they are to be given by the
        names that they have there, as float32.

        Of a part of a picture, `counted` (1×1×H×W, 0 or 1; all of it if not given) tells which
        pixels the averages of the channel attention are of. Their sums, of all decoder levels one
        after another, the coarsest first, are `totals` (1×C), and what is to be divided by,
        `weights` (5). Given `averages` (1×C) are followed instead, but not those below 0, as all
        are if none are given: no average is, since features are not.
    """
    import onnx

    with torch.random.fork_rng(devices=()), torch.no_grad():
        torch.manual_seed(0)
        network = _InParts(config).eval()
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                # The exporter makes one of tensors that are equal.
                tensor.uniform_(0.5, 1)
        names = ["image", "trimap", *(["priors"] if config.priors else []), COUNTED]
        channels = {"image": 3, "trimap": 1, "priors": config.prior_channels, COUNTED: 1}
        inputs = [torch.rand(1, channels[name], 3 * STRIDE, 5 * STRIDE) for name in names]
        none = torch.full((1, sum(config.decoder_channels)), -1.0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder) / "graph.onnx"
        torch.onnx.export(
            network,
            (*inputs, none),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=[*names, AVERAGES],
            output_names=["alpha", TOTALS, WEIGHTS],
            dynamic_axes={
                **{name: {2: "height", 3: "width"} for name in (*names, "alpha")},
                # What is not given is one number for all.
                COUNTED: {2: "counted_height", 3: "counted_width"},
            },
            # Nothing is computed from numbers that are not yet known.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
        graph = onnx.load(file)
    for node in graph.graph.node:
        node.name = node.output[0]
        node.ClearField("doc_string")
    saved = network.state_dict()
    for number in graph.graph.initializer:
        if number.name in saved:
            number.ClearField("raw_data")
            number.data_location = onnx.TensorProto.EXTERNAL
            place = number.external_data.add()
            place.key, place.value = "location", WEIGHTS_FILE
    for name, default in ((COUNTED, np.ones((1, 1, 1, 1), np.float32)), (AVERAGES, none.numpy())):
        graph.graph.initializer.append(onnx.numpy_helper.from_array(default, name))
    graph.producer_name, graph.producer_version = "lsamatting", __version__
    describe(graph, {CONFIG_KEY: json.dumps(config.to_dict())})
    return graph


class _InParts(LSANet):
    """A network that can run on a part of a picture as if it saw the whole."""

    def forward(  # type: ignore[override]
        self, image: Tensor, trimap: Tensor, *others: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give opacity, and what the attention averages; see `build_graph`."""
        *priors, counted, given = others
        inputs = self.inputs(image, trimap, *priors)
        mask = self.attention_mask(inputs)
        counted = (torch.ones_like(trimap) if mask is None else mask) * counted
        channels = list(self.config.decoder_channels)
        averages = _Choosing(
            counted,
            [part[..., None, None] for part in torch.split(given, channels, dim=1)],
        )
        alpha = self.decode(inputs, self.encode(inputs), averages=averages)
        totals = torch.cat([total.flatten(1) for total in averages.totals], dim=1)
        return alpha, totals, torch.cat([weight.flatten() for weight in averages.weights])


class _Choosing(Averages):
    """Follows those of what is given that are not negative."""

    def follow(self, level: int, own: Tensor) -> Tensor:
        assert self.given is not None
        return torch.where(self.given[level] < 0, own, self.given[level])


def fill(graph: ModelProto, network: LSANet) -> None:
    """Put a network's numbers into the graph of its configuration, in place."""
    import onnx

    saved = network.state_dict()
    for number in graph.graph.initializer:
        if number.data_location == onnx.TensorProto.EXTERNAL:
            values = saved[number.name].detach().cpu().float().numpy()
            number.CopyFrom(onnx.numpy_helper.from_array(values, number.name))


def describe(graph: ModelProto, facts: Mapping[str, str]) -> None:
    """Note facts in a graph's metadata, in place."""
    for key, value in facts.items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = key, value
