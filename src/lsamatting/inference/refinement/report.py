"""What is told of a refinement."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lsamatting.inference.refinement.refiner import Refinement


@dataclass(frozen=True)
class RefinementReport:
    """What refinement did to one run of the network."""

    c1: tuple[float, ...]
    """C1 at the start and after every step: how far known opacities are violated."""

    c2: tuple[float, ...]
    """C2 likewise: how far the result is from the network's own."""

    kept: bool
    """Whether the network's own result was kept."""

    notice: str
    """Why it was kept; empty if it was not."""

    seconds: float
    """Time of the iterations."""

    @classmethod
    def of(cls, refinement: Refinement) -> RefinementReport:
        """Tell of a refinement without its pictures."""
        return cls(
            c1=refinement.c1,
            c2=refinement.c2,
            kept=refinement.kept,
            notice=refinement.notice,
            seconds=refinement.seconds,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give lists, numbers and strings, ready for JSON."""
        return asdict(self)
