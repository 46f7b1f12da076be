"""A runtime that a thread loads while its first picture is read and its priors are solved."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Precision, RuntimeName
from lsamatting.inference.runtime import LevelAverages, Runtime, choose_runtime, load_runtime
from lsamatting.network.config import NetworkConfig
from lsamatting.network.files import is_graph, read_config

if TYPE_CHECKING:
    from lsamatting.inference.frame import Frame, Layout
    from lsamatting.inference.refinement.refiner import Refiner
    from lsamatting.inference.symmetry import Symmetry


class RuntimeAhead:
    """A `Runtime` that whoever asks it first waits for.

    For a process that does one picture: libraries take as long to be loaded as a small picture to
    be computed, and are not needed before its priors are.

    Parameters
    ----------
    weights, name, device:
        As of `load_runtime`.

    Raises
    ------
    WeightsError
        A folder's configuration cannot be read. What else is wrong with the weights, or with the
        device, is raised as by `load_runtime`, by the first thing that is asked.
    ConfigError, MissingExtraError
        As `choose_runtime`.
    """

    def __init__(self, weights: Path, name: RuntimeName = "auto", *, device: str = "auto") -> None:
        self.name: RuntimeName = choose_runtime(weights, name)
        self._load = weights, self.name, device
        self._config = None if is_graph(weights) else read_config(weights)
        self._loaded: Runtime | None = None
        self._problem: BaseException | None = None
        # Not a daemon: a process that ends while a library is being loaded may crash.
        self._thread = threading.Thread(target=self._run, name="lsamatting-load")
        self._thread.start()

    def _run(self) -> None:
        weights, name, device = self._load
        try:
            self._loaded = load_runtime(weights, name, device=device)
        except BaseException as error:
            self._problem = error

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime itself."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        assert self._loaded is not None
        return self._loaded

    @property
    def device(self) -> str:
        """Where it runs."""
        return self.runtime.device

    @property
    def config(self) -> NetworkConfig:
        """What the network is; known at once of a folder."""
        return self._config or self.runtime.config

    @property
    def tiles(self) -> bool:
        """Whether it can run on a part of a picture as if it saw the whole."""
        return self.runtime.tiles

    def run(
        self, layout: Layout, *, precision: Precision, averages: LevelAverages | None = None
    ) -> NDArray[np.float32]:
        """Run the network once; see `Runtime`."""
        return self.runtime.run(layout, precision=precision, averages=averages)

    def sums(
        self,
        layout: Layout,
        counted: NDArray[np.bool_],
        *,
        precision: Precision,
        averages: LevelAverages | None = None,
    ) -> list[tuple[NDArray[np.float32], float]]:
        """Sum what the attention of each decoder level averages; see `Runtime`."""
        return self.runtime.sums(layout, counted, precision=precision, averages=averages)

    def refiner(self, frame: Frame, symmetry: Symmetry) -> Refiner:
        """Encode a turned picture once, for refinement; see `Runtime`."""
        return self.runtime.refiner(frame, symmetry)

    def release(self) -> None:
        """Give back the memory that it keeps, if it is loaded; see `Runtime`."""
        if self._loaded is not None:
            self._loaded.release()

    def check_refines(self) -> None:
        """Refuse if it cannot refine; see `Runtime`."""
        self.runtime.check_refines()
