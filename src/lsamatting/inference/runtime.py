"""What the pipeline asks of whatever runs a network, so that it needs no particular library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lsamatting.choices import Precision
    from lsamatting.inference.frame import Layout
    from lsamatting.inference.refinement.refiner import Refiner
    from lsamatting.network.config import NetworkConfig


class Runtime(Protocol):
    """A network, ready to run on its device."""

    @property
    def config(self) -> NetworkConfig:
        """What the network is; the pipeline reads which priors it needs."""

    def run(self, layout: Layout, *, precision: Precision) -> NDArray[np.float32]:
        """Run the network once: opacity, H×W of the layout's size, not clamped."""

    def refiner(self, layout: Layout) -> Refiner:
        """Encode a picture once, for backpropagating refinement.

        Raises
        ------
        ConfigError
            It has no derivatives.
        """
