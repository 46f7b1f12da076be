"""From a picture and a trimap to opacity: the one way that everything takes.

    frame_picture -> Frame.lay_out -> Runtime.run, or Refiner.refine -> Layout.take -> Frame.restore

Whoever asks once calls `estimate`. Whoever keeps a picture, to ask again, frames it and keeps an
`OpenPicture`, which `estimate` makes for each scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Boundary, Padding, Precision
from lsamatting.errors import ConfigError
from lsamatting.inference.fit import choose_tile
from lsamatting.inference.frame import MARGIN, frame_picture
from lsamatting.inference.open_picture import Estimate, OpenPicture, Progress
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.runtime import Runtime
from lsamatting.inference.strokes import Stroke, paint_strokes, with_strokes
from lsamatting.inference.symmetry import square_symmetries
from lsamatting.inference.tta import (
    SINGLE,
    Averaging,
    resize_back,
    resize_picture,
    resize_stroke,
)
from lsamatting.samples import Samples


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

    def to_dict(self) -> dict[str, Any]:
        """Give lists, numbers and strings, ready for JSON."""
        options = asdict(self)
        averaging = options.pop("averaging")
        averaging["scales"] = list(averaging["scales"])
        return {**options, "tta": averaging if self.averaging.runs > 1 else None}


def default_precision(padding: Padding) -> Precision:
    """Give the precision that suits a padding: full where the paper or its code is reproduced."""
    return "auto" if padding == "window" else "full"


def estimate(
    runtime: Runtime,
    image: Samples,
    trimap: NDArray[np.uint8],
    *,
    options: EstimateOptions = EstimateOptions(),
    strokes: Sequence[Stroke] = (),
    progress: Progress | None = None,
    name: str = "the picture",
) -> Estimate:
    """Estimate the opacity of every pixel.

    At each scale the picture is resized, what is computed of it is chosen and its colour priors are
    computed once; then the network runs on each symmetry of that.

    Parameters
    ----------
    runtime:
        The network.
    image:
        H×W×3, gamma-encoded RGB: in [0, 1], or integers as in files.
    trimap:
        H×W with 0, 128 (unknown) and 255; known pixels become 0 and 1.
    options:
        How.
    strokes:
        Corrections. Those of 0 and 1 are knowledge like the trimap's; all become exactly what
        they say, and refinement makes the network agree with them.
    progress:
        Called with the runs, or steps of refinement, done and their number.
    name:
        Of the picture, in messages.

    Raises
    ------
    TrimapError
        Image and trimap differ in size.
    ImageError
        It does not fit into the memory that may be taken, even in tiles.
    ConfigError
        The runtime cannot refine.
    """
    averaging = options.averaging
    marks = with_strokes(trimap, strokes)
    symmetries = square_symmetries(averaging.symmetries)
    total: NDArray[np.float32] | None = None
    seconds: dict[str, float] = {}
    reports: list[RefinementReport] = []
    for number, scale in enumerate(averaging.scales):
        seen, seen_marks = resize_picture(image, marks, scale)
        frame = frame_picture(
            seen,
            seen_marks,
            padding=options.padding,
            margin=options.margin,
            priors=runtime.config.priors,
            tile=choose_tile(
                seen_marks,
                runtime,
                padding=options.padding,
                margin=options.margin,
                refined=options.refinement is not None,
                memory=options.memory,
                name=name,
            ),
        )
        del seen
        part = OpenPicture(runtime, frame).estimate(
            refinement=options.refinement,
            boundary=options.boundary,
            precision=options.precision,
            strokes=[resize_stroke(stroke, seen_marks.shape) for stroke in strokes],
            symmetries=symmetries,
            progress=_within(progress, number, len(averaging.scales)),
        )
        resized = resize_back(part.alpha, trimap.shape)
        total = resized if total is None else np.add(total, resized, out=total)
        reports += part.reports
        for step, spent in part.seconds.items():
            seconds[step] = seconds.get(step, 0.0) + spent
        del frame, part, resized
    assert total is not None
    alpha = total
    alpha /= np.float32(len(averaging.scales))
    np.clip(alpha, 0, 1, out=alpha)
    alpha[marks == 0] = 0
    alpha[marks == 255] = 1
    paint_strokes(alpha, strokes)
    return Estimate(alpha=alpha, seconds=seconds, reports=tuple(reports))


def _within(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Count the steps of one of several equal parts among those of all."""
    if progress is None:
        return None
    return lambda done, of: progress(number * of + done, parts * of)
