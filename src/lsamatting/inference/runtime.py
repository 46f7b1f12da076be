"""What the pipeline asks of whatever runs a network, so that it needs no particular library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import RuntimeName
from lsamatting.errors import ConfigError
from lsamatting.extras import installed, require
from lsamatting.network.files import is_graph

if TYPE_CHECKING:
    from lsamatting.choices import Precision
    from lsamatting.inference.frame import Frame, Layout
    from lsamatting.inference.refinement.refiner import Refiner
    from lsamatting.inference.symmetry import Symmetry
    from lsamatting.network.config import NetworkConfig


LevelAverages = list[NDArray[np.float32]]
"""What the channel attention of each decoder level averages to, the coarsest first: C each."""


@runtime_checkable
class Runtime(Protocol):
    """A network, ready to run on its device."""

    @property
    def name(self) -> str:
        """`torch` or `onnx`."""

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `cuda:N` or `mps`."""

    @property
    def config(self) -> NetworkConfig:
        """What the network is; the pipeline reads which priors it needs."""

    @property
    def tiles(self) -> bool:
        """Whether it can run on a part of a picture as if it saw the whole: has averages."""

    def run(
        self, layout: Layout, *, precision: Precision, averages: LevelAverages | None = None
    ) -> NDArray[np.float32]:
        """Run the network once: opacity, H×W of the layout's size, not clamped.

        `averages` are what the attention follows: those of the whole picture where the layout is a
        part of one. If not given they are the layout's own.
        """

    def sums(
        self,
        layout: Layout,
        counted: NDArray[np.bool_],
        *,
        precision: Precision,
        averages: LevelAverages | None = None,
    ) -> list[tuple[NDArray[np.float32], float]]:
        """Sum what the attention of each decoder level averages, the coarsest first.

        Parameters
        ----------
        layout:
            Part of a picture.
        counted:
            H×W, True where a pixel of the layout counts in the picture's averages, if the network
            counts it at all.
        precision, averages:
            As in `run`.

        Returns
        -------
        list
            For each level the sums, C, and what the counted pixels weigh.
        """

    def refiner(self, frame: Frame, symmetry: Symmetry) -> Refiner:
        """Encode a turned picture once, for backpropagating refinement; in tiles if it has any.

        Raises
        ------
        ConfigError, MissingExtraError
            As `check_refines`.
        """

    def release(self) -> None:
        """Give back the memory that it keeps from earlier runs for later ones, if it does."""

    def check_refines(self) -> None:
        """Refuse if it cannot refine.

        Raises
        ------
        ConfigError
            It has no derivatives.
        MissingExtraError
            What has them is not installed.
        """


def choose_runtime(weights: Path, name: RuntimeName = "auto") -> RuntimeName:
    """Say which runtime `load_runtime` loads: `torch` or `onnx`.

    Raises
    ------
    ConfigError
        There is no such runtime.
    MissingExtraError
        PyTorch is asked for and not installed.
    """
    if name not in get_args(RuntimeName):
        raise ConfigError(f"runtime {name!r}; accepted: {', '.join(get_args(RuntimeName))}")
    if name == "auto":
        return "torch" if installed("torch") and not is_graph(weights) else "onnx"
    if name == "torch":
        require("torch", "the runtime torch")
    return name


def load_runtime(weights: Path, name: RuntimeName = "auto", *, device: str = "auto") -> Runtime:
    """Load a network.

    Parameters
    ----------
    weights:
        As `lsamatting.network.files.find_weights` gives them.
    name:
        Which runtime; `auto` takes PyTorch where it is installed and the weights are not an ONNX
        file.
    device:
        `auto`, or a device that the runtime has on this machine.

    Raises
    ------
    WeightsError
        The weights are damaged, not those of their configuration, or not for this runtime.
    ConfigError
        There is no such runtime or device.
    MissingExtraError
        PyTorch is asked for and not installed.
    """
    if choose_runtime(weights, name) == "onnx":
        from lsamatting.inference.onnx_runtime import OnnxRuntime

        return OnnxRuntime(weights, device)
    from lsamatting.inference.device import choose_device
    from lsamatting.inference.torch_runtime import TorchRuntime
    from lsamatting.network.lsanet import LSANet

    place = choose_device(device)
    return TorchRuntime(LSANet.from_pretrained(weights).to(place).eval(), place)
