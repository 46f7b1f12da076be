"""A network run by ONNX Runtime, which is small and quick to start; it has no derivatives."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lsamatting.choices import Precision
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.extras import require
from lsamatting.network.config import NetworkConfig
from lsamatting.network.files import (
    AVERAGES,
    CONFIG_FILE,
    CONFIG_KEY,
    COUNTED,
    GRAPH_FILE,
    TOTALS,
    WEIGHTS,
    WEIGHTS_FILE,
    find_graph,
    is_graph,
    read_config,
)
from lsamatting.threads import survive_forks, thread_count

if TYPE_CHECKING:
    from lsamatting.inference.frame import Frame, Layout
    from lsamatting.inference.runtime import LevelAverages
    from lsamatting.inference.symmetry import Symmetry

LEAST_SEVERE = 3
"""Of the library's messages that are printed: errors, which are raised too."""


def onnx_devices() -> tuple[str, ...]:
    """Name the devices that the installed ONNX Runtime can use, the fastest first."""
    gpu = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    return ("cuda:0", "cpu") if gpu else ("cpu",)


def choose_onnx_device(name: str = "auto") -> str:
    """Turn a name into a device of ONNX Runtime.

    Raises
    ------
    ConfigError
        It cannot use this device.
    """
    available = onnx_devices()
    if name == "auto":
        return available[0]
    wanted = "cuda:0" if name == "cuda" else name
    kind, _, index = wanted.partition(":")
    if wanted in available or (kind == "cuda" and "cuda:0" in available and index.isdigit()):
        return wanted
    raise ConfigError(
        f"device {name!r} is none that ONNX Runtime has here; accepted: auto, "
        f"{', '.join(available)}"
    )


class OnnxRuntime:
    """A `Runtime` without derivatives.

    Parameters
    ----------
    weights:
        A weights folder; or a file that `lsamatting export` wrote.
    device:
        `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises
    ------
    WeightsError
        The file is no graph of ours, or a folder's graph is missing or does not fit.
    ConfigError
        The device is none that ONNX Runtime has here.
    """

    name = "onnx"

    def __init__(self, weights: Path, device: str = "auto") -> None:
        survive_forks()
        self.device = choose_onnx_device(device)
        self._graph = _read_file(weights) if is_graph(weights) else _read_folder(weights)
        self._key: tuple[int, int] | None = None
        self._session: Any = None
        self.config = _config_of(self._current(), self._graph.path)
        """What the network is."""
        optional = self._current().get_overridable_initializers()
        self.tiles = {COUNTED, AVERAGES} <= {entry.name for entry in optional}
        """Whether the graph tells its averages and takes others, unlike those of old files."""
        if self._graph.config not in (None, self.config):
            raise WeightsError(f"{self._graph.path} is not the graph of {weights / CONFIG_FILE}")

    def run(
        self,
        layout: Layout,
        *,
        precision: Precision = "auto",
        averages: LevelAverages | None = None,
    ) -> NDArray[np.float32]:
        """Run the network once: opacity, H×W of the layout's size, not clamped.

        Arithmetic is that of the graph, float32 if it was not exported otherwise, whatever
        `precision` says.
        """
        inputs = graph_inputs(layout, self.config) | _followed(averages)
        (raw,) = self._current().run(["alpha"], inputs)
        opacity: NDArray[np.float32] = raw[0, 0]
        return opacity

    def sums(
        self,
        layout: Layout,
        counted: NDArray[np.bool_],
        *,
        precision: Precision = "auto",
        averages: LevelAverages | None = None,
    ) -> list[tuple[NDArray[np.float32], float]]:
        """Sum what the attention of each decoder level averages; see `Runtime`."""
        inputs = graph_inputs(layout, self.config) | _followed(averages)
        inputs[COUNTED] = counted[None, None].astype(np.float32)
        totals, weights = self._current().run([TOTALS, WEIGHTS], inputs)
        ends = np.cumsum(self.config.decoder_channels)[:-1]
        return [
            (total, float(weight))
            for total, weight in zip(np.split(totals[0], ends), weights, strict=True)
        ]

    def refiner(self, frame: Frame, symmetry: Symmetry) -> NoReturn:
        """Refuse: refinement follows derivatives.

        Raises
        ------
        ConfigError
            Always.
        """
        self.check_refines()
        raise AssertionError

    def release(self) -> None:
        """Give back the memory that it keeps from earlier runs: the next begins anew."""
        if self._key is not None and self._key[0] == os.getpid():
            self._session = self._key = None

    def check_refines(self) -> None:
        """Refuse.

        Raises
        ------
        MissingExtraError
            PyTorch is needed and not installed.
        ConfigError
            Another runtime is needed.
        """
        require("torch", "refinement")
        raise ConfigError("refinement follows derivatives, which only the runtime torch has")

    def _current(self) -> Any:
        """Give a session of this process with as many threads as are wanted now."""
        key = (os.getpid(), thread_count())
        if self._key != key:
            if self._key is not None and self._key[0] != key[0]:
                # Its threads stayed in the process that this one was forked from; to end it would
                # be to wait for them.
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._session))
            self._session, self._key = self._open(threads=key[1]), key
        return self._session

    def _open(self, *, threads: int) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = LEAST_SEVERE
        # Threads that wait for work leave the processor to others, such as the priors' solver.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph = self._graph
        if graph.tensors:
            values = map(onnxruntime.OrtValue.ortvalue_from_numpy, graph.tensors.values())
            options.add_external_initializers([*graph.tensors], [*values])
        providers: list[Any] = ["CPUExecutionProvider"]
        if self.device != "cpu":
            index = int(self.device.partition(":")[2])
            # Not the rounded products that the device multiplies in if it is left to itself.
            how = {"device_id": index, "use_tf32": 0}
            providers.insert(0, ("CUDAExecutionProvider", how))
        try:
            return onnxruntime.InferenceSession(graph.model, options, providers=providers)
        except Exception as error:  # the library has no common type for its errors
            reason = " ".join(str(error).split())
            raise WeightsError(f"{graph.path} cannot be run: {reason}") from error


def graph_inputs(layout: Layout, config: NetworkConfig) -> dict[str, NDArray[np.float32]]:
    """Give a graph's inputs: `image`, `trimap` and, if the network reads them, `priors`."""
    inputs = {"image": layout.image, "trimap": layout.trimap[..., None]}
    if config.priors:
        inputs["priors"] = layout.priors
    return {name: _channels_first(array)[None] for name, array in inputs.items()}


def _channels_first(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn H×W×C into C×H×W, contiguous."""
    planes = np.empty((array.shape[2], *array.shape[:2]), np.float32)
    # NumPy would go through memory once for each channel.
    cv2.split(array, mv=list(planes))
    return planes


def _followed(averages: LevelAverages | None) -> dict[str, NDArray[np.float32]]:
    return {} if averages is None else {AVERAGES: np.concatenate(averages)[None]}


@dataclass(frozen=True)
class _Graph:
    path: Path
    model: bytes
    tensors: dict[str, NDArray[np.float32]]
    """What the graph leaves out, by name."""

    config: NetworkConfig | None


def _read_file(path: Path) -> _Graph:
    return _Graph(path, path.read_bytes(), {}, None)


def _read_folder(folder: Path) -> _Graph:
    config = read_config(folder)
    path = find_graph(folder, config)
    if path is None:
        raise WeightsError(
            f"{folder} has no {GRAPH_FILE}, nor has the package one of its {CONFIG_FILE}; "
            "lsamatting export makes an ONNX file of it (extra: export)"
        )
    return _Graph(path, path.read_bytes(), _read_tensors(folder / WEIGHTS_FILE), config)


def _read_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    return {
        name: values.astype(np.float32)
        for name, values in stored.items()
        if np.issubdtype(values.dtype, np.floating)
    }


def _config_of(session: Any, path: Path) -> NetworkConfig:
    text = session.get_modelmeta().custom_metadata_map.get(CONFIG_KEY)
    if text is None:
        raise WeightsError(f"{path} holds no configuration; accepted: what lsamatting export wrote")
    try:
        return NetworkConfig.from_dict(json.loads(text))
    except (ValueError, TypeError, ConfigError) as error:
        raise WeightsError(f"{path}: its configuration is not one of a network: {error}") from error
