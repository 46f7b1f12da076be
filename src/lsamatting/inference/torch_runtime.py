"""A network run by PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsamatting.choices import Precision
from lsamatting.inference.frame import Frame, Layout
from lsamatting.inference.precision import autocast
from lsamatting.inference.refinement.refiner import Refiner
from lsamatting.inference.refinement.tiled_decoder import TiledDecoder
from lsamatting.inference.runtime import LevelAverages
from lsamatting.inference.symmetry import Symmetry
from lsamatting.inference.tensors import layout_tensors
from lsamatting.network.config import NetworkConfig
from lsamatting.network.decoder import Averages
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
    tiles = True

    def __init__(self, network: LSANet, device: torch.device | str = "cpu") -> None:
        survive_forks()
        set_torch_threads()
        self.network = network
        self.device = str(device)

    @property
    def config(self) -> NetworkConfig:
        """What the network is."""
        return self.network.config

    def release(self) -> None:
        """Do nothing: it keeps nothing from its runs."""

    def check_refines(self) -> None:
        """Do nothing: it refines."""

    def run(
        self,
        layout: Layout,
        *,
        precision: Precision = "auto",
        averages: LevelAverages | None = None,
    ) -> NDArray[np.float32]:
        """Run the network once: opacity, H×W of the layout's size, not clamped."""
        inputs = layout_tensors(layout, self.device)
        followed = (
            {} if averages is None else {"averages": self._averages(inputs[1], None, averages)}
        )
        with torch.inference_mode(), autocast(precision, self.device):
            raw: Tensor = self.network(*inputs, **followed)
        opacity: NDArray[np.float32] = raw[0, 0].float().cpu().numpy()
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
        inputs = layout_tensors(layout, self.device)
        noted = self._averages(inputs[1], counted, averages)
        with torch.inference_mode(), autocast(precision, self.device):
            self.network.features(*inputs, noted)
        return [
            (total.flatten().float().cpu().numpy(), float(weight))
            for total, weight in zip(noted.totals, noted.weights, strict=True)
        ]

    def _averages(
        self,
        trimap: Tensor,
        counted: NDArray[np.bool_] | None,
        given: LevelAverages | None,
    ) -> Averages:
        mask = torch.zeros_like(trimap)
        if counted is not None:
            mask = torch.from_numpy(counted)[None, None].to(self.device, trimap.dtype)
            if self.config.attention == "unknown":
                mask = mask * ((trimap > 0) & (trimap < 1))
        tensors = [
            torch.from_numpy(average).view(1, -1, 1, 1).to(self.device) for average in given or []
        ]
        return Averages(mask, tensors or None)

    def refiner(self, frame: Frame, symmetry: Symmetry) -> Refiner:
        """Encode a turned picture once, for backpropagating refinement; see `Runtime`."""
        if frame.tile is None:
            return Refiner.at_once(self.network, frame.lay_out(symmetry))
        decoder = TiledDecoder(self.network, frame, symmetry, side=frame.tile)
        return Refiner(decoder, frame.place(symmetry))
