"""How opacity is estimated."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, get_args

from lsamatting.choices import Boundary, Padding, Precision
from lsamatting.errors import ConfigError
from lsamatting.inference.coarse_to_fine import suits
from lsamatting.inference.frame import MARGIN
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.tta import SINGLE, Averaging
from lsamatting.network.config import NetworkConfig


@dataclass(frozen=True)
class EstimateOptions:
    """How opacity is estimated.

    Raises
    ------
    ConfigError
        An option has no such value.
    """

    padding: Padding = "window"
    """What the network sees of the picture."""

    margin: int = MARGIN
    """Known pixels kept around the unknown region, with `window` padding."""

    precision: Precision = "auto"
    """Number format of the network's arithmetic; refinement is always in full precision."""

    averaging: Averaging = SINGLE
    """Over which scales and symmetries the runs are averaged."""

    refinement: RefinementOptions | None = None
    """Backpropagating refinement of every run (section 4.3), and how."""

    boundary: Boundary = "paper"
    """Which boundary pixels refinement looks at."""

    coarse_to_fine: bool | None = None
    """Whether a picture with wide unknown regions is looked at from afar first
    (`lsamatting.inference.coarse_to_fine`), with `window` padding. None for where the network gains
    by it."""

    memory: int | None = None
    """Bytes that the process may take in all, which decides whether a picture is computed in tiles;
    None for half of what is free."""

    def __post_init__(self) -> None:
        for name, value, kind in (
            ("padding", self.padding, Padding),
            ("boundary", self.boundary, Boundary),
            ("precision", self.precision, Precision),
        ):
            if value not in get_args(kind):
                raise ConfigError(f"{name} {value!r}; accepted: {', '.join(get_args(kind))}")
        if self.coarse_to_fine not in (True, False, None):
            raise ConfigError(
                f"coarse_to_fine {self.coarse_to_fine!r}; accepted: True, False, None"
            )
        if not isinstance(self.averaging, Averaging):
            raise ConfigError(f"tta {self.averaging!r}; accepted: True, False, None, an Averaging")
        if self.coarse_to_fine and self.padding != "window":
            raise ConfigError(
                "coarse to fine (--coarse-to-fine) goes with window padding, not with "
                f"{self.padding}, which is for the paper's numbers"
            )

    def starts_coarse(self, config: NetworkConfig) -> bool:
        """Whether a picture with wide unknown regions is looked at from afar first."""
        if self.coarse_to_fine is None:
            return self.padding == "window" and suits(config)
        return self.coarse_to_fine

    def to_dict(self) -> dict[str, Any]:
        """Give lists, numbers and strings, ready for JSON."""
        options = asdict(self)
        averaging = options.pop("averaging")
        averaging["scales"] = list(averaging["scales"])
        return {**options, "tta": averaging if self.averaging.runs > 1 else None}


def default_precision(padding: Padding) -> Precision:
    """Give the precision that suits a padding: full where the paper or its code is reproduced."""
    return "auto" if padding == "window" else "full"
