"""A network run by PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.choices import Precision
from lsamatting.inference.frame import Layout
from lsamatting.inference.precision import autocast
from lsamatting.inference.refinement.refiner import Refiner
from lsamatting.inference.tensors import layout_tensors
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from lsamatting.threads import set_torch_threads, survive_forks


class TorchRuntime:
    """A `Runtime` with derivatives.

    Parameters
    ----------
    network:
        In evaluation mode, on `device`.
    device:
        Where the network is.
    """

    name = "torch"

    def __init__(self, network: LSANet, device: torch.device | str = "cpu") -> None:
        survive_forks()
        set_torch_threads()
        self.network = network
        self.device = str(device)

    @property
    def config(self) -> NetworkConfig:
        """What the network is."""
        return self.network.config

    def check_refines(self) -> None:
        """Do nothing: it refines."""

    def run(self, layout: Layout, *, precision: Precision = "auto") -> NDArray[np.float32]:
        """Run the network once: opacity, H×W of the layout's size, not clamped."""
        inputs = layout_tensors(layout, self.device)
        with torch.inference_mode(), autocast(precision, self.device):
            raw: Tensor = self.network(*inputs)
        opacity: NDArray[np.float32] = raw[0, 0].float().cpu().numpy()
        return opacity

    def refiner(self, layout: Layout) -> Refiner:
        """Encode a picture once, for backpropagating refinement."""
        return Refiner(self.network, layout)
