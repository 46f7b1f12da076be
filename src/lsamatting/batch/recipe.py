"""What is done with every picture of a run, said so that it can be sent to other processes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lsamatting.images import DEFAULT_MAX_PIXELS
from lsamatting.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lsamatting.batch.addresses import Fetched
    from lsamatting.choices import (
        Boundary,
        Depth,
        ForegroundMethod,
        Padding,
        Precision,
        RuntimeName,
        Transfer,
    )
    from lsamatting.images import Picture
    from lsamatting.inference.refinement.options import RefinementOptions
    from lsamatting.inference.tta import Averaging
    from lsamatting.matting import Matting
    from lsamatting.trimap import Trimap

OVERLAY_COLOUR = (0.16, 0.43, 0.40)
"""What an overlay shows the subject on by itself: a green that is rare in subjects."""


@dataclass(frozen=True)
class Guide:
    """How trimaps are read, or made from masks."""

    max_pixels: int = DEFAULT_MAX_PIXELS
    erode: int | None = None
    dilate: int | None = None
    thresholds: dict[str, int] = field(default_factory=dict)
    """Options of `Trimap.read` that differ from its defaults."""

    def sees_picture(self, *, is_mask: bool) -> bool:
        """Whether the picture has a say in the trimap: in the width of a mask's band."""
        return is_mask and self.erode is None and self.dilate is None

    def read(self, file: Fetched, picture: Picture, *, is_mask: bool) -> Trimap:
        """Read the guide of a picture."""
        from lsamatting.trimap import Trimap

        if is_mask:
            return Trimap.from_mask(
                file.source,
                image=picture if self.sees_picture(is_mask=True) else None,
                erode=self.erode,
                dilate=self.dilate,
                max_pixels=self.max_pixels,
            )
        return Trimap.read(file.source, max_pixels=self.max_pixels, **self.thresholds)


@dataclass(frozen=True)
class Reading:
    """How pictures are read."""

    max_pixels: int = DEFAULT_MAX_PIXELS
    transfer: Transfer | None = None
    layer: str | None = None
    opacity: bool = True
    metadata: bool = True

    def picture(self, file: Fetched) -> Picture:
        """Read one file."""
        from lsamatting.images import read_picture

        picture = read_picture(
            file.source,
            max_pixels=self.max_pixels,
            transfer=self.transfer,
            layer=self.layer,
            opacity=self.opacity,
        )
        return picture if self.metadata else replace(picture, metadata=None)


@dataclass(frozen=True)
class Model:
    """Which weights, and how they are run."""

    weights: str = DEFAULT_WEIGHTS
    device: str = "auto"
    runtime: RuntimeName = "auto"
    padding: Padding = "window"
    boundary: Boundary = "paper"
    tta: Averaging | None = None
    precision: Precision | None = None
    coarse_to_fine: bool | None = None
    memory: int | None = None
    """Bytes that may be taken, of all workers together; None for half of what is free."""

    def load(self, *, ahead: bool = False) -> Matting:
        """Load the weights; `ahead`, while the first picture is read and its priors are solved.

        Raises
        ------
        WeightsError, ConfigError
            As `Matting.from_pretrained`, or as `RuntimeAhead`.
        """
        from lsamatting.inference.ahead import RuntimeAhead
        from lsamatting.inference.runtime import load_runtime
        from lsamatting.network.files import find_weights

        runtime = (RuntimeAhead if ahead else load_runtime)(
            find_weights(self.weights), self.runtime, device=self.device
        )
        # It imports much, and what is loaded ahead need not wait for that.
        from lsamatting.matting import Matting

        return Matting(
            runtime,
            padding=self.padding,
            boundary=self.boundary,
            tta=self.tta,
            precision=self.precision,
            coarse_to_fine=self.coarse_to_fine,
            memory=self.memory,
        )


@dataclass(frozen=True)
class Recipe:
    """What is done with every picture."""

    model: Model = field(default_factory=Model)
    guide: Guide = field(default_factory=Guide)
    reading: Reading = field(default_factory=Reading)
    backdrop: NDArray[Any] | tuple[float, float, float] = OVERLAY_COLOUR
    foreground_method: ForegroundMethod = "blur-fusion"
    refine: RefinementOptions | Literal[False] = False
    depth: Depth | None = None
    quality: int | None = None

    def digest(self) -> str:
        """Give a digest of everything that the result depends on, but for the weights."""
        said = {**asdict(self), "backdrop": _digest(np.asarray(self.backdrop, np.float32))}
        # Weights have a digest of their own; a result does not depend on where it was computed.
        said["model"] = {
            name: value
            for name, value in said["model"].items()
            if name not in ("weights", "device", "memory")
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(array.tobytes() + str(array.shape).encode()).hexdigest()
