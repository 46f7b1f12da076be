"""What is told of a refinement."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class RefinementReport:
    """What refinement did to one run of the network."""

    c1: tuple[float, ...]
    """C1 at the start and after every step: how far known opacities are violated."""

    c2: tuple[float, ...]
    """C2 likewise: how far the result is from the network's own."""

    weight: float
    """The factor before C2 in the objective."""

    notice: str
    """Why the network's own result was kept; empty if it was not."""

    seconds: float
    """Time of the iterations."""

    @property
    def kept(self) -> bool:
        """Whether the network's own result was kept."""
        return bool(self.notice)

    @property
    def objective(self) -> tuple[float, ...]:
        """What was minimised, at the start and after every step."""
        return tuple(c1 + self.weight * c2 for c1, c2 in zip(self.c1, self.c2, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Give lists, numbers and strings, ready for JSON."""
        return {**asdict(self), "kept": self.kept}
