from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from lsamatting.export.graph import OPSET, build_graph, fill
from lsamatting.network.config import NetworkConfig
from lsamatting.network.files import GRAPH_FILE, read_config
from lsamatting.network.lsanet import LSANet
from lsamatting.weights import bundled_folder, bundled_names

TINY = dataclasses.replace(
    NetworkConfig.preset("lite"),
    stem_channels=(4, 4, 6),
    stage_channels=(8, 10, 12, 14),
    stage_blocks=(1, 1, 1, 1),
    decoder_channels=(12, 10, 8, 6, 4),
    head_channels=(6, 4),
)
NETWORKS = {
    "lite, narrower": TINY,
    "the paper's parts": dataclasses.replace(
        TINY,
        stage_channels=(16, 20, 24, 28),
        block="bottleneck",
        attention="everywhere",
        head="full",
        priors=(),
        base="",
        correction="everywhere",
    ),
    "EfficientNet-Lite": dataclasses.replace(TINY, encoder="efficientnet-lite0"),
}


@pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS)
def test_a_graph_gives_what_its_network_gives_at_any_size(config):
    torch.manual_seed(1)
    network = LSANet(config).eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if "running_" in name or name.startswith("head.conv3"):
                value.uniform_(0.5, 1)
    graph = build_graph(config)
    fill(graph, network)
    onnx.checker.check_model(graph)
    assert graph.opset_import[0].version == OPSET
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    names = [entry.name for entry in session.get_inputs()]
    for height, width in ((32, 32), (32, 96), (64, 64), (96, 64), (128, 160), (224, 192)):
        inputs = [torch.rand(1, 3, height, width), torch.randint(3, (1, 1, height, width)) / 2]
        if config.priors:
            inputs.append(torch.rand(1, config.prior_channels, height, width))
        with torch.no_grad():
            expected = network(*inputs).numpy()
        given = dict(zip(names, (array.numpy() for array in inputs), strict=True))
        (found,) = session.run(["alpha"], given)
        np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_graphs_are_those_of_the_network_as_it_is(name):
    """`lsamatting export FOLDER/graph.onnx --weights FOLDER --graph-only` writes one anew."""
    folder = bundled_folder(name)
    bundled, built = (
        onnx.load(folder / GRAPH_FILE, load_external_data=False),
        build_graph(read_config(folder)),
    )
    for graph in (bundled, built):
        graph.ClearField("producer_version")
    assert [node.op_type for node in bundled.graph.node] == [
        node.op_type for node in built.graph.node
    ]
    assert {(n.name, *n.dims) for n in bundled.graph.initializer} == {
        (n.name, *n.dims) for n in built.graph.initializer
    }
