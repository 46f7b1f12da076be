"""Weights written as one ONNX file, and checked against the network that it was made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from lsamatting import __version__
from lsamatting.choices import OnnxNumbers
from lsamatting.digests import file_digest
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.export.graph import OPSET, build_graph, describe, fill
from lsamatting.inference.frame import Layout
from lsamatting.inference.onnx_runtime import OnnxRuntime
from lsamatting.inference.torch_runtime import TorchRuntime
from lsamatting.network.config import NetworkConfig
from lsamatting.network.files import numbers_file
from lsamatting.network.lsanet import LSANet
from lsamatting.replacing import replacing

CHECKED_SIZES = ((32, 32), (32, 128), (96, 64), (160, 160), (256, 320), (512, 384))
"""Height and width of the inputs on which a file is compared with its network."""

TOLERANCE = 1e-4
"""Largest difference of opacity that a float32 file may have."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    bytes: int
    opset: int
    sha256: str
    """Of the weights' file."""

    differences: Mapping[tuple[int, int], float]
    """By height and width the largest difference of opacity from that of PyTorch."""


def export_onnx(
    weights: Path,
    path: Path,
    *,
    name: str | None = None,
    numbers: OnnxNumbers = "float32",
    examples: Iterable[Layout] = (),
) -> Exported:
    """Write weights as an ONNX file that needs nothing beside it.

    Parameters
    ----------
    weights:
        A weights folder.
    path:
        The file to write.
    name:
        What its metadata call the weights; the folder's name if not given.
    numbers:
        Number format of weights and arithmetic; inputs and output are float32 in any case.
    examples:
        With `int8`: laid out pictures from which the ranges of all features are taken.

    Raises
    ------
    WeightsError
        The weights are damaged; or the file does not give what the network gives, to 1e-4 in
        float32, and is not written.
    ConfigError
        The number format needs examples and there are none.
    """
    network = LSANet.from_pretrained(weights)
    digest = file_digest(numbers_file(weights))
    graph = build_graph(network.config)
    fill(graph, network)
    if numbers == "float16":
        from lsamatting.export.number_formats import to_float16

        graph = to_float16(graph)
    elif numbers == "int8":
        from lsamatting.export.number_formats import to_int8

        laid = list(examples)
        if not laid:
            raise ConfigError("int8 needs pictures, from which the ranges of features are taken")
        graph = to_int8(graph, network.config, laid)
    described = {entry.key for entry in graph.metadata_props}
    facts = {
        "lsamatting.version": __version__,
        "lsamatting.weights": name or weights.name,
        "lsamatting.sha256": digest,
        "lsamatting.numbers": numbers,
    }
    describe(graph, {key: fact for key, fact in facts.items() if key not in described})
    with replacing(path) as temporary:
        onnx.save(graph, temporary)
        found = _differences(network, temporary)
        worst = max(found.values())
        if numbers == "float32" and not worst <= TOLERANCE:
            raise WeightsError(
                f"{path} would differ from {weights} by {worst:.2g}; allowed is {TOLERANCE:.0e}"
            )
    return Exported(path, path.stat().st_size, OPSET, digest, found)


def example_layout(config: NetworkConfig, height: int, width: int) -> Layout:
    """Make an input of noise, whose trimap is unknown in a disc."""
    rng = np.random.default_rng(height * width)
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows / height - 0.5, columns / width - 0.5)
    marks = np.select([distance < 0.2, distance > 0.4], [255, 0], 128).astype(np.uint8)
    return Layout(
        image=rng.random((height, width, 3), np.float32),
        trimap=np.select([marks == 0, marks == 255], [0, 1], 0.5).astype(np.float32),
        priors=rng.random((height, width, config.prior_channels), np.float32),
        marks=marks,
        counted=np.ones(marks.shape, np.bool_),
        place=(slice(0, height), slice(0, width)),
    )


def _differences(network: LSANet, path: Path) -> dict[tuple[int, int], float]:
    ours, theirs = OnnxRuntime(path, "cpu"), TorchRuntime(network)
    found = {}
    for height, width in CHECKED_SIZES:
        layout = example_layout(network.config, height, width)
        expected = theirs.run(layout, precision="full").clip(0, 1)
        found[height, width] = float(np.abs(ours.run(layout).clip(0, 1) - expected).max())
    return found
