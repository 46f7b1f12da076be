"""Figure 3 of the paper: alpha before and after backpropagating refinement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.choices import Boundary, Padding
from lsamatting.errors import ConfigError, TrimapError
from lsamatting.evaluation.sheet import worst_place
from lsamatting.extras import require
from lsamatting.figures.writing import write_figure
from lsamatting.inference.frame import Frame, frame_picture
from lsamatting.inference.open_picture import OpenPicture, Progress
from lsamatting.inference.refinement.options import RefinementOptions, default_options
from lsamatting.inference.refinement.refiner import Refined
from lsamatting.inference.refinement.targets import Targets, boundary_targets
from lsamatting.inference.runtime import Runtime

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VIOLATION = 0.1
"""How far a boundary pixel may be from what the trimap says before it is marked."""

TOO_OPAQUE, TOO_CLEAR = "#e4572e", "#2e86e4"
CLOSE_UP = 160
"""Side in pixels of the part that is shown enlarged."""


@dataclass(frozen=True)
class Violations:
    """Boundary pixels at which a matte contradicts the trimap, H×W bool each."""

    too_opaque: NDArray[np.bool_]
    """At the known background's boundary."""

    too_clear: NDArray[np.bool_]
    """At the known foreground's boundary."""

    @property
    def count(self) -> int:
        """Number of pixels."""
        return int(self.too_opaque.sum() + self.too_clear.sum())


def violations(
    alpha: NDArray[np.float32], targets: Targets, *, threshold: float = VIOLATION
) -> Violations:
    """Find the boundary pixels that are further than `threshold` from 0 or 1.

    Parameters
    ----------
    alpha:
        H×W in [0, 1], the network's output also at known pixels.
    targets:
        The boundary, see `lsamatting.inference.refinement.targets`.
    threshold:
        In [0, 1).
    """
    return Violations(targets.zero & (alpha > threshold), targets.one & (alpha < 1 - threshold))


def fig3(
    runtime: Runtime,
    image: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    path: Path,
    *,
    padding: Padding = "window",
    boundary: Boundary = "paper",
    options: RefinementOptions | None = None,
    threshold: float = VIOLATION,
    progress: Progress | None = None,
) -> tuple[Violations, Violations]:
    """Draw alpha before and after refinement, violated boundary pixels marked, and the objective.

    Parameters
    ----------
    runtime:
        The network.
    image:
        H×W×3, gamma-encoded RGB in [0, 1].
    trimap:
        H×W with 0, 128 and 255.
    path:
        The figure, a PNG file.
    padding, boundary, options, progress:
        As in `Matting` and `Session.refine`.
    threshold:
        See `violations`.

    Returns
    -------
    tuple of Violations
        Before and after.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    ConfigError
        The threshold is out of range.
    TrimapError
        Nothing is unknown, or the trimap is of another size.
    """
    require("figures", "drawing figures")
    if not 0 <= threshold < 1:
        raise ConfigError(f"the threshold is in [0, 1), found {threshold:g}")
    frame = frame_picture(image, trimap, padding=padding, priors=runtime.config.priors)
    if frame.empty:
        raise TrimapError("the trimap has no unknown pixel: there is nothing to refine")
    refined = OpenPicture(runtime, frame).refine(
        options or default_options(padding, boundary), boundary=boundary, progress=progress
    )
    targets = boundary_targets(frame.trimap, frame.counted, boundary=boundary)
    before, after = (
        violations(alpha, targets, threshold=threshold)
        for alpha in (refined.initial, refined.alpha)
    )
    _draw(path, frame, refined, targets, (before, after))
    return before, after


def _draw(
    path: Path,
    frame: Frame,
    refined: Refined,
    targets: Targets,
    marks: tuple[Violations, Violations],
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    boundary = int(targets.zero.sum() + targets.one.sum())
    violated = (marks[0].too_opaque | marks[0].too_clear).astype(np.float32)
    close = worst_place(violated, CLOSE_UP)
    figure = Figure(figsize=(13, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    rows = zip(("before", "after"), (refined.initial, refined.alpha), marks, strict=True)
    for row, (name, alpha, marked) in enumerate(rows):
        share = 100 * marked.count / max(1, boundary)
        _show(
            axes[row, 0],
            alpha,
            marked,
            f"{name}: {marked.count} of {boundary} boundary pixels violated ({share:.1f} %)",
        )
        _show(
            axes[row, 1],
            alpha[close],
            Violations(marked.too_opaque[close], marked.too_clear[close]),
            "where most of them were",
        )
    height, width = alpha.shape
    axes[0, 2].imshow(frame.image[close].clip(0, 1), interpolation="nearest")
    axes[0, 2].set_title("the picture there")
    axes[0, 2].set_axis_off()
    report = refined.report
    axes[1, 2].plot(report.c1, label="C1, boundary")
    axes[1, 2].plot(report.weight * np.asarray(report.c2), label="weighted C2, distance")
    axes[1, 2].plot(report.objective, label="objective", color="black", linewidth=1)
    axes[1, 2].set_xlabel("step")
    axes[1, 2].set_ylim(bottom=0)
    axes[1, 2].legend()
    axes[1, 2].set_title(report.notice or "objective")
    figure.text(
        0.01,
        0.005,
        f"red: more than the threshold above 0 beside known background; "
        f"blue: below 1 beside known foreground ({width}×{height} pixels computed)",
        fontsize=8,
    )
    write_figure(figure, path, dpi=110)


def _show(axes: Axes, alpha: NDArray[Any], marked: Violations, title: str) -> None:
    axes.imshow(alpha, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    # Dots of a fixed size on paper: a pixel's own would be lost in a large picture.
    size = max(1.0, 300 / max(alpha.shape))
    for mask, colour in ((marked.too_opaque, TOO_OPAQUE), (marked.too_clear, TOO_CLEAR)):
        rows, columns = np.nonzero(mask)
        axes.scatter(columns, rows, s=size, c=colour, linewidths=0)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
