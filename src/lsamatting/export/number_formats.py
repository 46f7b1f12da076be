"""A graph in fewer bits: float16 for devices that compute in it, int8 for small ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from lsamatting.export.graph import describe
from lsamatting.inference.frame import Layout
from lsamatting.inference.onnx_runtime import LEAST_SEVERE, graph_inputs
from lsamatting.network.config import NetworkConfig

_SUMS = ("ReduceSum", "ReduceMean", "GlobalAveragePool", "Div", "Clip")
"""Of the channel attention's averages: over a picture sums leave the range of float16."""


def to_float16(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Compute in float16 what lies between the input and the last convolution.

    The input, the last convolution and what follows it stay float32: float16 has 2,048 values
    between ½ and 1, which a 16-bit matte would show as bands. Inputs and output are float32.
    """
    converted = OnnxModel(
        convert_float_to_float16(
            graph,
            keep_io_types=True,
            op_block_list=[*DEFAULT_OP_BLOCK_LIST, *_SUMS],
            node_block_list=[*_before_convolutions(graph), *_from_last_convolution(graph)],
        )
    )
    # What one float32 node gives another went through float16, which sums leave the range of.
    converted.remove_cascaded_cast_nodes()
    model: onnx.ModelProto = converted.model
    return model


def to_int8(
    graph: onnx.ModelProto, config: NetworkConfig, examples: Iterable[Layout]
) -> onnx.ModelProto:
    """Compute convolutions but the first and the last in int8.

    Parameters
    ----------
    graph:
        With its numbers.
    config:
        The network's.
    examples:
        From which the ranges of all features are taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole, folded, small = (
            Path(folder) / f"{name}.onnx" for name in ("whole", "fold", "small")
        )
        onnx.save(graph, whole)
        # Calibration opens sessions of its own, which would warn of inputs that are optional.
        onnxruntime.set_default_logger_severity(LEAST_SEVERE)
        # Batch norm is part of the convolution before it: fewer roundings.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folded)
        onnxruntime.InferenceSession(str(whole), options, providers=["CPUExecutionProvider"])
        plain = onnx.load(folded)
        for number, node in enumerate(plain.graph.node):
            node.name = f"{node.op_type}_{number}"
        # Not to be told that this step should come first.
        describe(plain, {"onnx.quant.pre_process": "onnxruntime.quant"})
        onnx.save(plain, folded)
        convolutions = [node.name for node in plain.graph.node if node.op_type == "Conv"]
        quantize_static(
            str(folded),
            str(small),
            _Examples(config, examples),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            nodes_to_quantize=convolutions[1:-1],
        )
        return onnx.load(small)


class _Examples(CalibrationDataReader):  # type: ignore[misc]
    """What the library asks for one input after another."""

    def __init__(self, config: NetworkConfig, layouts: Iterable[Layout]) -> None:
        self._given: Iterator[dict[str, NDArray[np.float32]]] = (
            graph_inputs(layout, config) for layout in layouts
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Give the inputs of one run; None when there are no more."""
        return next(self._given, None)


def _before_convolutions(graph: onnx.ModelProto) -> list[str]:
    """Name the nodes to which no convolution's output comes."""
    convolved: set[str] = set()
    before = []
    for node in graph.graph.node:
        if node.op_type == "Conv" or convolved.intersection(node.input):
            convolved.update(node.output)
        else:
            before.append(node.name)
    return before


def _from_last_convolution(graph: onnx.ModelProto) -> list[str]:
    nodes: list[Any] = list(graph.graph.node)
    last = max(number for number, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for node in nodes[last:]]
