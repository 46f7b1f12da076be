"""From a picture and a trimap to opacity: the one way that everything takes.

    frame_picture -> Frame.lay_out -> Runtime.run, or Refiner.refine -> Layout.take -> Frame.restore

is what an `OpenPicture` does at one size, and `OpenLevels` at several. Whoever asks once calls
`estimate`, which makes one for each scale of averaging; whoever keeps a picture, to ask again,
keeps an `OpenLevels`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.levels import OpenLevels
from lsamatting.inference.open_picture import Estimate, Progress, add_seconds, within
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.runtime import Runtime
from lsamatting.inference.strokes import Stroke, paint_strokes, with_strokes
from lsamatting.inference.symmetry import square_symmetries
from lsamatting.inference.tta import resize_back, resize_picture, resize_stroke
from lsamatting.samples import Samples


def estimate(
    runtime: Runtime,
    image: Samples,
    trimap: NDArray[np.uint8],
    *,
    options: EstimateOptions = EstimateOptions(),  # noqa: B008 (frozen)
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
        resized_strokes = [resize_stroke(stroke, seen_marks.shape) for stroke in strokes]
        part = OpenLevels(
            runtime,
            seen,
            seen_marks,
            options=options,
            symmetries=symmetries,
            strokes=resized_strokes,
            name=name,
        ).estimate(
            refinement=options.refinement,
            strokes=resized_strokes,
            progress=within(progress, number, len(averaging.scales)),
        )
        del seen
        resized = resize_back(part.alpha, trimap.shape)
        total = resized if total is None else np.add(total, resized, out=total)
        reports += part.reports
        add_seconds(seconds, part.seconds)
        del part, resized
    assert total is not None
    alpha = total
    alpha /= np.float32(len(averaging.scales))
    np.clip(alpha, 0, 1, out=alpha)
    alpha[marks == 0] = 0
    alpha[marks == 255] = 1
    paint_strokes(alpha, strokes)
    return Estimate(alpha=alpha, seconds=seconds, reports=tuple(reports))
